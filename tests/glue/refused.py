"""Sends what is refused, and stops what waits. No worker runs.

Arguments: the URL of the server, a bucket, a key, and two key pairs: one for everything, and one that only reads.
"""

import datetime
import sys
import urllib.error
import urllib.request

import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shapes import client, refusal

_, url, bucket, key, everything, reading = sys.argv
access_key_id, secret = everything.split(":")
glue = client(url, access_key_id, secret)
arguments = {"--bucket": bucket, "--key": key}
run = {"JobName": "user_status", "Arguments": arguments}

assert refusal(client(url, "AKIDOTHER", secret).list_jobs) == "UnrecognizedClientException"
assert refusal(client(url, access_key_id, secret + "x").list_jobs) == "InvalidSignatureException"

reader = client(url, *reading.split(":")[:2])
assert reader.list_jobs()["JobNames"] == ["user_status"]
for call, given in (
    (reader.start_job_run, run),
    (reader.batch_stop_job_run, {"JobName": "user_status", "JobRunIds": ["jr_1"]}),
    (reader.start_crawler, {"Name": "exports"}),
    (reader.stop_crawler, {"Name": "exports"}),
):
    assert refusal(call, **given) == "AccessDeniedException", given


def tampered(request, **_):
    request.body = request.body.replace(b'"user_status"', b'"user_statuz"')


changed = client(url, access_key_id, secret)
changed.meta.events.register("before-send.glue", tampered)
assert refusal(changed.start_job_run, **run) == "InvalidSignatureException"

now = botocore.auth.get_current_datetime
for minutes, expected in ((-6, "InvalidSignatureException"), (6, "InvalidSignatureException"), (4, None)):
    skew = datetime.timedelta(minutes=minutes)
    botocore.auth.get_current_datetime = lambda *args, **more: now(*args, **more) + skew
    if expected:
        assert refusal(glue.list_jobs) == expected, minutes
    else:
        glue.list_jobs()
botocore.auth.get_current_datetime = now


def signed(target, body, service="glue"):
    """The status and the body of the answer to any signed request."""
    request = AWSRequest("POST", url + "/", headers={"X-Amz-Target": target}, data=body)
    SigV4Auth(Credentials(access_key_id, secret), service, "eu-west-1").add_auth(request)
    prepared = request.prepare()
    sent = urllib.request.Request(
        prepared.url, prepared.body, dict(prepared.headers), method="POST"
    )
    try:
        with urllib.request.urlopen(sent) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


for target, body, expected in (
    ("AWSGlue.CreateJob", b"{}", "UnknownOperationException"),
    ("", b"{}", "UnknownOperationException"),
    ("AWSGlue.ListJobs", b"{", "SerializationException"),
    ("AWSGlue.ListJobs", b"[]", "InvalidInputException"),
    ("AWSGlue.GetJob", b"{}", "InvalidInputException"),
    ("AWSGlue.ListJobs", b" " * 70_000, "InvalidInputException"),
):
    status, answer = signed(target, body)
    assert status == 400 and f'"__type":"{expected}"' in answer, (target, status, answer)
assert "InvalidSignatureException" in signed("AWSGlue.ListJobs", b"{}", service="s3")[1]
answer = signed("AWSGlue.ListJobs", b"")
assert answer == (200, '{"JobNames":["user_status"]}'), answer

started = glue.start_job_run(**run)["JobRunId"]
assert glue.start_job_run(**run)["JobRunId"] == started
again = {"JobName": "user_status", "Arguments": arguments | {"--reload": "true"}}
assert refusal(glue.start_job_run, **again) == "ConcurrentRunsExceededException"
state = lambda: glue.get_job_run(JobName="user_status", RunId=started)["JobRun"]["JobRunState"]
assert state() == "STARTING", state()
stopped = glue.batch_stop_job_run(JobName="user_status", JobRunIds=[started])
assert stopped["SuccessfulSubmissions"][0]["JobRunId"] == started, stopped
assert state() == "STOPPED", state()

glue.start_crawler(Name="exports")
assert glue.get_crawler(Name="exports")["Crawler"]["State"] == "RUNNING"
assert refusal(glue.start_crawler, Name="exports") == "CrawlerRunningException"
glue.stop_crawler(Name="exports")
assert glue.get_crawler(Name="exports")["Crawler"]["State"] == "READY"
assert refusal(glue.stop_crawler, Name="exports") == "CrawlerNotRunningException"
