"""What is loaded while it is killed, and what must be there in the end. A scenario more is a class more: it says which
commands are to be repeated until they are done, and which tables are compared."""

import json
import os
import pathlib
import shutil
import subprocess

STEVEDORE, GENERATE = os.environ["STEVEDORE"], os.environ["GENERATE"]
ORDERS = "feeds/examples/orders.toml"
# Columns that differ from one load to the next.
OF_THE_LOAD = {"ingested_at", "load_id", "object", "object_version"}
OLD_TABLES = """
create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int, isblacklisted boolean,
  ingested_at timestamp);
create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp)"""


def generate(file, *options):
    with open(file, "wb") as out:
        subprocess.run([GENERATE, *map(str, options)], stdout=out, check=True)


class Scenario:
    """Loads that are killed one after the other."""

    #: The tables that are compared, the root table first.
    tables = ()
    #: Of each child table, the columns that its root row has too.
    key = ""
    #: What the database has before the first load.
    before = ""
    #: Rounds of it for each round of the others.
    turns = 1

    def __init__(self, work):
        self.folder = pathlib.Path(work) / self.name.replace(" ", "-").replace("=", "-").replace(",", "")
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.prepare()

    def prepare(self):
        """Writes what is loaded."""
        raise NotImplementedError

    def steps(self):
        """The loads, in order: for each what is done before it, and its arguments."""
        raise NotImplementedError

    def expected(self):
        """How many rows each table has in the end, as the files tell without us."""
        raise NotImplementedError

    def orphans(self):
        """Questions for rows without the row that they belong to."""
        root, *children = self.tables[:-1]
        return [
            f"select count(*) from {child} c where not exists (select from {root} r where r.{self.key} = c.{self.key})"
            for child in children
        ]

    @staticmethod
    def is_done(process):
        """Whether an attempt that ended has done all that it was to do."""
        return process.returncode == 0


class Orders(Scenario):
    """Orders with items and discounts, into three tables and the rejects."""

    tables = ("orders", "order_items", "item_discounts", "orders_rejects")
    key = "order_id"
    records = 8_000
    turns = 2

    def prepare(self):
        generate(self.folder / "first", "--orders", "--records", self.records)
        generate(self.folder / "second", "--orders", "--records", self.records, "--changed", 10)
        with open(self.folder / "second", "a", encoding="utf-8") as out:
            out.write('{"id":"no uuid"}\n' * 100)

    def load(self, mode):
        return [str(self.folder / "orders.ndjson"), "--feed", ORDERS, "--mode", mode]

    def put(self, version):
        """The object becomes another version of itself."""
        return lambda: shutil.copyfile(self.folder / version, self.folder / "orders.ndjson")

    def counted(self, version):
        records = [json.loads(line) for line in open(self.folder / version, encoding="utf-8")]
        orders = [record for record in records if "items" in record]
        items = [item for order in orders for item in order["items"]]
        discounts = sum(len(item["discounts"]) for item in items)
        return [len(orders), len(items), discounts, len(records) - len(orders)]


class OrdersAppend(Orders):
    """All orders are new."""

    name = "orders, append"

    def steps(self):
        return [(self.put("second"), self.load("append"))]

    def expected(self):
        return self.counted("second")


class OrdersMerge(Orders):
    """A tenth of the orders comes again, with other items."""

    name = "orders, merge, children=replace"

    def steps(self):
        return [(self.put(version), self.load("merge")) for version in ("first", "second")]

    def expected(self):
        # The other nine tenths stay as they are, although their random parts differ from the first version.
        return None


class OrdersReplace(Orders):
    """The second version of an object replaces the first one."""

    name = "orders, replace"

    def steps(self):
        return [(self.put(version), self.load("replace")) for version in ("first", "second")]

    def expected(self):
        return self.counted("second")


class Users(Scenario):
    """Records of user_status."""

    tables = ("user_status", "user_status_log", "user_status_error_rec")
    key = "userid"
    records = 30_000
    arguments = ()

    def prepare(self):
        generate(self.folder / "users.ndjson", "--records", self.records, "--rejected", 1)

    def steps(self):
        return [(lambda: None, [str(self.folder / "users.ndjson"), *self.arguments])]

    def expected(self):
        return None


class UsersSingle(Users):
    """One object, one transaction, into the tables of the old job."""

    name, before = "user_status, single, append", OLD_TABLES
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
        generate(self.folder / "all", "--records", self.records // 3, "--rejected", 1)
        lines = (self.folder / "all").read_bytes().splitlines(keepends=True)
        (self.folder / "lake").mkdir()
        for number in range(self.objects):
            text = b"".join(lines[number :: self.objects])
            (self.folder / "lake" / f"{number:04}.ndjson").write_bytes(text)

    def steps(self):
        return [(lambda: None, [str(self.folder / "lake"), "--mode", "merge"])]


class UsersParts(Users):
    """An object that is large enough to be loaded in parts, on two connections."""

    name, before, records = "user_status, parts, append", OLD_TABLES, 320_000
    arguments = ("--mode", "append", "--connections", "2")


ALL = (OrdersAppend, OrdersMerge, OrdersReplace, UsersSingle, UsersMerge, UsersBundles, UsersParts)
