"""Serves the Gnocchi that is installed, over HTTP on loopback, and aggregates in the same process.

usage: real-server.py <postgres url> <redis url> <directory>; prints its port.
"""

import os
import socketserver
import sys
import threading
import time
from wsgiref import simple_server

database, redis, directory = sys.argv[1:4]
import numpy

# Names that Debian's Gnocchi uses and its NumPy has no more.
for name in ("int", "float", "bool"):
    if name not in vars(numpy):
        setattr(numpy, name, getattr(__builtins__, name))

from gnocchi import rest  # noqa: E402

config = os.path.join(directory, "gnocchi.conf")
with open(config, "w") as file:
    file.write(
        f"""
[DEFAULT]
coordination_url = {redis}
[api]
auth_mode = basic
[oslo_policy]
policy_file = {os.path.join(os.path.dirname(rest.__file__), "policy.yaml")}
[indexer]
url = {database}
[storage]
driver = file
file_basepath = {directory}
[incoming]
driver = file
file_basepath = {directory}
"""
    )

from gnocchi import archive_policy, chef, incoming, indexer, service, storage  # noqa: E402
from gnocchi.cli import metricd  # noqa: E402
from gnocchi.rest import app  # noqa: E402
from tooz import coordination  # noqa: E402

conf = service.prepare_service(["--config-file", config], log_to_std=False)
index = indexer.get_driver(conf)
index.upgrade()
store = storage.get_driver(conf)
store.upgrade()
waiting = incoming.get_driver(conf)
waiting.upgrade(4)
if not index.list_archive_policies():
    for policy in archive_policy.DEFAULT_ARCHIVE_POLICIES.values():
        index.create_archive_policy(policy)
    index.create_archive_policy_rule("default", "*", "low")


def aggregate():
    coordinator = metricd.get_coordinator_and_start(b"test", conf.coordination_url)
    # The status asks for the members of this group.
    try:
        coordinator.create_group(metricd.MetricProcessor.GROUP_ID).get()
    except coordination.GroupAlreadyExist:
        pass
    cook = chef.Chef(coordinator, waiting, index, store)
    while True:
        for sack in waiting.iter_sacks():
            try:
                cook.process_new_measures_for_sack(sack, blocking=False)
            except Exception as error:
                print(f"aggregation: {error!r}", file=sys.stderr)
        time.sleep(0.2)


def tolerant(serve):
    """Debian's Pecan takes deletions, which answer nothing, for answers that are not acceptable as JSON."""

    def application(environ, start_response):
        if environ["REQUEST_METHOD"] == "DELETE" and environ.get("HTTP_ACCEPT", "").startswith("application/json"):
            environ["HTTP_ACCEPT"] = "application/json, */*;q=0.1"
        return serve(environ, start_response)

    return application


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


threading.Thread(target=aggregate, daemon=True).start()
server = simple_server.make_server("127.0.0.1", 0, tolerant(app.load_app(conf)), Server, Quiet)
print(server.server_port, flush=True)
server.serve_forever()
