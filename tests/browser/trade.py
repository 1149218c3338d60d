"""What agents, the airport and travellers have to do with: a route of its own, bookings in each state, a boarding."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils import timezone

from flights.models import Flight, FlightCabin
from partners.models import Agent, Plan
from tests import factories
from tests.bookings.sales import book, confirmed, let_hold_run_out, query
from tests.conftest import Api, agency_api
from tests.orders.shop import order, product
from tests.skybridge.staff import PASSWORD
from tests.ticketing import gates
from tests.ticketing.desk import named, sold, soon
from ticketing.models import BoardingPass

AGENTS = {"seller": False, "manager": True}  # and whether they manage the agency
A320 = {"aircraft_type": "A320-214", "seats": 150}
PARTY = [named(), named(given_name="Byron")]
CREW = [{"surname": surname, "given_name": "Sam"} for surname in ("Hopper", "Turing", "Boole", "Noether")]


@dataclass(frozen=True)
class Trade:
    """`handler` works at our gates.

    `out`, `later` and `full` (the same day), `next_day` and `back` are of one route; `near` can be checked in for, and
    `boarding` boards, with its `passes`. Of the bookings `held` is pending, `over` was, and the others are sold;
    `broken` is an order.
    """

    handler: Api
    out: Flight
    later: Flight
    next_day: Flight
    back: Flight
    near: Flight
    boarding: Flight
    full: Flight
    held: dict
    over: dict
    served: dict
    leaving: dict
    family: dict
    pair: dict
    known: dict
    spare: dict
    trip: dict
    wide: dict
    broken: str
    passes: list[BoardingPass]


def build(seller: Api, plan: Plan) -> Trade:
    hire(seller)
    product("BAG23", "35.00", rfic="C", rfisc="0CC", category="baggage", name="First bag")
    product("SEATEXIT", "49.00", rfic="A", rfisc="0B5", category="seat", name="Exit row seat")
    flights = route()
    near, boarding = soon("EWR", "SFO", hours=6, number=230, **A320), soon("EWR", "SFO", number=231)
    out, back = flights["out"], flights["back"]
    contact: dict[str, Any] = {"contact": {"email": "ada@example.com"}}
    return Trade(
        handler=agency_api("Browser Handling", plan, is_ground_handler=True),
        **flights,
        near=near,
        full=filled(factories.flight("EWR", "SFO", number=213, departs_at=out.departs_at - timedelta(hours=1))),
        boarding=boarding,
        held=held_long(book(seller, out, passengers=PARTY, **contact)),
        over=run_out(book(seller, out, passengers=PARTY, user_id="C-77")),
        served=sold(seller, out, back, party="ADT ADT", **contact),
        leaving=sold(seller, out, party="ADT ADT"),
        family=sold(seller, near, party="ADT ADT", **contact),
        pair=sold(seller, near, party="ADT ADT"),
        known=confirmed(seller, near, passengers=[{"surname": "Curie", "given_name": "Marie"}]),
        spare=confirmed(seller, near, passengers=[{"surname": "Meitner", "given_name": "Lise"}]),
        trip=sold(seller, out, user_id="C-77"),
        wide=sold(seller, factories.flight("EWR", "SFO", number=214, aircraft_type="B777-300ER", seats=350)),
        broken=order(seller, ("CASE", 1))["order_id"],
        passes=gates.check_in(seller, boarding, *CREW, minutes=40),
    )


def hire(seller: Api) -> None:
    password = make_password(PASSWORD)
    for name, is_manager in AGENTS.items():
        user = User.objects.create(username=name, password=password)
        Agent.objects.create(user=user, agency_id=seller.id, is_manager=is_manager)


def route() -> dict[str, Flight]:
    """Fly from New York to San Francisco in five days, twice, again the day after, and back after three days."""
    day = (timezone.now() + timedelta(days=5)).replace(hour=14, minute=0, second=0, microsecond=0)
    there = {"out": (210, day), "later": (211, day + timedelta(hours=4)), "next_day": (212, day + timedelta(days=1))}
    made = {
        name: factories.flight("EWR", "SFO", number=number, departs_at=at, **A320)
        for name, (number, at) in there.items()
    }
    made["back"] = factories.flight("SFO", "EWR", number=220, departs_at=day + timedelta(days=3, hours=4), **A320)
    return made


def held_long(booking: dict) -> dict:
    """Let a hold last for as long as the tests may take."""
    until = timezone.now() + timedelta(hours=4)
    query("UPDATE bookings_booking SET expires_at = %s WHERE id = %s", until, booking["booking_id"])
    query("UPDATE flights_seathold SET expires_at = %s WHERE booking_id = %s", until, booking["booking_id"])
    return booking


def run_out(booking: dict) -> dict:
    let_hold_run_out(booking["booking_id"])
    return booking


def filled(flight: Flight) -> Flight:
    FlightCabin.objects.filter(flight=flight).update(free=0, sold=100)
    return flight


def typed(day: date) -> str:
    """Return a day as it is typed into a field."""
    return f"{day:%m%d%Y}"
