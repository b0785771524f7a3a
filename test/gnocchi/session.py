"""A session of the Gnocchi client library over everything that the dialect serves.

usage: session.py <base url> <password of admin> <password of jd>

Prints one JSON line per step: [name, answer]. What differs from run to run (ids, hosts, the present) is replaced by what
it is, so that two servers that behave alike print the same lines.
"""

import datetime
import json
import math
import re
import sys
import time
import urllib.parse

import requests
from gnocchiclient import auth
from gnocchiclient.v1 import client

BASE, ADMIN, JD = sys.argv[1:4]
PASSWORDS = {"admin": ADMIN, "jd": JD}
ids = {}
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
TIME = re.compile(r"20[2-9]\d-\d\d-\d\dT[\d:.]+\+00:00")


def connect(user):
    # The library's plugin for basic authentication knows users only: the password is written behind the user.
    plugin = auth.GnocchiBasicPlugin("%s:%s" % (user, PASSWORDS[user]), BASE)
    return client.Client(session_options={"auth": plugin})


admin, jd = connect("admin"), connect("jd")


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, float):
        # Methods of arithmetic differ in the last digits.
        return float("%.12g" % value) if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {neutral(key): plain(value[key]) for key in sorted(value, key=neutral)}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return neutral(value) if isinstance(value, str) else value


def neutral(text):
    text = text.replace(BASE, "<base>")
    text = TIME.sub("<now>", text)
    text = UUID.sub(lambda match: "<id %d>" % ids.setdefault(match.group(), len(ids) + 1), text)
    # Of several metrics that lack what is asked for, any may be named.
    return re.sub(r"for metric <id \d+> does", "for metric <id> does", text)


def unordered(value):
    """What has no order is sorted."""
    if isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each and each.get("resource_id") for each in value):
        value = sorted(value, key=lambda metric: metric["name"])
    if isinstance(value, dict):
        return {
            key: sorted(each) if key == "aggregation_methods" else unordered(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [unordered(each) for each in value]
    return value


def step(name, work):
    try:
        answer = work()
        if isinstance(answer, requests.Response):
            answer = {"status": answer.status_code}
    except Exception as error:
        answer = {"raised": type(error).__name__, "code": getattr(error, "code", None), "message": str(error)}
    print(json.dumps([name, plain(unordered(answer))]), flush=True)
    return answer


def raw(name, method, path, body=None, user="admin", accept="application/json", **headers):
    """A request past the library, which hides much of an answer."""
    if user is not None:
        headers["Authorization"] = requests.auth._basic_auth_str(user, PASSWORDS[user])
    if body is not None:
        headers.setdefault("Content_Type", "application/json")
    data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    headers["Accept"] = accept
    answer = requests.request(method, BASE + path, data=data, headers=headers, allow_redirects=False)
    try:
        content = answer.json()
    except ValueError:
        content = answer.text.rstrip()
    headers = {key.lower(): value for key, value in answer.headers.items()}
    told = {
        "status": answer.status_code,
        "body": unordered(content),
        "headers": {key: headers[key] for key in ("location", "link") if key in headers},
    }
    if "allow" in headers:
        told["headers"]["allow"] = ", ".join(sorted(headers["allow"].split(", ")))
    print(json.dumps([neutral(name), plain(told)]), flush=True)
    return content


def settle():
    """Waits until everything that was posted is aggregated."""
    deadline = time.time() + 60
    while time.time() < deadline:
        if admin.status.get()["storage"]["summary"]["measures"] == 0:
            return
        time.sleep(0.05)
    raise SystemExit("measures were never aggregated")


# Policies
step("default policies", lambda: sorted(admin.archive_policy.list(), key=lambda policy: policy["name"]))
step("capabilities", lambda: sorted(admin.capabilities.list()["aggregation_methods"]))
POLICIES = {
    "fine": {"name": "fine", "definition": [{"granularity": "1s", "points": 60}, {"granularity": "1 minute"}]},
    "odd": {"name": "odd", "back_window": "2", "definition": [{"granularity": 7, "timespan": "1 hour"}]},
    "derived": {"name": "derived", "definition": [{"points": 1000, "timespan": "1 hour"}]},
    "rates": {
        "name": "rates",
        "back_window": 3,
        "definition": [{"granularity": "10s", "timespan": "1 day"}, {"granularity": "1h", "timespan": "30d"}],
        "aggregation_methods": ["mean", "rate:mean", "rate:count", "95pct", "median", "std", "first", "last"],
    },
    "plus": {"name": "plus", "definition": [{"granularity": 1}], "aggregation_methods": ["+median", "-mean"]},
    "all": {"name": "all", "definition": [{"granularity": 60}], "aggregation_methods": ["*", "-rate:1pct"]},
}
for name, policy in POLICIES.items():
    step("create policy %s" % name, lambda policy=policy: admin.archive_policy.create(policy))
    step("get policy %s" % name, lambda name=name: jd.archive_policy.get(name))
step("policy exists", lambda: admin.archive_policy.create(POLICIES["odd"]))
step("policy is for admins", lambda: jd.archive_policy.create(dict(POLICIES["odd"], name="mine")))
step("policy unknown", lambda: jd.archive_policy.get("nothing"))
WRONG = [
    {"definition": [{"granularity": 1}]},
    {"name": "x"},
    {"name": 5, "definition": [{"granularity": 1}]},
    {"name": "x", "definition": []},
    {"name": "x", "definition": {}},
    {"name": "x", "definition": [5]},
    {"name": "x", "definition": [{}]},
    {"name": "x", "definition": [{"points": 5}]},
    {"name": "x", "definition": [{"granularity": 0, "points": 5}]},
    {"name": "x", "definition": [{"granularity": "one", "points": 5}]},
    {"name": "x", "definition": [{"granularity": 1, "points": 0}]},
    {"name": "x", "definition": [{"granularity": 1, "points": "many"}]},
    {"name": "x", "definition": [{"granularity": 1, "points": 5, "timespan": 6}]},
    {"name": "x", "definition": [{"granularity": 60, "timespan": 5}]},
    {"name": "x", "definition": [{"granularity": 1, "points": 5}, {"granularity": "1s", "points": 6}]},
    {"name": "x", "definition": [{"granularity": 1}], "foo": 1},
    {"name": "x", "definition": [{"granularity": 1, "foo": 1}]},
    {"name": "x", "definition": [{"granularity": 1}], "back_window": -1},
    {"name": "x", "definition": [{"granularity": 1}], "back_window": "wide"},
    {"name": "x", "definition": [{"granularity": 1}], "aggregation_methods": ["mean", "wtf"]},
    {"name": "x", "definition": [{"granularity": 1}], "aggregation_methods": "mean"},
]
for number, body in enumerate(WRONG):
    raw("wrong policy %d" % number, "POST", "/v1/archive_policy", body)
raw("policy is no object", "POST", "/v1/archive_policy", [1])
raw("policy as text", "POST", "/v1/archive_policy", "{}", Content_Type="text/plain")
raw("policy with a slash twice", "GET", "//v1//archive_policy//odd/")
step("change policy", lambda: admin.archive_policy.update("odd", {"definition": [{"granularity": 7, "points": 10}]}))
step("change granularity", lambda: admin.archive_policy.update("odd", {"definition": [{"granularity": 8, "points": 10}]}))
step("drop granularity", lambda: admin.archive_policy.update("fine", {"definition": [{"granularity": 1, "points": 10}]}))
step("change unknown", lambda: admin.archive_policy.update("nothing", {"definition": [{"granularity": 1}]}))
raw("change as user", "PATCH", "/v1/archive_policy/odd", {"definition": [{"granularity": 7}]}, user="jd")
raw("put policy", "PUT", "/v1/archive_policy/odd", {})
raw("post to policy", "POST", "/v1/archive_policy/odd", {})

# Rules
def rule(name, pattern, policy):
    return {"name": name, "metric_pattern": pattern, "archive_policy_name": policy}


step("create rule", lambda: admin.archive_policy_rule.create(rule("disks", "disk.*", "fine")))
step("create longer rule", lambda: admin.archive_policy_rule.create(rule("rates", "disk.io.*", "rates")))
step("rule exists", lambda: admin.archive_policy_rule.create(rule("disks", "x", "fine")))
step("rule of no policy", lambda: admin.archive_policy_rule.create(rule("other", "x", "nothing")))
step("rules", lambda: jd.archive_policy_rule.list())
step("rule", lambda: jd.archive_policy_rule.get("disks"))
step("rename rule", lambda: admin.archive_policy_rule.update("disks", "plates"))
step("rename to taken", lambda: admin.archive_policy_rule.update("plates", "rates"))
step("rename unknown", lambda: admin.archive_policy_rule.update("nothing", "x"))
step("rule is for admins", lambda: jd.archive_policy_rule.create(rule("mine", "*", "fine")))
step("delete policy in use", lambda: admin.archive_policy.delete("fine"))
step("delete rule as user", lambda: jd.archive_policy_rule.delete("plates"))
step("delete unknown rule", lambda: admin.archive_policy_rule.delete("nothing"))

# Metrics
first = step("create metric", lambda: jd.metric.create(name="cpu", archive_policy_name="rates", unit="%"))
by_rule = step("metric by rule", lambda: jd.metric.create(name="disk.io.rate"))
step("metric by shorter rule", lambda: jd.metric.create(name="disk.size"))
nameless = step("metric by default", lambda: admin.metric.create())
step("metric", lambda: jd.metric.get(first["id"]))
step("metric of somebody else", lambda: jd.metric.get(nameless["id"]))
step("admin sees all", lambda: admin.metric.get(first["id"])["name"])
step("metric unknown", lambda: jd.metric.get("cee6ef1f-52cc-4a16-bbb5-648aedfd1c37"))
raw("metric that is none", "GET", "/v1/metric/foo")
raw("metric in capitals", "GET", "/v1/metric/" + first["id"].upper().replace("-", ""))
raw("metric with a slash", "POST", "/v1/metric", {"name": "a/b"})
raw("metric of no policy", "POST", "/v1/metric", {"archive_policy_name": "nothing"})
raw("metric with a long unit", "POST", "/v1/metric", {"name": "x", "unit": "u" * 32})
raw("metric with an id", "POST", "/v1/metric", {"id": first["id"]})
raw("metric of a resource without a name", "POST", "/v1/metric", {"resource_id": "server"})
raw("metric with a number as its name", "POST", "/v1/metric", {"name": 1})
raw("metric body is none", "POST", "/v1/metric", "")
raw("metric of nobody", "POST", "/v1/metric", {}, user=None)
for number in range(5):
    step("page metric %d" % number, lambda number=number: jd.metric.create(name="page-%d" % number, archive_policy_name="low")["name"])
step("names sorted", lambda: [metric["name"] for metric in admin.metric.list(sorts=["name:desc"])])
step("pages of two", lambda: [metric["name"] for metric in admin.metric.list(limit=2, sorts=["name:asc"])])
for query in (
    "name=page-1", "unit=%25", "creator=jd&sort=name:asc", "archive_policy_name=low&name=page-2", "name=nobody", "foo=bar&name=cpu",
    "id=" + first["id"], "user_id=jd&project_id=", "status=active&name=cpu", "status=wrong", "limit=0", "limit=x", "sort=foo",
    "sort=name:sideways", "sort=unit:asc-nullsfirst&sort=name:desc&limit=3", "name=page-1&limit=1",
):
    raw("metrics ?%s" % query, "GET", "/v1/metric?" + query)
raw("put metric", "PUT", "/v1/metric", {})
step("delete metric", lambda: jd.metric.delete(by_rule["id"]))
step("delete metric again", lambda: jd.metric.delete(by_rule["id"]))
step("delete metric of somebody else", lambda: jd.metric.delete(nameless["id"]))

# Measures
START = 1425652400
MEASURES = [{"timestamp": START + 3 * i + (i % 4) / 4, "value": (i * 37 % 101) - 20.5} for i in range(400)]
step("post measures", lambda: jd.metric.add_measures(first["id"], MEASURES))
settle()
for method in POLICIES["rates"]["aggregation_methods"]:
    step("measures %s" % method, lambda method=method: jd.metric.get_measures(first["id"], aggregation=method, refresh=True))
for query in (
    {"granularity": 10, "start": "2015-03-06T14:40:07", "stop": "2015-03-06T14:41"},
    {"granularity": 3600},
    {"granularity": "10s", "start": START + 600, "stop": START + 640.5},
    {"granularity": 10, "resample": 60},
    {"granularity": 10, "resample": "5 minutes", "aggregation": "rate:mean"},
    {"granularity": 10, "resample": 100, "start": START + 601},
    {"granularity": 3600, "resample": "W"},
    {"granularity": 3600, "resample": "Y", "aggregation": "last"},
    {"granularity": 42},
    {"granularity": "x"},
    {"aggregation": "wtf"},
    {"resample": 60},
    {"resample": "x", "granularity": 10},
    {"start": "x"},
    {"stop": "x"},
    {"refresh": "maybe"},
    {"start": "2038-01-01"},
):
    raw("measures %s" % json.dumps(query), "GET", "/v1/metric/%s/measures?%s" % (first["id"], urllib.parse.urlencode(query)), user="jd")
step("late measures", lambda: jd.metric.add_measures(first["id"], [{"timestamp": START + 1197, "value": 1000}]))
step("measures in other forms", lambda: jd.metric.add_measures(first["id"], [{"timestamp": "2015-03-06T14:55:01.25", "value": "7"}, {"timestamp": "2015-03-06 14:55:02", "value": 8, "more": 1}]))
step("too old measures", lambda: jd.metric.add_measures(first["id"], [{"timestamp": START - 864000, "value": 1000}, {"timestamp": START + 1310, "value": 3}]))
settle()
step("measures after late ones", lambda: jd.metric.get_measures(first["id"], start=START + 1150, refresh=True))
path = "/v1/metric/%s/measures" % first["id"]
for number, body in enumerate((
    1, {"a": 1}, [[START, 1]], [{"timestamp": None, "value": 1}], [{"timestamp": "x", "value": 1}],
    [{"timestamp": "1915-03-06T14:33:57", "value": 1}], [{"timestamp": START, "value": None}], [{"timestamp": START, "value": "x"}],
    [{"timestamp": START, "value": 1}, {"timestamp": "x", "value": 1}], [{"timestamp": START}],
)):
    raw("wrong measures %d" % number, "POST", path, body, user="jd")
raw("measures of somebody else", "POST", "/v1/metric/%s/measures" % nameless["id"], [], user="jd")
raw("measures of nothing", "POST", "/v1/metric/fake/measures", [])

# Batches and aggregation across metrics
pair = [step("metric %s" % name, lambda name=name: jd.metric.create(name=name, archive_policy_name="fine")) for name in ("left", "right")]
left, right = pair[0]["id"], pair[1]["id"]
step("batch", lambda: jd.metric.batch_metrics_measures({
    left: [{"timestamp": START + i, "value": i} for i in range(0, 30)],
    right: [{"timestamp": START + i, "value": 100 - i} for i in range(10, 40)],
}))
settle()
raw("batch with unknown", "POST", "/v1/batch/metrics/measures", {"cee6ef1f-52cc-4a16-bbb5-648aedfd1c37": [], left: []})
raw("batch with no id", "POST", "/v1/batch/metrics/measures", {"foo": []})
raw("batch with wrong measures", "POST", "/v1/batch/metrics/measures", {left: [{"timestamp": "x", "value": 1}]})
raw("batch of somebody else", "POST", "/v1/batch/metrics/measures", {nameless["id"]: []}, user="jd")
raw("empty batch", "POST", "/v1/batch/metrics/measures", {})
for query in (
    {"needed_overlap": 50}, {"needed_overlap": 50, "aggregation": "max", "reaggregation": "sum"}, {}, {"fill": 0}, {"fill": "null", "granularity": 1},
    {"granularity": 1, "needed_overlap": 10, "start": START + 5, "stop": START + 25}, {"granularity": 60, "reaggregation": "min"},
    {"granularity": 1, "resample": 10, "needed_overlap": 0}, {"aggregation": "wtf"}, {"granularity": 42}, {"needed_overlap": "x"}, {"fill": "x"}, {"start": "x"},
    {"resample": 60}, {"granularity": 1, "needed_overlap": 90},
):
    raw("across %s" % json.dumps(query), "GET", "/v1/aggregation/metric?metric=%s&metric=%s&%s" % (left, right, urllib.parse.urlencode(query)), user="jd")
raw("across by body", "POST", "/v1/aggregation/metric?granularity=60", [left, right], user="jd")
raw("across one", "GET", "/v1/aggregation/metric?metric=%s&granularity=60" % left, user="jd")
raw("across one of no method", "GET", "/v1/aggregation/metric?metric=%s&aggregation=last" % left, user="jd")
raw("across unknown", "GET", "/v1/aggregation/metric?metric=cee6ef1f-52cc-4a16-bbb5-648aedfd1c37", user="jd")
raw("across no id", "POST", "/v1/aggregation/metric", ["foo"], user="jd")
raw("across no common width", "GET", "/v1/aggregation/metric?metric=%s&metric=%s" % (left, first["id"]), user="jd")
raw("across somebody else", "GET", "/v1/aggregation/metric?metric=%s" % nameless["id"], user="jd")

# Resources with named metrics
step("create resource", lambda: jd.resource.create("generic", {"id": "server-1", "user_id": "u", "project_id": None, "started_at": "2015-01-02T03:04:05.5", "metrics": {"load": {"archive_policy_name": "fine"}, "disk.size": {}}}))
step("resource exists", lambda: jd.resource.create("generic", {"id": "server-1"}))
step("resource", lambda: jd.resource.get("generic", "server-1"))
step("resource of somebody else", lambda: admin.resource.get("generic", "server-1"))
step("resource of a type", lambda: jd.resource.get("server", "server-1"))
step("metric on resource", lambda: jd.metric.create(name="memory", resource_id="server-1", archive_policy_name="fine", unit="MB"))
step("metric on resource again", lambda: jd.metric.create(name="memory", resource_id="server-1", archive_policy_name="fine"))
step("metric on no resource", lambda: jd.metric.create(name="memory", resource_id="server-2"))
step("named metric", lambda: jd.metric.get("memory", resource_id="server-1"))
step("named metric unknown", lambda: jd.metric.get("nothing", resource_id="server-1"))
step("named metric of no resource", lambda: jd.metric.get("memory", resource_id="server-2"))
step("named measures", lambda: jd.metric.add_measures("memory", [{"timestamp": START, "value": 4}], resource_id="server-1"))
settle()
step("read named measures", lambda: jd.metric.get_measures("memory", resource_id="server-1", refresh=True))
raw("metrics of resource", "GET", "/v1/resource/generic/server-1/metric", user="jd")
raw("types", "GET", "/v1/resource")
raw("named metric by id and name", "POST", "/v1/metric", {"name": "memory", "resource_id": "server-1", "archive_policy_name": "low"}, user="jd")
raw("resource batch", "POST", "/v1/batch/resources/metrics/measures", {"server-1": {"load": [{"timestamp": START, "value": 1}], "memory": [{"timestamp": START + 60, "value": 6}]}}, user="jd")
raw("resource batch unknown metric", "POST", "/v1/batch/resources/metrics/measures", {"server-1": {"new": [], "load": []}}, user="jd")
raw("resource batch creates", "POST", "/v1/batch/resources/metrics/measures?create_metrics=True", {"server-1": {"new": [{"timestamp": START, "value": 9}], "newer": {"archive_policy_name": "low", "unit": "s", "measures": [{"timestamp": START, "value": 9}]}}}, user="jd")
raw("resource batch unknown resource", "POST", "/v1/batch/resources/metrics/measures?create_metrics=true", {"server-2": {"new": []}}, user="jd")
raw("resource batch no policy", "POST", "/v1/batch/resources/metrics/measures?create_metrics=true", {"server-1": {"x/y": []}}, user="jd")
raw("resource batch flag", "POST", "/v1/batch/resources/metrics/measures?create_metrics=maybe", {"server-1": {"load": []}}, user="jd")
raw("resource batch wrong", "POST", "/v1/batch/resources/metrics/measures", {"server-1": {"load": [{"timestamp": "x", "value": 1}]}}, user="jd")
settle()
step("metrics made by the batch", lambda: sorted(jd.resource.get("generic", "server-1")["metrics"]))
step("what the batch brought", lambda: jd.metric.get_measures("newer", resource_id="server-1", refresh=True))
for body in (
    {}, {"id": "a/b"}, {"id": 5}, {"id": "x", "foo": 1}, {"id": "x", "started_at": "never"}, {"id": "x", "user_id": 5},
    {"id": "x", "started_at": "2015-02-01", "ended_at": "2015-01-01"}, {"id": "x", "metrics": {"a": "foo"}}, {"id": "x", "metrics": {"a": {"unit": 5}}},
    {"id": "x", "metrics": {"a": "cee6ef1f-52cc-4a16-bbb5-648aedfd1c37"}}, {"id": "x", "metrics": {"a": {"archive_policy_name": "nothing"}}},
):
    raw("wrong resource %s" % json.dumps(body), "POST", "/v1/resource/generic", body, user="jd")
step("more resources", lambda: [jd.resource.create("generic", {"id": "host-%d" % n, "user_id": "u%d" % n})["original_resource_id"] for n in range(3)])
step("resources", lambda: [resource["original_resource_id"] for resource in admin.resource.list("generic", sorts=["original_resource_id:desc"])])
step("resources by two", lambda: [resource["original_resource_id"] for resource in admin.resource.list("generic", limit=2, sorts=["user_id:asc", "original_resource_id:asc"])])
raw("attributes of resources", "GET", "/v1/resource/generic?attrs=user_id&attrs=original_resource_id&sort=user_id:desc", user="jd")
raw("resources sorted by nothing", "GET", "/v1/resource/generic?sort=foo", user="jd")
step("delete named metric", lambda: jd.metric.delete("memory", resource_id="server-1"))
step("delete named metric again", lambda: jd.metric.delete("memory", resource_id="server-1"))
step("delete resource", lambda: jd.resource.delete("server-1"))
step("delete resource again", lambda: jd.resource.delete("server-1"))
step("its metrics are gone", lambda: [metric["name"] for metric in admin.metric.list(sorts=["name:asc"])])
step("status is for admins", lambda: jd.status.get())
step("status", lambda: sorted(admin.status.get()["storage"]))
raw("unknown path", "GET", "/v1/nothing")
raw("accept text", "GET", "/v1/archive_policy_rule", accept="text/plain")
raw("head", "DELETE", "/v1/metric")
# Debian's server aggregates nothing more after a request without measures.
raw("no measures", "POST", path, [], user="jd")
