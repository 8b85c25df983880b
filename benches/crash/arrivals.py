"""Objects that arrive, with notices that get lost or come twice."""

import random
import shutil
import time

import database
import stream
from scenario import USERS
from services import Services


class Arrivals(Services):
    """Bursts of objects, some of which are overwritten. A listing every two seconds finds what no notice told."""

    name = "arrivals, append"
    tables, children = USERS, (("user_status_log", "user_status", "userid"),)
    before = database.OLD_TABLES
    bursts, objects, users = 4, 20, 300

    def prepare(self):
        """Each round writes its objects itself."""

    def begin(self, fleet):
        shutil.rmtree(self.folder / "lake", ignore_errors=True)
        # Always the same fates.
        self.stream = stream.Stream(self.folder, fleet.client, random.Random(1), self.users)
        self.token = self.stream.watch("lake", "2s")

    def ask(self, fleet):
        for burst in range(self.bursts):
            for number in range(self.objects):
                self.arrive(f"lake/{burst}-{number}.json")
            time.sleep(0.5)
        self.overwrite(fleet)
        stream.wait_for(fleet.name, self.bursts * self.objects * self.users + self.objects * self.users, 120)
        # Its rows are there; its end may not be noted yet.
        for job in fleet.client.insist("/v1/jobs?limit=500")["jobs"]:
            self.succeed(fleet.client, job["job_id"])

    def arrive(self, key):
        self.stream.put(key)
        self.stream.tell("lake", self.token, key)

    def overwrite(self, fleet):
        """The objects of the first burst, each as soon as its first version is loaded: only the last one is ever read."""
        for number in range(self.objects):
            key = f"lake/0-{number}.json"
            while not self.stream.is_loaded(fleet.name, key):
                time.sleep(0.1)
            self.arrive(key)

    def expected(self):
        users = len(self.stream.expected())
        return [users, users, 0]
