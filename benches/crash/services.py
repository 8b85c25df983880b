"""Jobs of a server and a worker, which are killed and come back."""

import sys
from concurrent.futures import ThreadPoolExecutor, wait

import database
from process import Fleet
from scenario import FEEDS, ORDERS, USERS, Scenario, deal, generate, stevedore

#: Seconds between two looks whether something runs. A killed server cannot tell.
LOOK = 0.05


class Work:
    """What was asked of a server and a worker."""

    #: A kill comes so many seconds after something runs, at most.
    span = 0.3

    def __init__(self, fleet, asked):
        self.fleet, self.asked = fleet, asked
        self.database, self.kinds = fleet.name, tuple(fleet.processes)

    def wait(self, seconds):
        """Waits until something runs, and then so long: whether all is done."""
        while seconds is not None and not self.asked.done() and not self.is_running():
            wait([self.asked], LOOK)
        wait([self.asked], seconds)
        return self.asked.done()

    def is_running(self):
        return self.fleet.running() > 0

    def kill(self, kind):
        """Whether the process ran a job or listed."""
        process = self.fleet.processes[kind]
        process.freeze()
        is_running = self.fleet.running(kind) > 0
        process.kill()
        return is_running


class Services(Scenario):
    """A server and a worker, whose jobs must come to their end whatever is killed."""

    kills, turns = 8, 2
    #: Jobs that ended well only after they were asked for again, in all rounds.
    retried = 0

    def begin(self, fleet):
        """What is asked for before anything is killed."""

    def ask(self, fleet):
        """Asks for all of it, and waits for its end."""
        raise NotImplementedError

    def run(self, name, killer):
        with Fleet(name, self.folder, self.work, "--feeds", self.feeds) as fleet, ThreadPoolExecutor() as threads:
            fleet.start_worker()
            self.begin(fleet)
            killer.begin(self.kills)
            work = Work(fleet, threads.submit(self.ask, fleet))
            while not work.asked.done():
                killer.disturb(work)
            work.asked.result()

    def succeed(self, client, job_id):
        """Waits for the end of a job. If that is a failure, it asks for the job again, as people would."""
        for _ in range(5):
            job = client.follow(job_id)
            if job["state"] == "succeeded":
                return
            self.retried += 1
            print(f"{job['state']}: {job.get('key')} {job.get('error') or job.get('jobs')}", file=sys.stderr)
            client.insist(f"/v1/jobs/{job_id}/retry", {}, was_done=409)
        raise SystemExit(f"{self.name}: {job}")


class Jobs(Services):
    """A job over a prefix whose orders are there in an older version, and triggers in a burst."""

    name = "jobs: prefix, merge; triggers, append"
    tables = ORDERS + USERS
    children = (
        ("order_items", "orders", "order_id"),
        ("item_discounts", "orders", "order_id"),
        ("user_status_log", "user_status", "userid"),
    )
    before = database.OLD_TABLES
    orders, users, objects = 4_000, 12_000, 40

    def prepare(self):
        for version, changed in (("old", 0), ("orders", 100)):
            generate(self.folder / "all", "--orders", "--records", self.orders, "--changed", changed)
            lines = (self.folder / "all").read_bytes().splitlines(keepends=True)
            deal(lines, self.folder / version, self.objects)
        generate(self.folder / "all", "--records", self.users, "--rejected", 1)
        deal((self.folder / "all").read_bytes().splitlines(keepends=True), self.folder / "users", self.objects)

    def fill(self, name):
        answer = stevedore(name, "load", self.folder / "old", "--feed", FEEDS / "orders.toml", "--mode", "merge")
        if answer.returncode:
            raise SystemExit(answer.stderr)

    def ask(self, fleet):
        client = fleet.client
        prefix = {"bucket": "bucket", "prefix": "orders/", "feed": "orders", "mode": "merge"}
        asked = [client.insist("/v1/jobs", prefix, key="orders")["job_id"]]
        triggers = [f"/trigger?bucket=bucket&key=users/{number:04}.ndjson&feed=user_status" for number in range(self.objects)]
        with ThreadPoolExecutor(8) as clients:
            answers = clients.map(lambda trigger: client.insist(trigger, method="POST"), triggers)
        for job_id in [*asked, *(answer["job_id"] for answer in answers)]:
            self.succeed(client, job_id)
