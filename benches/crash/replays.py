"""Rejected records that are loaded again, after their feed was changed or their text was edited."""

import json

import database
from loads import counted
from scenario import FEEDS, ORDERS, generate, stevedore
from services import Services

#: The rule that the feed had when the orders were rejected.
STRICT = 'check = "qty > 3"', 'check = "qty > 0"'


class Replays(Services):
    """Two thirds of the orders break a rule that is changed then. Some records are no orders, and are edited."""

    name = "replays, append"
    tables = ORDERS
    children = (("order_items", "orders", "order_id"), ("item_discounts", "orders", "order_id"))
    orders, edited = 5_000, 40

    def prepare(self):
        strict, changed = STRICT
        text = "\n".join(line for line in (FEEDS / "orders.toml").read_text().splitlines() if "max_rejected" not in line)
        self.feeds = self.folder / "feeds"
        self.feeds.mkdir()
        (self.feeds / "orders.toml").write_text(text)
        (self.folder / "strict.toml").write_text(text.replace(changed, strict))
        generate(self.folder / "whole", "--orders", "--records", self.orders)
        self.lines = (self.folder / "whole").read_text().splitlines()
        broken = [json.dumps({"id": "no uuid", "number": number}) for number in range(self.edited)]
        (self.folder / "orders.ndjson").write_text("\n".join([*self.lines[: -self.edited], *broken]))

    def fill(self, name):
        answer = stevedore(name, "load", self.folder / "orders.ndjson", "--feed", self.folder / "strict.toml", "--mode", "append")
        if answer.returncode:
            raise SystemExit(answer.stderr)

    def ask(self, fleet):
        """A replay of all that broke the rule, and one of each edited record."""
        client, first = fleet.client, len(self.lines) - self.edited
        every = {"feed": "orders", "reason": "rule"}
        jobs = [client.insist("/v1/replays", every, key="rule")["job_id"]]
        for load, record in database.sql(fleet.name, f"select load_id, record_no from orders_rejects where record_no > {first} order by record_no"):
            text = self.lines[int(record) - 1]
            edited = {"rejects": [{"load_id": int(load), "record_no": int(record)}], "text": text}
            jobs.append(client.insist("/v1/replays", edited, key=record)["job_id"])
        for job_id in jobs:
            self.succeed(client, job_id)

    def expected(self):
        *rows, _ = counted(self.folder / "whole")
        orders = [json.loads(line) for line in self.lines[: -self.edited]]
        too_few = sum(any(item["qty"] <= 3 for item in order["items"]) for order in orders)
        return [*rows, too_few + self.edited]
