"""A client of the REST API that outlives the server: what is refused or unanswered is asked again."""

import http.client
import json
import time
import urllib.error
import urllib.request

#: Answers after which the same request can succeed.
MAY_PASS = {408, 429, 502, 503}
#: Seconds until it is made again.
PAUSE = 0.1
#: Seconds after which the server does not come back, or a job has no end.
PATIENCE, PATIENCE_WITH_JOBS = 300, 900


class Client:
    def __init__(self, url):
        self.url = url

    def open(self, path, body=None, method=None, key=None):
        headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method), timeout=30)

    def ask(self, path, body=None, method=None, key=None):
        """The answer to one request."""
        with self.open(path, body, method, key) as answer:
            return json.load(answer)

    def insist(self, path, body=None, method=None, key=None, was_done=None):
        """The answer, as soon as there is one. `was_done`: a refusal that says that an earlier attempt did it."""
        return self.again(lambda: self.ask(path, body, method, key), was_done)

    def follow(self, job_id):
        """The job, as soon as it has ended."""
        end = time.monotonic() + PATIENCE_WITH_JOBS
        while time.monotonic() < end:
            if job := self.again(lambda: self.stream(job_id)):
                return job
            time.sleep(PAUSE)
        raise SystemExit(f"the job {job_id} has no end")

    def stream(self, job_id):
        """The job at the end of its stream of events; nothing if the stream ends before it."""
        with self.open(f"/v1/jobs/{job_id}/events") as lines:
            event = None
            for line in lines:
                name, _, value = line.decode().strip().partition(": ")
                if name == "event":
                    event = value
                if name == "data" and event == "done":
                    return json.loads(value)
        return {}

    @staticmethod
    def again(request, was_done=None):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                return request()
            except urllib.error.HTTPError as refused:
                if refused.code == was_done:
                    return {}
                if refused.code not in MAY_PASS:
                    raise SystemExit(f"{refused.url}: {refused.code} {refused.read().decode()}") from refused
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(PAUSE)
        raise SystemExit("the server does not come back")
