"""What is loaded while it is killed, and what must be there in the end. A scenario more is a class more."""

import os
import pathlib
import subprocess

import database

STEVEDORE, GENERATE = os.environ["STEVEDORE"], os.environ["GENERATE"]
FEEDS = pathlib.Path("feeds/examples")
ORDERS = ("orders", "order_items", "item_discounts", "orders_rejects")
USERS = ("user_status", "user_status_log", "user_status_error_rec")
# Columns that differ from one load to the next.
OF_THE_LOAD = {"ingested_at", "load_id", "object", "object_version"}


def generate(file, *options):
    with open(file, "wb") as out:
        subprocess.run([GENERATE, *map(str, options)], stdout=out, check=True)


def deal(lines, folder, objects):
    """Writes the lines to so many objects."""
    folder.mkdir()
    for number in range(objects):
        (folder / f"{number:04}.ndjson").write_bytes(b"".join(lines[number::objects]))


def stevedore(name, *arguments):
    """Runs a command over a database, undisturbed."""
    command = [STEVEDORE, *map(str, arguments), "--database-url", database.url_of(name)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Scenario:
    """Something that is done while it is killed."""

    #: As the table of results has it.
    name = ""
    #: The tables that are compared, and of them the child tables with their root tables and the key of both.
    tables, children = (), ()
    #: What the database has before the first load.
    before = ""
    #: The feeds, other than those that are built in.
    feeds = FEEDS
    #: Rounds of it for each round of the others, and kills of a round at most, or of each load.
    turns, kills = 1, 4

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.folder = self.work / type(self).__name__
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.prepare()

    def prepare(self):
        """Writes what is loaded."""
        raise NotImplementedError

    def fill(self, name):
        """Loads what is there before, undisturbed."""

    def run(self, name, killer):
        """Loads all of it into a database, and lets itself be killed."""
        raise NotImplementedError

    def expected(self):
        """How many rows each table has in the end, as the files tell without us; none if they do not."""
        return None

    def orphans(self):
        """Questions for rows without the row that they belong to."""
        return [
            f"select count(*) from {child} c where not exists (select from {root} r where r.{key} = c.{key})"
            for child, root, key in self.children
        ]
