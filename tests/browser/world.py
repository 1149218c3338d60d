"""The airline of the browser tests: every list has a row, every role has a user, every act has something to act on."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from flights.models import Flight
from partners.models import Agency, ApiKey, Plan
from skybridge.roles import ROLES
from tests import factories
from tests.bookings.sales import book
from tests.browser.chromium import Window
from tests.conftest import Api, agency_api
from tests.orders.shop import order, product
from tests.skybridge.office import fill
from tests.skybridge.staff import PASSWORD, user_with
from tests.ticketing.desk import check_in, sold, soon

PEOPLE = ("head", *ROLES)


@dataclass
class World:
    base: str
    seller: Api
    flight: Flight
    later: Flight
    held: dict
    booking: dict
    leaving: dict
    boarding: dict
    order: dict
    things: dict[str, Any]

    def sign_in(self, window: Window, name: str, password: str = PASSWORD) -> None:
        window.open("/admin/login/")
        window.page.fill("#id_username", name)
        window.page.fill("#id_password", password)
        window.page.click("#login-form [type=submit]")


def build(base: str) -> World:
    """Write everything down, so that the web server sees it."""
    hired()
    fill(3)
    plan = Plan.objects.create(name="browser", rate=100_000, burst=100_000)
    seller = agency_api("Browser Travel", plan)
    flight = soon(number=123, seats={"J": 8, "Y": 60})
    later = factories.flight(number=124)
    product("CASE", "30.00", rfic="C", name="Checked bag")
    boarding = sold(seller, flight, party="ADT CHD")
    check_in(seller, boarding)
    held = book(seller, later)
    booking, leaving = sold(seller, later), sold(seller, flight, party="ADT ADT")
    things = {
        "held": held["booking_id"],
        "booking": booking["booking_id"],
        "leaving": leaving["booking_id"],
        "delayed": flown_by_few(seller, 125),
        "cancelled": flown_by_few(seller, 126),
        "agency": Agency.objects.get(name="Agency 000").pk,
        "key": ApiKey.objects.get(agency=seller.id).pk,
    }
    placed = order(seller, ("CASE", 1), book(seller, later))
    return World(base, seller, flight, later, held, booking, leaving, boarding, placed, things)


def flown_by_few(seller: Api, number: int) -> UUID:
    """Sell a flight once, and return its id."""
    flight = factories.flight(number=number)
    sold(seller, flight)
    return flight.pk


def hired() -> None:
    password = make_password(PASSWORD)
    people = [User.objects.create_superuser("head")]
    people += [user_with(role, name=role) for role in (*ROLES,)]
    people += [user_with("viewer", name=name) for name in ("locked", "careful")]
    for person in people:
        person.password = password
    User.objects.bulk_update(people, ["password"])
