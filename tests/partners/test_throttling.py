"""Plans: exact over all processes, said in headers, and on each process's own when Valkey is away."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import redis
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from partners import buckets, keys
from partners.models import Plan
from partners.throttling import quoted_string
from skybridge.valkey import valkey
from tests.conftest import agency_api
from tests.partners.conftest import Clock

TEN = ("default", 0.001, 10, None, "day")


def verdicts(count: int, plan=TEN, name: str = "bucket") -> list[int]:
    return [buckets.take(name, plan).verdict for _ in range(count)]


def hammer(*arguments: str) -> list[dict]:
    """Run hammer.py in three processes at once and return what each says."""
    command = [sys.executable, "-m", "tests.partners.hammer", "3", *arguments]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) for _ in range(3)]
    told = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    assert not any(facts["is_away"] for facts in told)
    assert sum(facts["refused"] for facts in told) > 50
    return told


# --- exact ---


def test_three_processes_get_exactly_the_burst():
    assert sum(facts["admitted"] for facts in hammer("bucket", "0.7", "0.001", "50")) == 50


def test_three_processes_get_exactly_the_burst_and_the_rate():
    told = hammer("bucket", "1", "40", "20")
    admitted = sum(facts["admitted"] for facts in told)
    longest = max(facts["ends"] for facts in told) - min(facts["begins"] for facts in told)
    assert 20 + 40 * 0.9 <= admitted <= 20 + 40 * longest  # a busy machine may start a process late, never early


def test_without_the_script_they_get_more():
    assert sum(facts["admitted"] for facts in hammer("careless", "0.7", "0.001", "50", "--careless")) > 50


@pytest.mark.alone
def test_forty_threads_get_exactly_the_burst_through_the_api(whoami, db):
    api = agency_api("Busy", Plan.objects.create(name="busy", rate="0.01", burst=25))
    api.get("/whoami")  # the key is warm: the threads need no database, where this test's rows are not visible
    statuses = Counter()

    def run():
        statuses.update(api.get("/whoami").status_code for _ in range(3))

    threads = [threading.Thread(target=run) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {200: 24, 429: 96}


def test_tokens_come_back_at_the_rate():
    plan = ("default", 20.0, 2, None, "day")
    assert verdicts(3, plan) == [0, 0, 1]
    time.sleep(0.06)
    assert verdicts(2, plan) == [0, 1]


def test_a_bucket_expires_by_itself():
    buckets.take("bucket", ("default", 5.0, 10, None, "day"))
    assert 0 < valkey().ttl("bucket") <= 3
    buckets.take("counted", ("default", 5.0, 10, 100, "day"))
    assert valkey().ttl("counted") <= 86_400
    assert valkey().ttl("counted") >= buckets.take("counted", ("default", 5.0, 10, 100, "day")).period_ends_in - 1


def test_a_clock_set_back_does_not_lock_anybody_out():
    verdicts(10)
    in_an_hour = int((time.time() + 3600) * 1e6)
    valkey().hset("bucket", "at", in_an_hour)
    fast = ("default", 20.0, 10, None, "day")
    assert buckets.take("bucket", fast).verdict == buckets.RATE_EXCEEDED
    time.sleep(0.06)
    assert buckets.take("bucket", fast).verdict == buckets.ADMITTED


def test_a_script_that_valkey_has_forgotten_is_sent_again():
    verdicts(1)
    valkey().script_flush()
    assert verdicts(9) == [0] * 9
    assert verdicts(1) == [1]
    assert not buckets.remote.is_away


@pytest.mark.alone
def test_one_call_is_one_round_trip():
    verdicts(1)
    valkey().config_resetstat()
    verdicts(5)
    counted = {name.removeprefix("cmdstat_"): facts["calls"] for name, facts in valkey().info("commandstats").items()}
    inside_the_script = {"time": 5, "hmget": 5, "hset": 5, "expireat": 5}
    assert counted == {"evalsha": 5, "config|resetstat": 1} | inside_the_script


# --- quota ---


def test_a_used_up_quota_is_another_refusal(db):
    plan = Plan.objects.create(name="small", rate=100, burst=100, quota=3)
    api = agency_api("Small", plan)
    assert [api.get("/whoami").status_code for _ in range(3)] == [200] * 3
    answer = api.get("/whoami")
    assert (answer.status_code, answer.json()["message"], answer.json()["code"]) == (
        429,
        "Limit Exceeded",
        "limit_exceeded",
    )
    midnight = 86_400 - int(time.time()) % 86_400
    assert abs(int(answer.headers["Retry-After"]) - midnight) <= 2


def test_a_refused_call_consumes_no_quota():
    plan = ("default", 0.001, 2, 5, "day")
    assert verdicts(6, plan) == [0, 0, 1, 1, 1, 1]
    assert buckets.take("bucket", plan).quota_left == 3


def test_a_used_up_quota_takes_no_tokens():
    plan = ("default", 0.001, 10, 2, "month")
    assert verdicts(8, plan) == [0, 0, 2, 2, 2, 2, 2, 2]
    assert buckets.take("bucket", plan).left == 8


def test_a_new_period_begins_anew():
    plan = ("default", 100.0, 100, 2, "day")
    assert verdicts(3, plan) == [0, 0, 2]
    yesterday = int(valkey().hget("bucket", "period")) - 1
    valkey().hset("bucket", "period", yesterday)
    assert verdicts(3, plan) == [0, 0, 2]


# --- headers ---


def test_each_answer_says_what_is_left(db, slow_plan):
    api = agency_api("Slow", slow_plan)
    answer = api.get("/whoami")
    assert answer.headers["RateLimit-Policy"] == '"default";q=10;w=2'
    assert answer.headers["RateLimit"] == '"default";r=9;t=1'


def test_a_quota_is_said_too(db):
    api = agency_api("Counted", Plan.objects.create(name="gold", rate=5, burst=10, quota=100_000))
    answer = api.get("/whoami")
    assert answer.headers["RateLimit-Policy"] == '"gold";q=10;w=2, "day";q=100000;w=86400'
    first, second = answer.headers["RateLimit"].split(", ")
    assert first == '"gold";r=9;t=1'
    assert second.startswith('"day";r=99999;t=')


def test_a_refusal_says_when_to_come_back(db, slow_plan):
    api = agency_api("Slow", slow_plan)
    answers = [api.get("/whoami") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    refused = answers[-1]
    assert (refused.json()["message"], refused.json()["code"]) == ("Too Many Requests", "too_many_requests")
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit"] == '"default";r=0;t=2'
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_a_bad_request_has_the_headers_too(db, slow_plan):
    api = agency_api("Slow", slow_plan)
    answer = api.get("/whoami?unknown=1")
    assert answer.status_code == 400
    assert answer.headers["RateLimit"] == '"default";r=9;t=1'


def test_nobody_is_counted_without_credentials(whoami, db):
    assert "RateLimit" not in whoami().headers
    assert valkey().dbsize() == 0


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("gold", '"gold"'), ('a"b\\c', '"a\\"b\\\\c"'), ("süß", '"s??"'), ("a\r\nX: 1", '"a??X: 1"')],
)
def test_a_plan_may_have_any_name(name, quoted):
    assert quoted_string(name) == quoted


# --- who shares what ---


def test_two_plans_are_two_rates(db, slow_plan):
    slow = agency_api("Slow", slow_plan)
    quick = agency_api("Quick", Plan.objects.create(name="quick", rate=5, burst=20))
    for api, admitted in ((slow, 10), (quick, 20)):
        assert Counter(api.get("/whoami").status_code for _ in range(25))[200] in (admitted, admitted + 1)


def test_two_keys_of_an_agency_share_its_plan(db):
    plan = Plan.objects.create(name="five", rate="0.01", burst=5)
    api = agency_api("Rotating", plan)
    second = keys.new_key("test")
    agency = plan.agency_set.get()
    agency.api_keys.create(prefix=second[:12], digest=keys.digest_of(second))
    pair = (api.headers, {"x-api-key": second})
    assert Counter(api.get("/whoami", **pair[n % 2]).status_code for n in range(10)) == {200: 5, 429: 5}


def test_travellers_do_not_share(provider, show, settings):
    settings.TRAVELLER_PLAN = {"name": "traveller", "rate": 0.01, "burst": 2}
    ada, bob = provider.token(), provider.token(sub="bob")
    assert [show(ada).status_code for _ in range(3)] == [200, 200, 429]
    assert show(bob).status_code == 200
    assert show(provider.access_token()).status_code == 429  # Ada again, with another token


# --- without Valkey ---


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def valkey_away(monkeypatch, free_port):
    """Nothing listens where Valkey should be."""
    dead = redis.Redis.from_url(f"redis://127.0.0.1:{free_port}/0", socket_timeout=0.5, socket_connect_timeout=0.5)
    monkeypatch.setattr(buckets, "valkey", lambda: dead)
    return monkeypatch


def test_calls_work_without_valkey_and_the_process_counts(valkey_away, db, slow_plan, caplog):
    api = agency_api("Slow", slow_plan)
    answers = [api.get("/whoami") for _ in range(12)]
    assert Counter(answer.status_code for answer in answers)[200] in (10, 11)
    assert answers[0].headers["RateLimit"] == '"default";r=9;t=1'
    assert answers[-1].headers["Retry-After"] == "1"
    assert caplog.text.count("valkey does not answer") == 1


def test_quotas_count_without_valkey(valkey_away):
    assert verdicts(4, ("default", 100.0, 100, 3, "month")) == [0, 0, 0, 2]


def test_valkey_is_asked_again_and_found(valkey_away, caplog):
    verdicts(1)
    valkey_away.undo()
    assert buckets.remote.is_away
    buckets.remote.away_until = 0
    assert buckets.take("bucket", TEN).left == 9  # Valkey's bucket, not this process's
    assert not buckets.remote.is_away
    assert caplog.text.count("valkey is back") == 1


def test_a_connection_that_valkey_has_closed_is_replaced(caplog):
    verdicts(1)
    for client in valkey().client_list():
        if client["cmd"] == "evalsha":
            with suppress(redis.ResponseError):  # gone by itself
                valkey().client_kill(client["addr"])
    assert buckets.take("bucket", TEN).left == 8
    assert "valkey does not answer" not in caplog.text


def test_a_silent_valkey_delays_one_call_a_second(monkeypatch):
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        mute = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        monkeypatch.setattr(buckets, "valkey", lambda: mute)
        started = time.monotonic()
        assert verdicts(12) == [0] * 10 + [1, 1]
        assert time.monotonic() - started < 1.0


# --- the script and its stand-in agree ---

SCRIPT_AT = buckets.SCRIPT.replace("redis.call('TIME')", "{ARGV[5], ARGV[6]}")
EPOCH_2030 = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
steps = st.lists(st.integers(0, 5_000_000) | st.integers(0, 40 * 86_400_000_000), min_size=1, max_size=30)
plans = st.tuples(
    st.just("plan"),
    st.sampled_from([0.01, 0.5, 3.0, 5.0, 1000.0]),
    st.integers(1, 20),
    st.none() | st.integers(0, 12),
    st.sampled_from(["day", "month"]),
)


class Hands(Clock):
    """A clock in whole microseconds that a test sets."""

    def __init__(self, start: int):
        self.microseconds = start

    def time(self) -> float:
        return self.microseconds / 1e6

    def monotonic_ns(self) -> int:
        return self.microseconds * 1000


@hypothesis_settings(max_examples=150, deadline=None)
@given(plan=plans, steps=steps, start=st.integers(0, 150 * 365 * 86_400))
def test_the_script_and_its_stand_in_agree(plan, steps, start):
    """Over months and leap years to 2180: every number of every answer."""
    hands, local, original = Hands((EPOCH_2030 + start) * 1_000_000), buckets.LocalBuckets(), buckets.time
    name, quota = "agreement", -1 if plan[3] is None else plan[3]
    valkey().delete(name)
    buckets.time = hands
    try:
        for step in steps:
            hands.microseconds += step
            clock = divmod(hands.microseconds, 1_000_000)
            told = valkey().eval(SCRIPT_AT, 1, name, repr(plan[1]), plan[2], quota, plan[4], *clock)
            assert [int(number) for number in told.split()] == local.take(name, plan)
    finally:
        buckets.time = original
