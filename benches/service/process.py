"""A server and workers over a bucket, which come back when they are killed."""

import os
import signal
import socket
import subprocess
import threading

import database
from client import Client

STEVEDORE = os.environ["STEVEDORE"]
#: Has a process end with the script, however that ends.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
#: Seconds until a process that ended is started again, as the service manager does it.
PAUSE = 0.1


def program():
    """What runs, for the page of results."""
    version = subprocess.run([STEVEDORE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{version}, {'debug' if 'debug' in STEVEDORE else 'release'} build"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Process:
    """A server or worker. However it ends, it is started again."""

    def __init__(self, log, *arguments):
        self.command, self.log, self.over = [*WITH_US, STEVEDORE, *map(str, arguments)], log, threading.Event()
        self.start()
        self.keeper = threading.Thread(target=self.keep, daemon=True)
        self.keeper.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def keep(self):
        while not self.over.is_set():
            self.process.wait()
            if not self.over.wait(PAUSE):
                self.start()

    @property
    def pid(self):
        return self.process.pid

    def freeze(self):
        """It does nothing more, so that one can see what a kill hits."""
        self.process.send_signal(signal.SIGSTOP)

    def kill(self):
        self.process.kill()

    def stop(self):
        self.over.set()
        while self.keeper.is_alive():
            self.process.kill()
            self.keeper.join(PAUSE)


class Fleet:
    """The processes of one database: a server, and workers as they are asked for."""

    def __init__(self, name, bucket, work, *options, server=()):
        self.name, self.work, port = name, work, free_port()
        own = ["--bucket", f"bucket={bucket}", "--database-url", database.url_of(name), "--concurrency", 2, "--no-preflight"]
        self.options = [*own, *options]
        self.processes = {}
        self.client = Client(f"http://127.0.0.1:{port}")
        self.start("server", "serve", "--listen", f"127.0.0.1:{port}", "--rate-limit", 100_000, *server)

    def start(self, kind, *command):
        """Starts one more process, whose log is in the folder of the run."""
        self.processes[kind] = Process(self.work / f"{self.name}-{kind}.log", *command, *self.options)

    def start_worker(self, kind="worker"):
        self.start(kind, "worker", "--no-listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.stop()

    def running(self, *kinds):
        """How many jobs and listings run in these processes, or in all of them."""
        pids = ", ".join(f"'{self.processes[kind].pid}'" for kind in kinds or self.processes)
        workers = f"(select id from stevedore_queue._private_workers where metadata ->> 'pid' in ({pids}))"
        return database.count(
            self.name,
            f"""select (select count(*) from stevedore.jobs where state = 'running' and worker in {workers})
            + (select count(*) from stevedore_queue._private_jobs where locked_by in {workers} and payload ->> 'watch' is not null)""",
        )
