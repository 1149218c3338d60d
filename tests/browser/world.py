"""The airline of the browser tests: every list has a row, every role has a user, every act has something to act on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils import timezone

from flights.localtime import zone
from flights.models import BlockedSeat, Flight
from orders import workflow
from orders.departures import close_flight
from orders.models import Backup
from partners.models import Agency, ApiKey, Plan
from skybridge.roles import ROLES
from tests import factories
from tests.bookings.sales import book
from tests.browser import trade
from tests.browser.chromium import Window
from tests.conftest import Api, agency_api
from tests.orders.shop import order, product
from tests.skybridge.office import fill
from tests.skybridge.staff import PASSWORD, user_with
from tests.ticketing.desk import check_in, sold, soon, ticket_ids, try_undo
from tests.ticketing.gates import STAFF, leave_in
from ticketing.models import BoardingPass, Coupon

PEOPLE = ("head", *ROLES)


@dataclass
class World:
    base: str
    seller: Api
    flight: Flight
    later: Flight
    booking: dict
    boarding: dict
    order: dict
    things: dict[str, Any]
    trade: trade.Trade

    def sign_in(self, window: Window, name: str, password: str = PASSWORD) -> None:
        """Sign somebody in by the form: the back office's, or that of the agents' and travellers' pages."""
        window.open("/login/" if name in trade.AGENTS else "/admin/login/")
        window.page.fill("#id_username", name)
        window.page.fill("#id_password", password)
        window.page.click("form:has(#id_password) [type=submit]")


def build(base: str) -> World:
    """Write everything down, so that the web server sees it."""
    hired()
    fill(4)
    plan = Plan.objects.create(name="browser", rate=100_000, burst=100_000)
    seller = agency_api("Browser Travel", plan)
    flight = soon(number=123, seats={"J": 8, "Y": 60})
    later = factories.flight(number=124)
    product("CASE", "30.00", rfic="C", name="Checked bag")
    boarding = sold(seller, flight, party="ADT CHD")
    check_in(seller, boarding)
    booking, placed = sold(seller, later), order(seller, ("CASE", 1), book(seller, later))
    departs = later.departs_at.astimezone(zone("America/New_York")) + timedelta(hours=2)
    things = {
        **bookings_of(seller, flight, later),
        **flights_of(seller),
        **orders_of(seller, later),
        **passengers_of(seller, flight),
        **keys_of(),
        "good_pass": BoardingPass.objects.get(coupon__ticket__booking=boarding["booking_id"]).pk,
        "plan": plan.pk,
        "departs": f"{departs:%Y-%m-%dT%H:%M}",
        "arrives": f"{departs + timedelta(hours=9):%Y-%m-%dT%H:%M}",
    }
    return World(base, seller, flight, later, booking, boarding, placed, things, trade.build(seller, plan))


def bookings_of(seller: Api, soon: Flight, later: Flight) -> dict[str, Any]:
    """Make bookings that wait for what is done to them; `kept` stays as it is, with its ticket and coupon."""
    made = {name: book(seller, later) for name in ("held", "lasting", "short_0", "short_1")}
    made |= {name: sold(seller, later) for name in ("changed", "unwanted_one", "refunded", "waived", "kept")}
    made["leaving"] = sold(seller, soon, party="ADT ADT")
    [early] = ticket_ids(made["kept"])
    tied = {"early_ticket": early, "early_coupon": Coupon.objects.get(ticket=early).pk}
    return {name: booking["booking_id"] for name, booking in made.items()} | tied


def flights_of(seller: Api) -> dict[str, UUID]:
    names = (
        "delayed",
        "retimed",
        "refitted",
        "seated",
        "blocked",
        "closed",
        "reopened",
        "cancelled",
        "grounded",
        "flown",
    )
    made = {name: flown_by_few(seller, 130 + number) for number, name in enumerate(names)}
    for name in ("closed", "reopened"):
        leave_in(made[name], 30)
    close_flight(made["reopened"].pk, caller=STAFF, at=timezone.now())
    for seat in ("3A", "3C"):
        BlockedSeat.objects.create(flight=made["blocked"], seat=seat, reason="Broken.")
    for name, status in (("grounded", Flight.Status.CANCELLED), ("flown", Flight.Status.DEPARTED)):
        Flight.objects.filter(pk=made[name].pk).update(status=status)
    return {name: flight.pk for name, flight in made.items()}


def flown_by_few(seller: Api, number: int) -> Flight:
    """Sell a flight once, and return it."""
    flight = factories.flight(number=number)
    sold(seller, flight)
    return flight


def orders_of(seller: Api, flight: Flight) -> dict[str, Any]:
    """Make orders: one to cancel, one to stop, and three whose cards were declined."""
    names = ("unwanted", "running", "failed", "failed_0", "failed_1")
    made = {name: order(seller, ("CASE", 1))["order_id"] for name in names}
    for name in ("failed", "failed_0", "failed_1"):
        attempt = workflow.begin(made[name])
        workflow.finish(attempt, workflow.Failure("payment_declined", "No funds.", is_final=True))
    return made | {"backup": Backup.objects.filter(stream=made["unwanted"]).latest("pk").pk}


def passengers_of(seller: Api, flight: Flight) -> dict[str, Any]:
    """Sell nine seats, check in all but two, the last for a moment; return each passenger's ticket, coupon and pass."""
    tickets = ticket_ids(party := sold(seller, flight, party="ADT " * 9))
    for place in (1, 2, 4, 5, 6, 7, 8):
        check_in(seller, party, place)
    try_undo(seller, party, 8)
    coupons = dict(Coupon.objects.filter(ticket__in=tickets).values_list("ticket__position", "pk"))
    passes = dict(
        BoardingPass.objects.filter(coupon__in=coupons.values()).values_list("coupon__ticket__position", "pk")
    )
    things = {"ticket": dict(enumerate(tickets, 1)), "coupon": coupons, "pass": passes}
    return {f"{name}_{position - 1}": pk for name, row in things.items() for position, pk in row.items()}


def keys_of() -> dict[str, Any]:
    agencies = [Agency.objects.get(name=f"Agency {n:03}").pk for n in range(4)]
    key, lost = (ApiKey.objects.get(agency=agency).pk for agency in agencies[1:3])
    return {"agency": agencies[0], "new_agency": agencies[3], "key": key, "lost_key": lost}


def hired() -> None:
    password = make_password(PASSWORD)
    people = [User.objects.create_superuser("head")]
    people += [user_with(role, name=role) for role in (*ROLES,)]
    people += [user_with("viewer", name=name) for name in ("locked", "careful")] + [
        user_with("supervisor", name="deputy")
    ]
    for person in people:
        person.password = password
    User.objects.bulk_update(people, ["password"])
