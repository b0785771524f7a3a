#!/usr/bin/env python3
"""Runs a command as a job and reports its life to Quipu over HTTP:

    QUIPU_URL=http://127.0.0.1:8080 QUIPU_TENANT=acme QUIPU_KEY=qk_... examples/report.py builds 2 make all

queues, starts and completes a job of queue "builds" that holds 2 nodes while `make all` runs, and ends as the command
does. QUIPU_KEY is a key of a reporter of the tenant. With QUIPU_ADMIN and QUIPU_ADMIN_KEY, name and key of an admin of
the tenant, it prints what the job used. Needs nothing but Python 3.
"""

import datetime
import getpass
import gzip
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

PATIENCE = 60  # seconds for which a report is tried again


def ask(url, headers, body=None):
    """The JSON that a URL answers; asks again while the server says that it is busy or away."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            request = urllib.request.Request(url, data=body, headers=headers)
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or time.monotonic() > deadline:
                sys.exit(f"{url}: {error.code} {error.read().decode()}")
            time.sleep(float(error.headers.get("Retry-After", 1)))
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"{url}: {error}")
            time.sleep(1)


class Job:
    """A job's events. Those that belong together are reported in one request."""

    def __init__(self, base, key, tenant, queue):
        self.base, self.key, self.tenant, self.queue = base, key, tenant, queue
        self.name = str(uuid.uuid4())

    def event(self, kind, **data):
        """What happened now. The id says what it is, so an event that is sent again is counted once."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return {
            "specversion": "1.0",
            "id": f"{self.name}-{kind}",
            "source": "report.py",
            "tenant": self.tenant,
            "type": kind,
            "subject": f"job/{self.queue}/{self.name}",
            "time": now.isoformat(),
            "data": data,
        }

    def report(self, *events):
        """Sends events as a batch and returns a token for Quipu-After, once the log holds them."""
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/cloudevents-batch+json",
            "Content-Encoding": "gzip",
        }
        body = gzip.compress(json.dumps(events).encode())
        answer = ask(f"{self.base}/api/events?ack=log", headers, body)
        for refused in answer["rejected"]:
            print(f"refused: {refused['reason']}: {refused['detail']}", file=sys.stderr)
        # Without a token the queue has the events, and the log will soon.
        return answer.get("token")

    def usage(self, admin, admin_key, token):
        """Node-seconds of this job. With a token the answer waits until it counts what was reported."""
        headers = {"Coopr-UserID": admin, "Coopr-TenantID": self.tenant, "Coopr-ApiKey": admin_key}
        if token:
            headers["Quipu-After"] = token
        query = urllib.parse.urlencode({"cluster": self.name})
        answer = ask(f"{self.base}/v2/metrics/nodes/usage?{query}", headers)
        return sum(bucket["value"] for bucket in answer["data"])


def main():
    if len(sys.argv) < 4:
        sys.exit(f"usage: {sys.argv[0]} <queue> <nodes> <command> [<argument>...]")
    queue, nodes, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    job = Job(os.environ["QUIPU_URL"], os.environ["QUIPU_KEY"], os.environ["QUIPU_TENANT"], queue)
    job.report(
        job.event("job.queued", queue=queue, user=getpass.getuser()),
        job.event("job.started", nodes=nodes, cluster=job.name),
    )
    status = subprocess.run(command).returncode
    result = "success" if status == 0 else "failure"
    token = job.report(job.event("job.completed", result=result))
    if "QUIPU_ADMIN_KEY" in os.environ:
        used = job.usage(os.environ["QUIPU_ADMIN"], os.environ["QUIPU_ADMIN_KEY"], token)
        print(f"node-seconds: {used}")
    sys.exit(status)


if __name__ == "__main__":
    main()
