"""The seats of a flight: who has which, and giving the passengers of a booking theirs.

    seat_party(flight_id, cabin, coupons, wanted, prices=..., assign_rest=..., actor=..., at=...)

Whoever gives seats locks the flight's departure first, so that each sees what the others have taken: two lap infants in
one block break no constraint. Of seats the constraint `seat_once` has the last word, whoever writes them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, OuterRef, Value, When

from flights.exceptions import FlightNotFound
from flights.models import BlockedSeat, Flight, FlightCabin
from flights.seating import Refusal, Sitter, assign_near, check_choice, seat_price, sitters
from flights.seatmaps import SeatMap, keeping, seat_map
from skybridge import events
from skybridge.constraints import violates
from skybridge.events import Actor
from skybridge.exceptions import ConcurrentChange
from skybridge.money import as_number
from ticketing.exceptions import (
    AlreadyBoarded,
    CouponUsed,
    ExitRow,
    FlightCancelled,
    FlightClosed,
    FlightDeparted,
    InfantRow,
    NoSeatLeft,
    NoSeatNeeded,
    OtherCabin,
    SeatBlocked,
    SeatNotPaid,
    SeatRefused,
    SeatTaken,
    TicketNotValid,
    UnknownSeat,
)
from ticketing.models import Coupon, Departure, Emd, PassengerType

ATTEMPTS = 3
EXIT_ROW_AGE = 15  # Source: 14 CFR 121.585
# A booking's lap infants are with its first adults, as `flights.seating.sitters` has it. What a hold that has run out
# has taken is free, but for the constraint: it must be released first. An order's hold is the order's to release.
OCCUPANTS = """
SELECT id, booking_id, seat, with_infant, has_run_out FROM (
    SELECT k.id, t.booking_id, k.seat, k.cabin,
        t.passenger_type = 'ADT'
        AND row_number() OVER (PARTITION BY t.booking_id, t.passenger_type ORDER BY t.position)
            <= count(*) FILTER (WHERE t.passenger_type = 'INF') OVER (PARTITION BY t.booking_id) AS with_infant,
        b.status = 'pending' AND b.order_id IS NULL AND b.expires_at <= %(at)s AS has_run_out
    FROM ticketing_coupon k
    JOIN ticketing_ticket t ON t.id = k.ticket_id
    JOIN bookings_booking b ON b.id = t.booking_id
    WHERE k.flight_id = %(flight_id)s AND k.status IN ('O', 'C', 'L', 'F')
) k WHERE seat IS NOT NULL
"""
REFUSALS: Mapping[Refusal, type[SeatRefused]] = {
    Refusal.UNKNOWN_SEAT: UnknownSeat,
    Refusal.OTHER_CABIN: OtherCabin,
    Refusal.BLOCKED: SeatBlocked,
    Refusal.TAKEN: SeatTaken,
    Refusal.EXIT_ROW: ExitRow,
    Refusal.INFANT_ROW: InfantRow,
}


class SeatPrice(NamedTuple):
    amount: Decimal
    currency: str


class Occupant(NamedTuple):
    """Who has a seat. `has_run_out`: by a hold whose deadline has passed."""

    coupon_id: UUID
    booking_id: UUID
    seat: str
    with_infant: bool
    has_run_out: bool


class FlightSeats(NamedTuple):
    """A flight with its seats, and who has them at a moment."""

    flight: Flight
    seat_map: SeatMap
    occupants: Sequence[Occupant]


def read_seats(flight_id: UUID, *, at: datetime) -> FlightSeats:
    """Return a flight's seats and who has them. Two statements. Raises FlightNotFound."""
    found = next(iter(read_empty_seats([flight_id]).values()), None)
    if found is None:
        raise FlightNotFound
    with connection.cursor() as cursor:
        cursor.execute(OCCUPANTS, {"flight_id": flight_id, "at": at})
        return found._replace(occupants=[Occupant._make(row) for row in cursor.fetchall()])


def read_empty_seats(flight_ids: Sequence[UUID]) -> dict[UUID, FlightSeats]:
    """Return the seats of flights by id, and nobody in them. One statement."""
    kept = ArraySubquery(BlockedSeat.objects.filter(flight=OuterRef("flight")).values("seat"))
    cabins: defaultdict[UUID, list] = defaultdict(list)
    for cabin in FlightCabin.objects.filter(flight__in=flight_ids).select_related("flight").annotate(kept=kept):
        cabins[cabin.flight_id].append(cabin)
    return {flight_id: empty_seats(found) for flight_id, found in cabins.items()}


def empty_seats(cabins: Sequence[Any]) -> FlightSeats:
    """Return the seats of one flight's cabins, which know the seats that are kept from passengers."""
    flight, kept = cabins[0].flight, cabins[0].kept
    drawn = seat_map(flight.aircraft_type, {cabin.cabin: cabin.capacity for cabin in cabins})
    return FlightSeats(flight, keeping(drawn, kept) if kept else drawn, ())


def lock_departure(flight_id: UUID) -> Departure:
    """Lock a flight's departure, which is made when it is needed first."""
    locked = Departure.objects.select_for_update(of=("self",))
    found = locked.filter(pk=flight_id).first()
    if found is None:
        Departure.objects.bulk_create([Departure(flight_id=flight_id)], ignore_conflicts=True)
        found = locked.get(pk=flight_id)
    return found


def seat_party(
    flight_id: UUID,
    cabin: str,
    coupons: Sequence[Coupon],
    wanted: Mapping[UUID, str],
    *,
    prices: Mapping[str, SeatPrice],
    assign_rest: bool = False,
    actor: Actor,
    at: datetime,
) -> dict[UUID, str]:
    """Give the passengers of a locked booking seats on one flight, all or nothing; return all their seats by coupon id.

    `coupons` are all live coupons of the booking on that flight and cabin, lap infants' too, locked, with their
    tickets (`select_related("ticket")`). `wanted` maps coupon ids to seat numbers; a party may trade its own seats.
    With `assign_rest` those without a seat, or with one that is not theirs any more on this aircraft, get seats that
    keep them together, free of charge. `prices` are those of the products that seats are sold as
    (`orders.seats.seat_prices(caller)`; {} charges nothing, as for staff).

    Writes `Coupon.seat`, on the objects too. Locks the departure. Raises the subclasses of SeatRefused (with `seat`,
    `ticket_id`), FlightCancelled, FlightDeparted, FlightClosed, CouponUsed, AlreadyBoarded or TicketNotValid. Called
    within `bookings.expiry.with_overdue_released`, seats of holds that have run out are free too. Eight statements at
    most, whatever the party.
    """
    departure = lock_departure(flight_id)
    for _ in range(ATTEMPTS):
        seats = read_seats(flight_id, at=at)
        check_flight(seats.flight, departure, at)
        plan = SeatingPlan(seats, cabin, coupons)
        plan.keep(wanted, checked=assign_rest)
        plan.choose(wanted, prices)
        if assign_rest:
            plan.assign_rest()
        if write_seats(coupons, plan.seats, actor=actor, at=at):
            return plan.seats
    raise ConcurrentChange


def check_new_party(
    flight_id: UUID, coupons: Sequence[Coupon], *, prices: Mapping[str, SeatPrice], at: datetime
) -> None:
    """Refuse seats that a new booking's coupons on one flight cannot have. Raises as `seat_party`.

    Locks the departure, so that the seats are still free when the coupons are written in the same transaction.
    """
    wanted = {coupon.pk: coupon.seat for coupon in coupons if coupon.seat}
    for coupon in coupons:
        coupon.seat = None
    departure, seats = lock_departure(flight_id), read_seats(flight_id, at=at)
    check_flight(seats.flight, departure, at)
    SeatingPlan(seats, coupons[0].cabin, coupons).choose(wanted, prices)


def check_flight(flight: Flight, departure: Departure, at: datetime) -> None:
    """Refuse a flight on which nobody is seated any more. Raises FlightCancelled, FlightDeparted or FlightClosed."""
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled
    if flight.status == Flight.Status.DEPARTED or flight.departs_at <= at:
        raise FlightDeparted
    if departure.closed_at:
        raise FlightClosed


def check_movable(coupon: Coupon) -> None:
    """Refuse a passenger who keeps the seat. Raises NoSeatNeeded, AlreadyBoarded, CouponUsed or TicketNotValid."""
    if not coupon.takes_seat:
        raise NoSeatNeeded(ticket_id=coupon.ticket_id)
    if coupon.status == Coupon.Status.LIFTED:
        raise AlreadyBoarded(ticket_id=coupon.ticket_id)
    if coupon.status == Coupon.Status.FLOWN:
        raise CouponUsed(ticket_id=coupon.ticket_id)
    if coupon.status not in (Coupon.Status.OPEN, Coupon.Status.CHECKED_IN):
        raise TicketNotValid(ticket_id=coupon.ticket_id)


class SeatingPlan:
    """The seats of a party on a flight, as they are being worked out; nothing is written here."""

    def __init__(self, flight_seats: FlightSeats, cabin: str, coupons: Sequence[Coupon]):
        self.seat_map, self.cabin = flight_seats.seat_map, cabin
        self.coupons = sorted(coupons, key=lambda coupon: coupon.ticket.position)
        self.sitters = sitters_of(self.coupons, flight_seats.flight.departure_date)
        self.others = [o for o in flight_seats.occupants if o.coupon_id not in {k.pk for k in coupons}]
        self.taken = {o.seat for o in self.others}
        self.with_infant = {o.seat for o in self.others if o.with_infant}
        self.seats: dict[UUID, str] = {}

    def put(self, coupon: Coupon, number: str) -> None:
        self.seats[coupon.pk] = number
        self.taken.add(number)
        if self.sitters[coupon.pk].with_infant:
            self.with_infant.add(number)

    def refusal(self, coupon: Coupon, number: str) -> Refusal | None:
        sitter = self.sitters[coupon.pk]
        return check_choice(self.seat_map, self.cabin, number, sitter, self.taken, self.with_infant)

    def keep(self, wanted: Mapping[UUID, str], *, checked: bool) -> None:
        """Leave those who want no other seat where they are; if checked, only where they still may sit."""
        for coupon in self.coupons:
            if coupon.seat and coupon.pk not in wanted:
                may_go = checked and coupon.status == Coupon.Status.OPEN
                if not may_go or self.refusal(coupon, coupon.seat) is None:
                    self.put(coupon, coupon.seat)

    def choose(self, wanted: Mapping[UUID, str], prices: Mapping[str, SeatPrice]) -> None:
        """Give passengers the seats that they want. Raises a subclass of SeatRefused."""
        for coupon in self.coupons:
            if number := wanted.get(coupon.pk):
                check_movable(coupon)
                if refusal := self.refusal(coupon, number):
                    self.refuse(coupon, number, refusal)
                self.check_paid(coupon, number, prices)
                self.put(coupon, number)

    def refuse(self, coupon: Coupon, number: str, refusal: Refusal) -> NoReturn:
        """Raise a refusal; it names the holds whose release may help."""
        overdue = {
            Refusal.TAKEN: [o.booking_id for o in self.overdue if o.seat == number],
            Refusal.INFANT_ROW: [o.booking_id for o in self.overdue if o.with_infant],
        }
        raise REFUSALS[refusal](seat=number, ticket_id=coupon.ticket_id, overdue_bookings=overdue.get(refusal, ()))

    @property
    def overdue(self) -> list[Occupant]:
        return [o for o in self.others if o.has_run_out]

    def check_paid(self, coupon: Coupon, number: str, prices: Mapping[str, SeatPrice]) -> None:
        product_id = product_of(self.seat_map, number)
        price = prices.get(product_id) if product_id and number != coupon.seat else None
        if price and (coupon.pk, product_id) not in self.paid:
            raise SeatNotPaid(
                seat=number, ticket_id=coupon.ticket_id,
                product_id=product_id, price=as_number(price.amount), currency=price.currency,
            )  # fmt: skip

    @cached_property
    def paid(self) -> set[tuple[UUID | None, str]]:
        return paid_products(self.coupons)

    @property
    def exits(self) -> set[str]:
        return {seat.number for seat in self.seat_map.cabin(self.cabin).seats if seat.is_exit}

    def assign_rest(self) -> None:
        """Seat those who have no seat yet together, near the others. Raises NoSeatLeft."""
        rest = [k for k in self.coupons if k.takes_seat and k.status in SEATABLE and k.pk not in self.seats]
        rest.sort(key=lambda coupon: not self.sitters[coupon.pk].with_infant)  # `assign` gives infants to the first
        party = [self.sitters[coupon.pk] for coupon in rest]
        types = [PassengerType.ADULT if one.with_infant else one.passenger_type for one in party]
        types += [PassengerType.INFANT] * sum(one.with_infant for one in party)
        near, exits = set(self.seats.values()), self.exits if any(one.infant_in_party for one in party) else set()
        found = assign_near(self.seat_map, self.cabin, types, self.taken | exits, self.with_infant, near=near)
        if found is None:
            raise NoSeatLeft(overdue_bookings=[o.booking_id for o in self.overdue])
        for coupon, number in zip(rest, found, strict=True):
            self.put(coupon, number)


SEATABLE = (Coupon.Status.OPEN, Coupon.Status.CHECKED_IN)


def sitters_of(coupons: Iterable[Coupon], day: date) -> dict[UUID, Sitter]:
    """Return who sits on each coupon's seat, lap infants with the first adults of their booking."""
    parties: defaultdict[UUID, list[Coupon]] = defaultdict(list)
    for coupon in coupons:
        parties[coupon.ticket.booking_id].append(coupon)
    return {
        coupon.pk: sitter if is_grown_up(coupon, day) else sitter._replace(passenger_type=PassengerType.CHILD)
        for party in parties.values()
        for coupon, sitter in zip(
            [k for k in party if k.ticket.passenger_type != PassengerType.INFANT],
            sitters([k.ticket.passenger_type for k in party]),
            strict=True,
        )
    }


def is_grown_up(coupon: Coupon, day: date) -> bool:
    """Tell whether a passenger may sit at an exit by age, as far as it is known."""
    born = coupon.ticket.birth_date
    return born is None or day.year - born.year - ((day.month, day.day) < (born.month, born.day)) >= EXIT_ROW_AGE


def product_of(drawn: SeatMap, number: str) -> str | None:
    """Return the id of the product that a seat is sold as, or None where it is free or not there."""
    found = drawn.find(number)
    return seat_price(found[1], found[0]) if found else None


def paid_products(coupons: Iterable[Coupon]) -> set[tuple[UUID | None, str]]:
    """Return the coupons and products for which there is an issued EMD: until its order is paid it has no number."""
    issued = Emd.objects.filter(coupon__in=list(coupons), status__in=Emd.LIVE, number__isnull=False)
    return set(issued.values_list("coupon_id", "product_id"))


def take_back_seats(emds: Iterable[Emd], *, actor: Actor, at: datetime) -> set[UUID]:
    """Take the seats that closed EMDs were for from who has not checked in; return the ids of their bookings.

    Locks the coupons. Two statements, and two for each coupon.
    """
    closed: set[tuple[UUID | None, str | None]] = {(emd.coupon_id, emd.product_id) for emd in emds}
    open_ones = Coupon.objects.filter(status=Coupon.Status.OPEN, seat__isnull=False, flight__isnull=False)
    found = open_ones.filter(pk__in=[coupon_id for coupon_id, _ in closed]).select_related("ticket").order_by("pk")
    coupons = list(found.select_for_update(of=("self",)))
    unpaid = closed - paid_products(coupons) if coupons else set()
    maps = {k.flight_id: read_seats(k.flight_id, at=at).seat_map for k in coupons if k.flight_id}
    losing = [k for k in coupons if k.flight_id and k.seat and (k.pk, product_of(maps[k.flight_id], k.seat)) in unpaid]
    write_seats(losing, {}, actor=actor, at=at)
    return {coupon.ticket.booking_id for coupon in losing}


def write_seats(coupons: Iterable[Coupon], seats: Mapping[UUID, str], *, actor: Actor, at: datetime) -> bool:
    """Give locked coupons their new seats, or none; tell whether all of these were free."""
    moved = [coupon for coupon in coupons if coupon.seat != seats.get(coupon.pk)]
    if not moved:
        return True
    try:
        with transaction.atomic():
            replace_seats(moved, seats)
    except IntegrityError as exc:
        if not violates(exc, "seat_once"):
            raise
        return False
    record_seats(moved, seats, actor=actor, at=at)
    for coupon in moved:
        coupon.seat = seats.get(coupon.pk)
    return True


def replace_seats(moved: Sequence[Coupon], seats: Mapping[UUID, str]) -> None:
    """Clear seats, then set them: those who trade seats would meet on one for a moment. Two statements."""
    if seated := [coupon.pk for coupon in moved if coupon.seat]:
        Coupon.objects.filter(pk__in=seated).update(seat=None)
    if given := [When(pk=coupon.pk, then=Value(seats[coupon.pk])) for coupon in moved if coupon.pk in seats]:
        Coupon.objects.filter(pk__in=[coupon.pk for coupon in moved if coupon.pk in seats]).update(seat=Case(*given))


def record_seats(moved: Iterable[Coupon], seats: Mapping[UUID, str], *, actor: Actor, at: datetime) -> None:
    happenings = [
        events.Happening("coupon.seated", coupon.pk, {"seat": coupon.seat}, {"seat": seats.get(coupon.pk)})
        for coupon in moved
    ]
    events.record(happenings, actor=actor, at=at)
