"""Runs jobs and crawlers to their ends, and reads the catalog. A worker runs them.

Arguments: the URL of the server, the parts of a key pair, a bucket, a key with records, and one without an object.
"""

import sys
from datetime import datetime, timezone

from shapes import client, refusal

_, url, access_key_id, secret, bucket, key, gone = sys.argv
glue = client(url, access_key_id, secret)


def ended(job, run):
    """The run at its end."""
    while True:
        found = glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        if found["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING"):
            return found


arguments = {"--bucket": bucket, "--key": key, "--enable-metrics": ""}
started = glue.start_job_run(
    JobName="user_status", Arguments=arguments, WorkerType="G.1X", NumberOfWorkers=2, Timeout=60
)
run = ended("user_status", started["JobRunId"])
assert run["JobRunState"] == "SUCCEEDED" and run["Id"] == started["JobRunId"], run
assert run["Arguments"] == {"--bucket": bucket, "--key": key, "--mode": "auto"}, run
assert run["StateDetail"] == "10 records read, 7 loaded, 3 rejected", run
assert run["StartedOn"] <= run["CompletedOn"] <= datetime.now(timezone.utc), run
assert "ErrorMessage" not in run and run["Attempt"] == 0, run

of_many = glue.start_job_run(
    JobName="user_status", Arguments={"--bucket": bucket, "--prefix": "", "--reload": "true", "--max_rejected": "0"}
)
failed = ended("user_status", of_many["JobRunId"])
assert failed["JobRunState"] == "FAILED", failed
assert failed["ErrorMessage"].startswith("1 objects failed: "), failed
of_one = glue.start_job_run(
    JobName="user_status", Arguments=arguments | {"--reload": "true", "--max_rejected": "1%"}
)
failed = ended("user_status", of_one["JobRunId"])
assert failed["ErrorMessage"].startswith("too_many_rejects: "), failed

# The jobs of the objects below a prefix are not runs of their own.
pages = glue.get_paginator("get_job_runs").paginate(
    JobName="user_status", PaginationConfig={"PageSize": 1}
)
runs = [run["Id"] for page in pages for run in page["JobRuns"]]
assert runs == [run["JobRunId"] for run in (of_one, of_many, started)], runs

jobs = glue.list_jobs()["JobNames"]
assert jobs == ["user_status"], jobs
job = glue.get_job(JobName="user_status")["Job"]
assert "user_status_log" in job["Description"], job
assert glue.get_jobs()["Jobs"] == [job]

for arguments, expected in (
    ({"--bucket": bucket, "--key": gone}, "InvalidInputException"),
    ({"--bucket": "other", "--key": key}, "InvalidInputException"),
    ({"--bucket": bucket, "--key": "nul\0"}, "InvalidInputException"),
    ({"--bucket": bucket}, "InvalidInputException"),
    ({"--bucket": bucket, "--key": key, "--mdoe": "append"}, "InvalidInputException"),
):
    code = refusal(glue.start_job_run, JobName="user_status", Arguments=arguments)
    assert code == expected, (arguments, code)
assert refusal(glue.start_job_run, JobName="orders") == "EntityNotFoundException"
assert refusal(glue.get_job, JobName="User_Status") == "EntityNotFoundException"
other = "jr_" + "0" * 32
assert refusal(glue.get_job_run, JobName="user_status", RunId=other) == "EntityNotFoundException"
code = refusal(glue.get_job_runs, JobName="user_status", NextToken="?")
assert code == "InvalidInputException", code

stopped = glue.batch_stop_job_run(JobName="user_status", JobRunIds=[started["JobRunId"], other])
codes = [error["ErrorDetail"]["ErrorCode"] for error in stopped["Errors"]]
assert codes == ["InvalidInputException", "EntityNotFoundException"], stopped
assert stopped["SuccessfulSubmissions"] == [], stopped

names = glue.list_crawlers()["CrawlerNames"]
# The preflight of the first load has made one more.
assert {"exports", "tables"} < set(names) and len(names) == 3, names
for name in ("exports", "tables"):
    glue.start_crawler(Name=name)
    while True:
        crawler = glue.get_crawler(Name=name)["Crawler"]
        if crawler["State"] == "READY":
            break
    assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler
metrics = glue.get_crawler_metrics(CrawlerNameList=["exports"])["CrawlerMetricsList"]
assert [measured["CrawlerName"] for measured in metrics] == ["exports"], metrics
assert metrics[0]["TablesCreated"] + metrics[0]["TablesUpdated"] <= 1, metrics
assert refusal(glue.start_crawler, Name="none") == "EntityNotFoundException"
assert refusal(glue.stop_crawler, Name="exports") == "CrawlerNotRunningException"
assert [crawler["Name"] for crawler in glue.get_crawlers()["Crawlers"]] == names

databases = [database["Name"] for database in glue.get_databases()["DatabaseList"]]
assert databases == ["default"], databases
assert glue.get_database(Name="default")["Database"]["Name"] == "default"
pages = glue.get_paginator("get_tables").paginate(
    DatabaseName="default", PaginationConfig={"PageSize": 2}
)
tables = {table["Name"]: table for page in pages for table in page["TableList"]}
assert len(tables) == 4 and sum(name.endswith("_user_status_log") for name in tables) == 1, tables
name = next(table["Name"] for table in tables.values() if table["Parameters"]["classification"] == "json")
table = glue.get_table(DatabaseName="default", Name=name)["Table"]
assert table == tables[name], table
columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
assert columns["isBlacklisted"] == "boolean", columns
assert columns["statusLogs"].startswith("array<struct<"), columns
versions = glue.get_table_versions(DatabaseName="default", TableName=name)["TableVersions"]
assert [version["VersionId"] for version in versions] == [table["VersionId"]], versions
assert versions[0]["Table"]["StorageDescriptor"] == table["StorageDescriptor"], versions
assert glue.get_partitions(DatabaseName="default", TableName=name)["Partitions"] == []
for call, arguments in (
    (glue.get_database, {"Name": "none"}),
    (glue.get_tables, {"DatabaseName": "none"}),
    (glue.get_table, {"DatabaseName": "default", "Name": "none"}),
    (glue.get_table, {"DatabaseName": "none", "Name": name}),
    (glue.get_partitions, {"DatabaseName": "default", "TableName": "none"}),
):
    assert refusal(call, **arguments) == "EntityNotFoundException", arguments
