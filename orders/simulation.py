"""The demo's sales: some of the coming week is sold, checked in and boarded, a flight is late and one is cancelled.

All of it goes through the services that partners, agents and gates use, so that everything that follows from a sale is
there as well. The dice are seeded; what they fall on depends on the flights that are coming. No time is moved: all is
sold now.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import connection
from django.utils import timezone

from bookings.documents import BookingView
from bookings.holds import Sale, hold_seats
from bookings.models import Booking
from bookings.parties import Passenger
from flights.borders import is_international
from flights.models import Flight, FlightCabin
from flights.offers import SELLABLE, Wish
from orders.boarding import board
from orders.checkin import check_in_booking
from orders.disruption.planning import Change
from orders.disruption.services import disrupt
from orders.emds import Tied
from orders.models import Disruption, Order
from orders.reservations import confirm_booking
from orders.sales import NewOrder, place_order
from partners.callers import Caller
from partners.models import Agency
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import DomainError
from skybridge.models import Event
from ticketing.models import Coupon, Departure
from ticketing.scans import Attempt

SEED = 2017
MARK = uuid5(NAMESPACE_URL, "urn:skybridge:demo-sales")  # the subject of the event that says it has been done
LOCK = MARK.int >> 65
ACTOR = Actor("system", "simulation", "command")
DESK = Caller("staff", "simulation", "command", is_staff=True)
GUEST = "demo-guest-"
SELLERS = ("Acme Travel", "PartnerCo")

# Nobody can take these for people.
SURNAMES = ("Sample", "Example", "Demo", "Specimen", "Muster", "Placeholder")
GIVEN_NAMES = (
    "Ada Alan Amara Anita Barbara Carl Chen Diego Dorothy Edsger Emmy Farid Grace Hana Ingrid Ivan Jean Joan Kamala "
    "Karen Leila Linus Luis Maria Mary Mei Noor Olga Omar Priya Radia Rosa Sofia Tim Yuki Zoe"
)
PARTIES = {1: 25, 2: 30, 3: 12, 4: 13, 6: 8, 9: 12}  # how many of a hundred parties have so many seats
EXTRAS = ("BAG1", "BAG1", "SEATPREF", "MEALVEG", "WIFI", "LOUNGE", "FASTTRACK")
BAD_CARDS = ("tok_decline", "tok_insufficient_funds")


@dataclass(frozen=True)
class Plan:
    """How much is sold: flights that leave soon and later today, each to a share, and single bookings of the week."""

    soon: int = 8
    later: int = 8
    bookings_ahead: int = 150
    declined: int = 4
    pause: float = 0.01  # seconds between sales, so that the demo's visitors come first


class Coming(NamedTuple):
    """A cabin that can be sold."""

    flight_id: UUID
    route: tuple[str, str]
    departs_at: datetime
    capacity: int
    free: int


def ignore(order_id: UUID) -> None:
    """Leave an order's execution to the worker."""


@dataclass
class Simulation:
    """One run. `carry_on` is told of each order that a worker is to process."""

    plan: Plan = Plan()
    carry_on: Callable[[UUID], None] = ignore
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    done: Counter[str] = field(default_factory=Counter)
    left_out: int = 0  # sales that an earlier run has made

    def run(self) -> Counter[str]:
        """Sell and do all of it; return what was done how often. Stopped at any moment it leaves nothing half done."""
        self.callers = sellers()
        soon, later, ahead = self.choose(coming_flights(timezone.now()))
        if not self.callers or not soon:
            return self.done
        for cabin in soon:
            self.fill(cabin, self.dice.uniform(0.6, 0.95))
        for cabin in later:
            self.fill(cabin, self.dice.uniform(0.2, 0.55))
        for _ in range(self.plan.bookings_ahead if ahead else 0):
            self.sell(self.dice.choice(ahead), self.dice.choice((1, 1, 1, 2, 2, 4)))
        for _ in range(self.plan.declined):
            self.sell(self.dice.choice(ahead or later or soon), 2, token=self.dice.choice(BAD_CARDS))
        self.check_passengers_in(soon, 0.95)
        self.check_passengers_in(later, 0.4)
        self.disrupt_two(soon, later)
        self.board_passengers(soon)
        return self.done

    def choose(self, cabins: Sequence[Coming]) -> tuple[Sequence[Coming], Sequence[Coming], Sequence[Coming]]:
        """Return the cabins to fill soon, those of later today, and those of the days ahead."""
        soon, rest = cabins[: self.plan.soon], cabins[self.plan.soon :]
        today = [cabin for cabin in rest if cabin.departs_at < cabins[0].departs_at + timedelta(hours=10)]
        later = self.dice.sample(today, min(self.plan.later, len(today)))
        days = [cabin for cabin in rest if cabin.departs_at >= cabins[0].departs_at + timedelta(hours=24)]
        return soon, sorted(later, key=lambda cabin: cabin.departs_at), days

    # --- Selling ---

    def fill(self, cabin: Coming, share: float) -> None:
        """Sell a cabin to a share of its seats."""
        left = min(round(cabin.capacity * share), cabin.free)
        while left > 0:
            seats = min(self.dice.choices(list(PARTIES), list(PARTIES.values()))[0], left)
            left -= seats
            self.sell(cabin, seats)

    def sell(self, cabin: Coming, seats: int, token: str = "") -> None:
        """Sell one party its seats, one in four by card and with something besides."""
        by_card = bool(token) or self.dice.random() < 0.25
        caller, party = self.dice.choice(self.callers), self.party(seats)
        extra, user = self.dice.choice(EXTRAS), f"{GUEST}{self.dice.getrandbits(32):08x}"
        if self.left_out:
            self.left_out -= 1
            return
        with self.attempt("booking"):
            sale = Sale([Wish(flight_id=cabin.flight_id)], party, caller.agency_id, caller.agency_name, user)
            view: BookingView = hold_seats(sale, actor=caller, answer=lambda view: view)  # type: ignore[arg-type, return-value, assignment]
            if by_card:
                self.order(view, user, extra, token or "tok_success", caller)
            else:
                confirm_booking(view.booking.id, caller=caller)
        time.sleep(self.plan.pause)

    def order(self, view: BookingView, user: str, extra: str, token: str, caller: Caller) -> None:
        """Sell a held booking and something for its first passenger on an order that a card pays."""
        tied = [Tied(extra, 1, view.tickets[0][0].id)]
        order = place_order(
            NewOrder(
                caller.agency_id, user, {}, [view.booking.id], payment_method=Order.PaymentMethod.CARD,
                payment_token=token, tied=tied,
            ),
            caller=caller,
        )  # fmt: skip
        self.done["order by card"] += 1
        self.carry_on(order.pk)

    def party(self, seats: int) -> list[Passenger]:
        surname = self.dice.choice(SURNAMES)
        return [Passenger(surname=surname, given_name=name) for name in self.dice.sample(GIVEN_NAMES.split(), seats)]

    def attempt(self, name: str) -> "Attempted":
        return Attempted(self.done, name)

    # --- The day of departure ---

    def check_passengers_in(self, cabins: Sequence[Coming], share: float) -> None:
        """Check a share of the bookings in, whole bookings, where check-in is open."""
        at = timezone.now()
        for place, cabin in enumerate(cabins):
            gate = f"{'ABC'[place % 3]}{place * 7 % 30 + 1}"
            Departure.objects.get_or_create(flight_id=cabin.flight_id, defaults={"gate": gate})
            for booking_id in confirmed_on(cabin.flight_id) if cabin.departs_at < at + settings.CHECK_IN_OPENS else ():
                if self.dice.random() < share:
                    with self.attempt("check-in"):
                        check_in_booking(booking_id, caller=DESK, at=timezone.now())
                    time.sleep(self.plan.pause)

    def board_passengers(self, cabins: Sequence[Coming]) -> None:
        """Board the flights that leave first, the first one almost completely."""
        for place, cabin in enumerate(cabins[: len(cabins) // 2]):
            share = 0.9 - place * 0.25
            for barcode in good_passes(cabin.flight_id):
                if self.dice.random() < share:
                    attempt = Attempt(barcode, nonce=f"demo-{self.dice.getrandbits(64):x}")
                    with self.attempt("scan"):
                        board(cabin.flight_id, attempt, caller=DESK, at=timezone.now())
                    time.sleep(self.plan.pause / 3)

    def disrupt_two(self, soon: Sequence[Coming], later: Sequence[Coming]) -> None:
        """Delay a flight that leaves soon, so long that its passengers are asked; cancel one of later today."""
        delayed, rest = soon[-1], later or soon[:-1]
        leaves = Flight.objects.get(pk=delayed.flight_id)
        late = timedelta(minutes=self.dice.choice((190, 205, 220)))
        change = Change(
            Disruption.Kind.DELAY, "Late arrival of the aircraft", leaves.departs_at + late, leaves.arrives_at + late
        )
        with self.attempt("delay"):
            disrupt(delayed.flight_id, change, actor=DESK, at=timezone.now())
        if rest:
            change = Change(Disruption.Kind.CANCELLATION, "Aircraft out of service")
            with self.attempt("cancellation"):
                disrupt(hardest_to_replace(rest), change, actor=DESK, at=timezone.now())


class Attempted:
    """Count what succeeds, and what is refused: somebody else may be using the demo."""

    def __init__(self, done: Counter[str], name: str):
        self.done, self.name = done, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, refusal, traceback) -> bool:
        if kind is None:
            self.done[self.name] += 1
            return False
        self.done[f"{self.name} refused"] += 1
        return issubclass(kind, DomainError)


def simulate_once(simulation: Simulation) -> Counter[str] | None:
    """Run a simulation to its end once in a database; None where that has been, or another process is at it.

    One that was stopped goes on: as many sales as were made are left out.
    """
    with only_one() as is_mine:
        if not is_mine or Event.objects.filter(subject_id=MARK).exists():
            return None
        simulation.left_out = Booking.objects.filter(user_id__startswith=GUEST).count()
        done = simulation.run()
        record([Happening("demo.sold", MARK, after=dict(done))], actor=ACTOR, at=timezone.now())
        return done


@contextmanager
def only_one() -> Iterator[bool]:
    """Tell whether this is the only run; the lock ends with the connection at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s::bigint)", [LOCK])
        [is_mine] = cursor.fetchone()
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(%s::bigint)", [LOCK])


# --- Reading ---


def sellers() -> list[Caller]:
    agencies = Agency.objects.filter(name__in=SELLERS, is_active=True).order_by("name")
    return [Caller("agency", str(agency.pk), "command", agency.pk, agency.name) for agency in agencies]


def coming_flights(at: datetime) -> list[Coming]:
    """Return the economy cabins on sale that leave within a week and within the country, in order."""
    first = at + settings.SALES_CLOSE_BEFORE_DEPARTURE + timedelta(minutes=3)
    rows = FlightCabin.objects.filter(
        cabin="Y", on_sale=True, free__gt=0, fare__currency=settings.CURRENCY, flight__status__in=SELLABLE,
        flight__departs_at__gte=first, flight__departs_at__lt=at + timedelta(days=7),
    ).order_by("flight__departs_at", "flight")  # fmt: skip
    columns = (
        "flight__origin__country", "flight__destination__country", "flight", "flight__origin", "flight__destination",
        "flight__departs_at", "capacity", "free",
    )  # fmt: skip
    return [
        Coming(pk, (origin, to), *rest)
        for leaves, reaches, pk, origin, to, *rest in rows.values_list(*columns)
        if not is_international(leaves, reaches)
    ]


def confirmed_on(flight_id: UUID) -> Iterator[UUID]:
    on_flight = Booking.objects.on_flight(flight_id).filter(status=Booking.Status.CONFIRMED)
    return iter(list(on_flight.order_by("pk").values_list("pk", flat=True)))


def good_passes(flight_id: UUID) -> list[str]:
    """Return the bar codes of those who have checked in for a flight."""
    checked_in = Coupon.objects.filter(
        flight=flight_id, status=Coupon.Status.CHECKED_IN, boarding_passes__ended_at=None
    )
    barcodes = checked_in.order_by("boarding_passes__sequence_number").values_list(
        "boarding_passes__barcode", flat=True
    )
    return [barcode for barcode in barcodes if barcode]


def hardest_to_replace(cabins: Sequence[Coming]) -> UUID:
    """Return the flight whose route has the fewest others in the next days, so that somebody has to choose."""
    at = min(cabin.departs_at for cabin in cabins)
    coming = Flight.objects.filter(departs_at__range=(at, at + settings.REACCOMMODATION_WINDOW))
    others = Counter(coming.values_list("origin", "destination"))
    return min(cabins, key=lambda cabin: (others[cabin.route], -cabin.capacity)).flight_id
