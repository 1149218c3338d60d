"""Workers that are killed, brokers that are away, orders that kill: every order is completed, each effect once."""

import os
import signal
import time
from pathlib import Path

import pytest
import redis

from orders.workflow import STATES
from tests.bookings.sales import book, counters, query
from tests.concurrency.conftest import running_server
from tests.concurrency.racing import HttpApi
from tests.concurrency.test_failures import KILL
from tests.concurrency.workers import (
    WORKER_NAME,
    Site,
    all_succeed,
    kill,
    seconds_until,
    silent_port,
    statuses,
    watched,
)
from tests.orders import shop

SPOTS = [f"{state.name} {place}" for state in STATES for place in ("before", "after")]
CARD = {"payment": {"method": "card", "token": "tok_success"}}
UNREACHABLE = {"payment": {"method": "card", "token": "tok_unreachable"}}
EFFECTS = """
SELECT (SELECT count(*) FROM partners_payment WHERE order_id = o.id AND status = 'succeeded') AS payments,
    (SELECT count(*) FROM partners_sandboxcharge c JOIN partners_payment p ON p.id = c.key WHERE p.order_id = o.id)
        AS charges,
    (SELECT count(*) FROM partners_ledgerentry e WHERE e.order_id = o.id AND e.kind = 'payment') AS postings,
    (SELECT count(DISTINCT number) FROM ticketing_ticket t JOIN bookings_booking b ON b.id = t.booking_id
        WHERE b.order_id = o.id) AS tickets,
    (SELECT count(*) FROM skybridge_event e JOIN bookings_booking b ON b.id = e.subject_id
        WHERE b.order_id = o.id AND e.action = 'booking.confirmed') AS confirmations,
    (SELECT count(*) FROM skybridge_event e WHERE e.subject_id = o.id AND e.action = 'order.completed') AS completions,
    (SELECT count(*) - o.version FROM orders_backup WHERE stream = o.id::text) AS missing_backups,
    (SELECT count(*) - max(event_id) FROM orders_executionevent WHERE execution_id = o.id) AS gaps,
    (SELECT count(*) FROM orders_executionevent WHERE execution_id = o.id AND type = 'TaskSucceeded') AS states
FROM orders_order o WHERE o.id = %s
"""
ONCE = (1, 1, 2, 1, 1, 1, 0, 0, len(STATES))


@pytest.fixture
def site(tmp_path_factory, transactional_db):
    site = Site(Path(os.environ["SKYBRIDGE_HOME"]) / tmp_path_factory.mktemp("site").name)
    site.start_broker()
    yield site
    site.stop()


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_killed_in_the_middle_of_any_state(site, acme, flight, pool):
    """One order for each state, before and after its effect; kill -9 strikes when all are there."""
    shop.product()
    placed = {spot: ordered(acme, flight, customer=spot.replace(" ", "-")) for spot in SPOTS}
    struck = {f"{spot} {spot.replace(' ', '-')}": 600 for spot in SPOTS}
    site.wake(placed.values())
    site.beat()
    worker = site.worker(struck=struck, pool=pool, concurrency=len(SPOTS) + 2)
    seconds_until(lambda: len(site.marks()) == len(SPOTS))
    kill(worker)
    site.worker(pool=pool)
    seconds = seconds_until(all_succeed(placed.values()))
    print(f"{pool}: {seconds:.1f} s from its return")
    assert seconds < 30
    assert {spot: query(EFFECTS, one["order_id"]) for spot, one in placed.items()} == {spot: [ONCE] for spot in SPOTS}
    assert {site.mails(one) for one in placed.values()} == {1}
    assert counters(flight)["sold"] == len(SPOTS)
    assert shop.stock_of("PROD001") == 50 - len(SPOTS)


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_killed_amid_many_orders(site, acme, pool):
    """They are at one state side by side; all have lost their worker, and go on one after another."""
    shop.product()
    placed = [shop.order(acme, ("PROD001", 1)) for _ in range(20)]
    site.wake(placed)
    site.beat()
    worker = site.worker(struck={"BackUp together": 600}, pool=pool, concurrency=2)
    seconds_until(lambda: len(site.marks()) == 1)
    kill(worker)
    site.worker(pool=pool)
    assert seconds_until(all_succeed(placed)) < 30
    at_once = (0, 0, 0, 0, 0, 1, 0, 0, len(STATES))
    assert {one["order_id"]: query(EFFECTS, one["order_id"]) for one in placed} == {
        one["order_id"]: [at_once] for one in placed
    }
    lost = query("SELECT execution_id FROM orders_executionevent WHERE details ->> 'error' = 'WorkerLost'")
    assert 0 < len(lost) == len(set(lost)) <= len(placed)


def ordered(api, flight, **more) -> dict:
    return shop.order(api, ("PROD001", 1), book(api, flight), contact_email="ada@example.com", **CARD, **more)


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_an_order_that_kills_its_worker_fails_alone(site, acme, pool):
    """The others are in the middle of the same state when it strikes."""
    shop.product()
    placed = {name: shop.order(acme, ("PROD001", 1), customer=name) for name in ("A", "B", "C", "POISON", "D")}
    struck = {"IssueTickets before *": 0.4, "IssueTickets after POISON": "kill"}
    site.beat()
    site.wake(placed.values())
    with watched(site.worker(struck=struck, pool=pool, concurrency=6)):
        seconds_until(lambda: "RUNNING" not in statuses())
    poisoned = shop.execution(placed["POISON"])
    assert (poisoned["status"], poisoned["error"], poisoned["losses"]) == ("FAILED", "WorkerLost", 3)
    assert "IssueTickets" in poisoned["cause"]
    assert statuses() == {"FAILED": 1, "SUCCEEDED": 4}


def test_the_broker_is_away_while_orders_come_in(site, acme):
    """It stops answering, then it is dead, then its address swallows everything. Workers start without it too."""
    shop.product("BAG", stock=1000)
    with running_server(site.directory, **site.variables) as server:
        partner = HttpApi(server.port, acme.headers)
        before = timed_orders(partner, 8)
        os.kill(site.broker.child.process.pid, signal.SIGSTOP)
        frozen = timed_orders(partner, 20)
        site.stop_broker()
        dead = timed_orders(partner, 20)
        with silent_port(site.broker.port):
            silent = timed_orders(partner, 20)
            site.beat(), site.worker()
            time.sleep(3)  # both have found nobody
        site.start_broker()
        orders = [placed for _, placed in before + frozen + dead + silent]
        seconds_until(all_succeed(orders))
    slowest = [max(seconds for seconds, _ in some) for some in (frozen, dead, silent)]
    print("slowest answer: frozen {:.3f} s, dead {:.3f} s, silent {:.3f} s".format(*slowest))
    assert max(slowest) < 1


def timed_orders(api: HttpApi, count: int) -> list[tuple[float, dict]]:
    """Place orders and read their status, by whatever process answers; return how many seconds each took, and it."""
    return [timed_order(api) for _ in range(count)]


def timed_order(api: HttpApi) -> tuple[float, dict]:
    began = time.monotonic()
    placed = shop.order(api, ("BAG", 1))
    took = time.monotonic() - began
    assert api.get(f"/status/{placed['order_id']}").status_code == 200
    time.sleep(0.05)
    return took, placed


def test_orders_in_flight_survive_what_strikes(site, acme):
    """Their cards are not reachable at first, so that each waits for a timer when it strikes."""
    shop.product("BAG", stock=1000)
    site.beat()
    worker = site.worker()
    broker = redis.Redis.from_url(site.broker.url)

    def restart_worker():
        kill(worker)
        broker.flushall()
        worker.start()

    def restart_broker():
        site.stop_broker()
        site.start_broker()

    def kill_connections():
        query(KILL, WORKER_NAME)

    for strike in (broker.flushall, kill_connections, restart_broker, restart_worker):
        placed = [shop.order(acme, ("BAG", 1), **UNREACHABLE) for _ in range(20)]
        seconds_until(lambda: query(WAITING)[0][0] > 5)
        strike()
        assert seconds_until(all_succeed(placed)) < 30, strike


def test_a_worker_outlives_a_broker_that_ends_amid_its_work(site, acme):
    """It has a message that it has not acknowledged, which cannot be put back."""
    shop.product("BAG")
    placed = [shop.order(acme, ("BAG", 1)) for _ in range(3)]
    site.wake(placed)
    worker = site.worker(struck={"IssueTickets before *": 1})
    seconds_until(lambda: len(site.marks()) == 1)
    site.stop_broker()
    time.sleep(2)
    site.start_broker()
    site.beat()
    assert seconds_until(all_succeed(placed)) < 30
    assert worker.process is not None
    assert worker.process.poll() is None


WAITING = "SELECT count(*) FROM orders_execution WHERE status = 'RUNNING' AND attempt > 0 OR state <> 'TakePayment'"
