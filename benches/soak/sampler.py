"""How the processes are, every few seconds."""

import csv
import os
import statistics
import time

import database

#: Seconds between two samples.
EVERY = 5
TICKS = os.sysconf("SC_CLK_TCK")
COLUMNS = (
    "seconds", "server_mb", "worker_mb", "killed_worker_mb", "connections", "waiting_jobs", "told", "p50_ms", "p95_ms",
    "listed_p50_ms", "cpu_s", "machine_load", "fault",
)  # fmt: skip
CONNECTIONS = f"""select count(*) from pg_stat_activity
    where datname = current_database() and application_name <> 'psql'"""
WAITING = "select count(*) from stevedore.jobs where state in ('queued', 'running') and not children_created"
#: Longer than between two samples: a job's end is committed a little after its time.
ENDED = """select key, extract(epoch from finished_at) from stevedore.jobs
    where finished_at > now() - interval '60 seconds' and key is not null"""


def memory_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


class Sampler:
    """Takes the samples, and knows which jobs have not ended yet."""

    def __init__(self, fleet):
        self.fleet, self.fault, self.under_way = fleet, "", {}
        #: Processor time of each process so far, also of those that are gone.
        self.cpu = {}
        self.begun = self.next = time.monotonic()

    def write_to(self, out):
        self.out, self.rows = out, csv.writer(out, lineterminator="\n")
        self.rows.writerow(COLUMNS)

    def put(self, key, at, is_notified):
        """A version of an object is there since then. An earlier one of it is loaded."""
        self.under_way[key] = at, is_notified

    def until_next(self):
        self.next += EVERY
        return max(0.0, self.next - time.monotonic())

    def sample(self):
        told, listed = self.latencies()
        fault, self.fault = self.fault, ""
        pids = [process.pid for process in self.fleet.processes.values()]
        self.cpu |= {pid: self.of(pid, cpu_seconds) for pid in pids}
        self.rows.writerow(
            [
                round(time.monotonic() - self.begun),
                *(f"{self.of(pid, memory_mb):.1f}" for pid in pids),
                database.count(self.fleet.name, CONNECTIONS),
                database.count(self.fleet.name, WAITING),
                len(told) + len(listed),
                *percentiles(told),
                percentiles(listed)[0],
                f"{sum(self.cpu.values()):.1f}",
                f"{os.getloadavg()[0]:.2f}",
                fault,
            ]
        )
        self.out.flush()

    def latencies(self):
        """Milliseconds from a put to the end of its job: of objects with a notice, and of those that a listing found."""
        ended = database.sql(self.fleet.name, ENDED)
        told, listed = [], []
        for key, at in ended:
            put, is_notified = self.under_way.get(key, (float("inf"), False))
            if float(at) >= put:
                del self.under_way[key]
                (told if is_notified else listed).append((float(at) - put) * 1000)
        return sorted(told), sorted(listed)

    @staticmethod
    def of(pid, measure):
        """Nothing of a process that was just killed."""
        try:
            return measure(pid)
        except (OSError, StopIteration):
            return 0.0


def percentiles(sorted_values):
    if not sorted_values:
        return "", ""
    return f"{statistics.median(sorted_values):.1f}", f"{sorted_values[len(sorted_values) * 95 // 100]:.1f}"
