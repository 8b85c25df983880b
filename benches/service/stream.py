"""What arrives in a bucket, and the notices of it: some are lost, some come twice."""

import json
import time
import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import database

#: What becomes of a notice: how often it is sent.
FATES = ("dropped", "once", "twice")


def record_of(user, status="s"):
    return {
        "userId": user,
        "createdAt": "2022-01-01",
        "lastVisitedAt": 1,
        "status": status,
        "statusLogs": [{"updatedOn": "2022-01-01", "status": "s"}],
        "isBlacklisted": False,
    }


class Stream:
    """Objects of the bucket, each with its versions. A version has so many users, named after it."""

    def __init__(self, folder, client, chance, users=1):
        self.folder, self.client, self.chance, self.users = folder, client, chance, users
        self.notices, self.versions, self.senders = Counter(), {}, ThreadPoolExecutor(4)

    def watch(self, name, every):
        """Watches a folder of the bucket; the token of its notices."""
        (self.folder / name).mkdir(exist_ok=True)
        plan = {"name": name, "bucket": "bucket", "prefix": f"{name}/", "feed": "user_status", "mode": "append", "every": every}
        return self.client.insist("/v1/watches", plan)["token"]

    def put(self, key, *more):
        """A version of an object, with more records; when it was there."""
        version = self.versions[key] = self.versions.get(key, 0) + 1
        records = [*map(record_of, self.named(key, version)), *more]
        return self.write(key, "\n".join(map(json.dumps, records)).encode())

    def write(self, key, content):
        """An object, there as a whole at once; when that was."""
        part = (self.folder / key).with_suffix(".part")
        part.write_bytes(content)
        at = time.time()
        part.rename(self.folder / key)
        return at

    def named(self, key, version):
        return [f"{key}#{version}", *(f"{key}#{version}/{number}" for number in range(1, self.users))]

    def tell(self, watch, token, key):
        """Sends the notice of an object, as its fate has it: how often."""
        times = self.chance.randrange(len(FATES))
        self.notices[FATES[times]] += 1
        for _ in range(times):
            self.senders.submit(self.notice, watch, token, key)
        return times

    def notice(self, watch, token, key):
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "bucket"}, "object": {"key": key}}}
        try:
            self.client.ask(f"/v1/arrivals/{watch}?token={token}", {"Records": [record]})
            self.notices["answered"] += 1
        except (urllib.error.URLError, OSError):
            # The sender would try again; here it is lost as well.
            self.notices["unanswered"] += 1

    def expected(self):
        """The users of all versions."""
        every = ((key, version) for key, versions in self.versions.items() for version in range(1, versions + 1))
        return {user for key, version in every for user in self.named(key, version)}

    def is_loaded(self, name, key):
        return database.count(name, f"select count(*) from user_status where userid = '{key}#1'") > 0


def wait_for(name, users, seconds):
    """Until so many users are in the table. Nothing tells that the last one is: it may come by a notice or a listing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if database.count(name, "select count(distinct userid) from user_status") >= users:
            return
        time.sleep(0.2)
