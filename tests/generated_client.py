"""Drives jobs from their requests to their ends with the generated client.

Arguments: the folder with the package, the URL of the server, a key, a bucket, and keys of two objects.
"""

import sys

sys.path.insert(0, sys.argv[1])

from stevedore_client import AuthenticatedClient  # noqa: E402
from stevedore_client.api.health import metrics, ready  # noqa: E402
from stevedore_client.api.jobs import (  # noqa: E402
    cancel_job, create_job, follow_job, list_jobs, list_workers, retry_job, show_job,
)
from stevedore_client.api.ledger import list_loads, list_rejects, show_load  # noqa: E402
from stevedore_client.models import (  # noqa: E402
    Job, JobMode, JobRequest, JobState, Problem, RetryRequest,
)

_, _, url, key, bucket, one, other = sys.argv
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)


def end(job):
    """The job at its end: the stream ends with it."""
    assert isinstance(job, Job), job
    events = follow_job.sync(job.job_id, client=client)
    assert "event: done" in events, events
    return show_job.sync(job.job_id, client=client)


assert ready.sync(client=client).status == "ok"
job = create_job.sync(client=client, body=JobRequest(bucket=bucket, key=one, mode=JobMode.MERGE))
job = end(job)
assert job.state == JobState.SUCCEEDED, job
assert job.loaded > 0 and not job.already_loaded, job
assert job.summary["state"] == "loaded", job.summary
load = show_load.sync(job.load_id, client=client)
assert load.records == job.records, load
assert [load.load_id for load in list_loads.sync(client=client).loads] == [job.load_id]

again = end(create_job.sync(client=client, body=JobRequest(bucket=bucket, key=one)))
assert again.already_loaded, again

many = end(create_job.sync(client=client, body=JobRequest(bucket=bucket, prefix=other)))
assert many.state == JobState.SUCCEEDED and many.jobs.succeeded == 1, many
page = list_jobs.sync(client=client, parent_id=many.job_id)
assert [child.key for child in page.jobs] == [other], page
assert list_rejects.sync(client=client).rejects is not None

missing = create_job.sync(client=client, body=JobRequest(bucket=bucket, key="nothing.json"))
assert isinstance(missing, Problem) and missing.code == "object_not_found", missing
nothing = create_job.sync(client=client, body=JobRequest(bucket=bucket))
assert isinstance(nothing, Problem) and nothing.code == "invalid_body", nothing
ended = cancel_job.sync(job.job_id, client=client)
assert isinstance(ended, Problem) and ended.code == "job_ended", ended
body = RetryRequest(mode=JobMode.APPEND, reload=True)
ended = retry_job.sync(job.job_id, client=client, body=body)
assert isinstance(ended, Problem) and ended.code == "job_not_repeatable", ended

workers = list_workers.sync(client=client).workers
assert len(workers) == 2 and all(worker.alive for worker in workers), workers
assert "stevedore_loads_total" in metrics.sync(client=client)
