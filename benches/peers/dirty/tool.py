"""A tool: a script of with/, and how it is run."""

import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent

# Where each tool says what went wrong, the most telling first.
WORDS = [
    r"^psycopg2\.errors\.\w+: (.*)", r"caused by: (.*)", r"caused an exception: (.*)", r"with message: (.*)",
    r"panic occurred! .*", r"^\w[\w ]* Error: .*", r"^(?:pq|ERROR): .*",
]


class Tool:
    """A script of with/, and what its first lines say about it."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        said = dict(re.findall(r"^# (\w+): (.*)$", path.read_text(), re.MULTILINE))
        self.about, self.tables, self.needs = said["about"], said["in"].split(), said.get("needs")

    def command(self):
        if self.path.suffix == ".py":
            return [f"{os.environ['PEERS']}/{self.needs}/bin/python", str(self.path)]
        return ["bash", "-c", f". {HERE}/programs.sh; set -eo pipefail; cd \"$SCRATCH\"; cp {HERE}/readings.toml {HERE}/tables.sql .; . {self.path}"]

    def load(self, file, clean):
        """Nothing, or what the tool says went wrong."""
        environment = os.environ | {"FILE": str(file), "CLEAN": str(clean), "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            ended = subprocess.run(self.command(), env=environment, cwd=HERE, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            return "did not end within 300 s"
        return None if ended.returncode == 0 else complaint((ended.stdout + ended.stderr).decode("utf-8", "replace"))


def complaint(said):
    """What an output says went wrong."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", said)
    for words in WORDS:
        found = re.findall(words, said, re.MULTILINE)
        if found:
            return found[-1].strip()
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "no words"


def tools():
    """All of them, by name."""
    scripts = sorted(path for path in (HERE / "with").iterdir() if path.suffix in (".sh", ".py"))
    return {script.stem: Tool(script) for script in scripts}
