"""Loads of the command line that are killed, and repeated until they are done."""

import json
import shutil
import subprocess
import time

import database
from scenario import FEEDS, ORDERS, STEVEDORE, USERS, Scenario, deal, generate

#: Attempts at a load after the last kill. What a kill has left behind may stand in the way for a moment.
ATTEMPTS = 10


class Load:
    """An attempt at a load: a process that can be killed."""

    kinds = ("loader",)

    def __init__(self, name, arguments, span):
        self.database, self.span, self.begun = name, span, time.monotonic()
        command = [STEVEDORE, "load", *arguments, "--json", "--no-preflight", "--database-url", database.url_of(name)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait(self, seconds):
        """Whether it ended within this time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def is_running(self):
        return self.process.poll() is None

    def kill(self, _):
        """Whether there was something to kill."""
        is_running = self.is_running()
        self.process.kill()
        return is_running

    def finish(self):
        """Whether it did all that it was to do, and what it said."""
        errors = self.process.communicate(timeout=600)[1]
        return self.process.returncode == 0, errors


class Loads(Scenario):
    """Loads that are killed one after the other."""

    def __init__(self, work):
        super().__init__(work)
        self.seconds = {}

    def steps(self):
        """The loads, in order: for each what is done before it, and its arguments."""
        raise NotImplementedError

    def run(self, name, killer):
        for number, (prepare, arguments) in enumerate(self.steps()):
            prepare()
            killer.begin(self.kills)
            attempts = 0
            while attempts < ATTEMPTS:
                load = Load(name, arguments, self.seconds.get(number, 0))
                was_killed = killer.disturb(load)
                is_done, errors = load.finish()
                if not was_killed:
                    attempts += 1
                    self.note(number, load)
                if is_done:
                    break
                time.sleep(0 if was_killed else 0.5)
            else:
                raise SystemExit(f"{self.name}: never done: {errors}")

    def note(self, step, load):
        """How long a step takes undisturbed: kills come within this time. It changes with what else the machine does."""
        took = time.monotonic() - load.begun
        self.seconds[step] = (self.seconds.get(step, took) + took) / 2


class Orders(Loads):
    """Orders with items and discounts, into three tables and the rejects."""

    tables = ORDERS
    children = (("order_items", "orders", "order_id"), ("item_discounts", "orders", "order_id"))
    records = 4_000
    turns = 2

    def prepare(self):
        generate(self.folder / "first", "--orders", "--records", self.records)
        generate(self.folder / "second", "--orders", "--records", self.records, "--changed", 10)
        with open(self.folder / "second", "a", encoding="utf-8") as out:
            out.write('{"id":"no uuid"}\n' * 50)

    def load(self, mode):
        return [str(self.folder / "orders.ndjson"), "--feed", str(FEEDS / "orders.toml"), "--mode", mode]

    def put(self, version):
        """The object becomes another version of itself."""
        return lambda: shutil.copyfile(self.folder / version, self.folder / "orders.ndjson")


def counted(file):
    """The rows of each table of the orders in a file."""
    records = [json.loads(line) for line in open(file, encoding="utf-8")]
    orders = [record for record in records if "items" in record]
    items = [item for order in orders for item in order["items"]]
    return [len(orders), len(items), sum(len(item["discounts"]) for item in items), len(records) - len(orders)]


class OrdersAppend(Orders):
    """All orders are new."""

    name = "orders, append"

    def steps(self):
        return [(self.put("second"), self.load("append"))]

    def expected(self):
        return counted(self.folder / "second")


class OrdersMerge(Orders):
    """A tenth of the orders comes again, with other items. The rest stays, although its random parts are others."""

    name = "orders, merge, children=replace"

    def steps(self):
        return [(self.put(version), self.load("merge")) for version in ("first", "second")]


class OrdersReplace(Orders):
    """The second version of an object replaces the first one."""

    name = "orders, replace"

    def steps(self):
        return [(self.put(version), self.load("replace")) for version in ("first", "second")]

    def expected(self):
        return counted(self.folder / "second")


class Users(Loads):
    """Records of user_status."""

    tables, children = USERS, (("user_status_log", "user_status", "userid"),)
    records = 15_000
    arguments = ()

    def prepare(self):
        generate(self.folder / "users.ndjson", "--records", self.records, "--rejected", 1)

    def steps(self):
        return [(lambda: None, [str(self.folder / "users.ndjson"), *self.arguments])]


class UsersSingle(Users):
    """One object, one transaction, into the tables of the old job."""

    name, before = "user_status, single, append", database.OLD_TABLES
    arguments = ("--mode", "append", "--connections", "1")


class UsersMerge(Users):
    """One object into tables with a key."""

    name = "user_status, single, merge"
    arguments = ("--mode", "merge")


class UsersBundles(Users):
    """Many small objects in bundles."""

    name = "user_status, bundles, merge"
    objects = 300

    def prepare(self):
        generate(self.folder / "all", "--records", self.records, "--rejected", 1)
        lines = (self.folder / "all").read_bytes().splitlines(keepends=True)
        deal(lines, self.folder / "lake", self.objects)

    def steps(self):
        return [(lambda: None, [str(self.folder / "lake"), "--mode", "merge"])]


class UsersParts(Users):
    """An object that is large enough to be loaded in parts, on two connections."""

    name, before, records = "user_status, parts, append", database.OLD_TABLES, 100_000
    arguments = ("--mode", "append", "--connections", "2")
