"""The PostgreSQL of a script: what is asked of it, and how it goes down. cluster.sh starts it."""

import os
import pwd
import subprocess
import time
from urllib.parse import urlsplit, urlunsplit

URL, PROGRAMS, CLUSTER = os.environ["DATABASE_URL"], os.environ["PROGRAMS"], os.environ["CLUSTER"]
#: The tables of the old job: without keys, so that what is loaded twice is there twice.
OLD_TABLES = """
create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int, isblacklisted boolean,
  ingested_at timestamp);
create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp)"""


def url_of(database):
    return urlunsplit(urlsplit(URL)._replace(path=f"/{database}"))


def sql(database, *statements):
    """The rows of the last statement, as lists of texts. Waits for a server that is just coming back."""
    command = ["psql", "-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1", url_of(database)]
    for statement in statements:
        command += ["-c", statement]
    for _ in range(60):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 2:
            break
        time.sleep(0.5)
    if answer.returncode:
        raise SystemExit(f"{statements}: {answer.stderr}")
    return [line.split("\t") for line in answer.stdout.splitlines()]


def count(database, question):
    return int(sql(database, question)[0][0])


def end_sessions(database):
    """How many sessions of the database the server ended."""
    ended = sql("postgres", f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")
    return len(ended)


def restart():
    """The server goes down without a goodbye, recovers, and takes connections again."""
    control = [f"{PROGRAMS}/pg_ctl", "-w", "-t", "300", "-m", "immediate", "-D", "data", "-l", "log"]
    server = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
    for action in ("restart", "start", "start", "start"):
        answer = subprocess.run([*control, action], cwd=CLUSTER, user=server, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return
        # What its sessions held may not be free yet.
        time.sleep(1)
    raise SystemExit(answer.stderr)


def drop(database):
    sql("postgres", f"drop database if exists {database} with (force)")


def create(database, template):
    # As a copy of files, for which the server makes a checkpoint. Otherwise, a crash takes a sequence of the copy back to
    # where that of the template was, although rows with later numbers are committed.
    begin = f"create database {database} template {template} strategy file_copy"
    # Sessions of the template that just ended may still be there for a moment.
    for _ in range(20):
        answer = subprocess.run(
            ["psql", "-qX", url_of("postgres"), "-c", begin],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode == 0:
            return
        time.sleep(0.25)
    raise SystemExit(answer.stderr)
