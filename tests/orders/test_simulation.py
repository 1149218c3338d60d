"""The demo's sales: small, through the real services, once in a database, and true afterwards."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from bookings.models import Booking
from orders import backups, workflow
from orders.demo import ensure_demo_products
from orders.models import Disruption, Execution
from orders.simulation import SURNAMES, Coming, Plan, Simulation, hardest_to_replace, simulate_once
from skybridge.models import Event
from tests import factories
from tests.bookings.sales import query
from ticketing.models import Coupon, Ticket

SMALL = Plan(soon=3, later=2, bookings_ahead=3, declined=1, pause=0)


@pytest.fixture
def airline(acme, settings):
    """Flights of today and of the coming days, and the demo's products."""
    settings.BOARDING_OPENS = timedelta(days=1)
    ensure_demo_products()
    hours = (2, 2.5, 3, 4, 5, 6, 30, 31, 50)
    return [factories.flight(departs_at=timezone.now() + timedelta(hours=h), seats=20) for h in hours]


def new_simulation(**more) -> Simulation:
    return Simulation(SMALL, carry_on=workflow.advance, **more)


@pytest.mark.django_db(transaction=True)
def test_it_sells_checks_in_boards_and_disrupts_and_all_stays_true(airline, capsys):
    done = simulate_once(new_simulation())
    assert done["booking"] > 10
    assert (done["delay"], done["cancellation"]) == (1, 1)
    assert not [name for name in done if "refused" in name]
    statuses = Counter(Coupon.objects.values_list("status", flat=True))
    assert min(statuses[status] for status in "OCL") > 0
    assert list(Execution.objects.filter(status="FAILED").values_list("error", flat=True)) == ["payment_declined"]
    assert set(Disruption.objects.values_list("kind", flat=True)) == {"delay", "cancellation"}
    assert set(Ticket.objects.values_list("surname", flat=True)) <= set(SURNAMES)
    assert query("SELECT count(*) FROM flights_flightcabin WHERE sold > capacity") == [(0,)]
    backups.drain(at=timezone.now())
    call_command("verify_invariants")
    assert " 0 broken" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_it_happens_once(airline):
    assert simulate_once(Simulation(Plan(1, 0, 0, 0, pause=0)))
    bookings, events = Booking.objects.count(), Event.objects.count()
    assert simulate_once(new_simulation()) is None
    assert (Booking.objects.count(), Event.objects.count()) == (bookings, events)


@pytest.mark.django_db(transaction=True)
def test_one_that_was_stopped_goes_on(airline, monkeypatch):
    broken_off = Simulation(Plan(1, 0, 2, 0, pause=0))
    monkeypatch.setattr(broken_off, "check_passengers_in", interrupt)
    with pytest.raises(KeyboardInterrupt):
        simulate_once(broken_off)
    bookings = Booking.objects.count()
    done = simulate_once(Simulation(Plan(1, 0, 2, 0, pause=0)))
    assert done["delay"] == 1
    assert Booking.objects.count() < bookings * 1.5


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_the_same_seed_gives_the_same_parties(airline):
    parties = []
    for _ in range(2):
        dice = Simulation(SMALL, dice=random.Random(7))
        parties.append([passenger for seats in (1, 4, 9) for passenger in dice.party(seats)])
    assert parties[0] == parties[1]


@pytest.mark.django_db
def test_without_agencies_or_flights_nothing_is_sold(db):
    assert simulate_once(new_simulation()) == Counter()
    assert not Booking.objects.exists()


@pytest.mark.django_db
def test_the_flight_with_the_fewest_others_is_cancelled():
    often, seldom = factories.flight("JFK", "LAX"), factories.flight("LAX", "JFK")
    factories.flight("JFK", "LAX")
    cabins = [Coming(f.pk, (f.origin_id, f.destination_id), f.departs_at, 100, 100) for f in (often, seldom)]
    assert hardest_to_replace(cabins) == seldom.pk
