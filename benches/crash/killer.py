"""What kills, and what only watches."""

import sys
import time
from collections import Counter

import database

#: How often each kind of kill is drawn, beside the processes: a restart takes seconds.
OF_THE_DATABASE = {"sessions": 4, "PostgreSQL": 2}
#: How often one of the processes is drawn.
OF_PROCESSES = 5


class Calm:
    """Kills nothing."""

    def begin(self, _):
        pass

    def disturb(self, victim):
        victim.wait(None)
        return False


class Killer:
    """Kills at random moments."""

    def __init__(self, chance, kills_left):
        self.chance, self.kills_left = chance, kills_left
        self.kills, self.hits = Counter(), Counter()

    def begin(self, most):
        """Something begins that is killed so often at most."""
        self.left = min(self.chance.randint(1, most), self.kills_left - self.kills.total())

    def disturb(self, victim):
        """Kills once, if it is not done before: whether it did. Without kills left, it waits for the end."""
        if self.left <= 0:
            victim.wait(None)
            return False
        if victim.wait(self.chance.uniform(0, victim.span)):
            return False
        self.left -= 1
        weights = dict.fromkeys(victim.kinds, OF_PROCESSES / len(victim.kinds)) | OF_THE_DATABASE
        kind = self.chance.choices(list(weights), weights.values())[0]
        is_hit = self.strike(victim, kind)
        self.kills[kind] += 1
        self.hits[kind] += is_hit
        print(f"{time.strftime('%H:%M:%S')} {kind} killed: {'hit' if is_hit else 'missed'}", file=sys.stderr)
        return True

    @staticmethod
    def strike(victim, kind):
        """Whether it hit something that ran."""
        if kind in victim.kinds:
            return victim.kill(kind)
        is_running = victim.is_running()
        if kind == "sessions":
            return database.end_sessions(victim.database) > 0 and is_running
        database.restart()
        return is_running
