#!/usr/bin/env python3
"""Runs a command and prints what it cost, as one line of comma separated values:

    exit code, wall seconds, processor seconds of the client, of the server, peak memory in MB

The client is the command with all that it starts, also what outlives it. The server is the process
tree below POSTMASTER (its process id), or 0 where it is not on this machine. Peak memory is the sum
of the peaks of the processes that ran, each by the kernel's own high-water mark.

    measure.py POSTMASTER SECONDS COMMAND...     (SECONDS: when to give up)
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36


def children(pid):
    """The processes that any thread of `pid` has started."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        pass  # it has ended meanwhile
    return found


def descendants(pid):
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def ticks(pid):
    """Processor time of `pid` and of its children that have ended: (all of it, that of the ended)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return own + ended, ended


def server_seconds(postmaster):
    """Processor time of the server so far. A backend that ends while it is summed up would be lost."""
    while postmaster:
        before = ticks(postmaster)[1]
        total = sum(ticks(pid)[0] for pid in children(postmaster))
        after, ended = ticks(postmaster)
        if before == ended:
            return (total + after) / TICK
    return 0.0


def client_seconds():
    """Processor time of our children that have ended, those of whatever was run to find this interpreter included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watch(peaks, ended):
    """Notes the high-water mark of every process below this one, seldom enough to cost next to nothing."""
    pause = 0.002
    while not ended.wait(pause):
        pause = min(pause * 1.2, 0.05)
        for pid in descendants(os.getpid()):
            try:
                with open(f"/proc/{pid}/status") as file:
                    peak = next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
            except OSError:
                continue  # it has ended meanwhile
            peaks[pid] = max(peak, peaks.get(pid, 0))


def kill_all():
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def give_up(*_):
    kill_all()
    os._exit(130)


def reap(deadline):
    """Waits for what outlived the command, and ends what does not end."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                if time.monotonic() > deadline:
                    kill_all()
                time.sleep(0.01)
        except ChildProcessError:
            return


def main(postmaster, seconds, command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, give_up)
    own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    earlier = client_seconds()
    peaks, ended = {}, threading.Event()
    watcher = threading.Thread(target=watch, args=(peaks, ended))
    watcher.start()
    server = server_seconds(postmaster)
    begin = time.monotonic()
    child = subprocess.Popen(command)
    alarm = threading.Timer(seconds, kill_all)
    alarm.start()
    code = child.wait()
    wall = time.monotonic() - begin
    alarm.cancel()
    reap(time.monotonic() + 10)
    ended.set()
    watcher.join()
    server = server_seconds(postmaster) - server
    # The kernel counts what a child was before it became the command, so up to our own size it says nothing.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    largest = largest if largest > own_peak + 4096 else 0
    peak = max(sum(peaks.values()), largest) / 1024
    print(f"{code},{wall:.3f},{client_seconds() - earlier:.2f},{server:.2f},{peak:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
