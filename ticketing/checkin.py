"""Check-in: which coupons, by which rules, and what becomes of them; and its undoing.

All on one booking that its caller has locked and found paid (`orders/checkin.py`). Coupons are locked here, then the
flights' departures, the airlines' bag tags last.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import takewhile
from uuid import UUID

from django.conf import settings
from django.db import connection

from flights.models import Flight
from partners.callers import Caller
from skybridge import context
from skybridge.times import utc_text
from ticketing import passes
from ticketing.bags import add_bags, bags_of, remove_bags
from ticketing.exceptions import (
    AdultNotCheckedIn,
    AlreadyBoarded,
    CheckInClosed,
    CheckInNotOpen,
    ChildrenCheckedIn,
    CouponUsed,
    FlightCancelled,
    FlightClosed,
    FlightDeparted,
    FlightNeeded,
    NameNeeded,
    NotCheckedIn,
    NotOnFlight,
    NotTicketed,
    OutOfSequence,
    TicketNotFound,
    TicketNotValid,
)
from ticketing.models import BoardingPass, Coupon, Departure, PassengerType
from ticketing.seats import SeatPrice, seat_party
from ticketing.services import move_coupons
from ticketing.travel_documents import Document, check_documents

ABOARD = (Coupon.Status.CHECKED_IN, Coupon.Status.LIFTED)
NOT_VALID = (Coupon.Status.EXCHANGED, Coupon.Status.REFUNDED, Coupon.Status.VOID)


@dataclass(frozen=True)
class Wish:
    """What a passenger wants: a seat on the first of the flights ("": any will do), bags on it by their weight in kg.

    The document is kept by whoever takes the wish.
    """

    ticket_id: UUID
    seat: str = ""
    bag_weights: Sequence[Decimal] = ()
    document: Document | None = None


@dataclass
class Pick:
    """A coupon that is to be checked in, or is already, with what is wanted on its flight."""

    coupon: Coupon
    seat: str = ""
    bag_weights: Sequence[Decimal] = ()

    is_new: bool = field(init=False)
    changes: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_new = self.coupon.status == Coupon.Status.OPEN
        self.changes = self.is_new or bool(self.bag_weights) or self.moves

    @property
    def moves(self) -> bool:
        return bool(self.seat) and self.seat != self.coupon.seat


def lock_coupons(booking_id: UUID) -> list[Coupon]:
    """Lock the coupons of a booking's present tickets; return them by passenger, in order of travel. One statement."""
    found = Coupon.objects.filter(ticket__booking_id=booking_id, ticket__is_superseded=False, is_superseded=False)
    related = found.select_related("ticket", "flight__origin", "flight__destination", "flight__carrier")
    locked = related.order_by("pk").select_for_update(of=("self",))
    return sorted(locked, key=lambda coupon: (coupon.ticket.position, coupon.sequence))


def by_ticket(coupons: Iterable[Coupon]) -> dict[UUID, list[Coupon]]:
    found: dict[UUID, list[Coupon]] = defaultdict(list)
    for coupon in coupons:
        found[coupon.ticket_id].append(coupon)
    return found


# --- Checking in ---


def check_in(
    coupons: Sequence[Coupon],
    wishes: Sequence[Wish],
    *,
    event_id: UUID | None = None,
    prices: Mapping[str, SeatPrice],
    caller: Caller,
    at: datetime,
) -> bool:
    """Check passengers of a booking in, all or nothing, and tell whether anything has changed; `coupons` are all of it.

    On the flight named, else on each passenger's next one and on those after it whose check-in is open. Who is checked
    in already stays so, with another seat and more bags if wanted. `prices` as in `ticketing.seats.seat_party`. Raises
    TicketNotFound, a CheckInRefused or a SeatRefused.
    """
    picks = picked(coupons, wishes, event_id, at)
    for pick in picks:
        check_coupon(pick)
    changing = [pick for pick in picks if pick.changes]
    if not changing:
        return False
    check_flights(changing, caller, at)
    new = [pick.coupon for pick in changing if pick.is_new]
    check_passengers(new, coupons)
    numbers = draw_sequence_numbers(changing)
    take_seats(changing, coupons, prices, caller, at)
    write_down(changing, numbers, caller, at)
    return True


def picked(coupons: Sequence[Coupon], wishes: Sequence[Wish], event_id: UUID | None, at: datetime) -> list[Pick]:
    """Return the coupons that wishes are about, and what is wanted.

    Raises TicketNotFound, NotOnFlight or FlightNeeded.
    """
    tickets, picks = by_ticket(coupons), []
    for wish in wishes:
        if wish.ticket_id not in tickets:
            raise TicketNotFound
        first, *following = meant(tickets[wish.ticket_id], event_id, at)
        if first.flight is None and (wish.seat or wish.bag_weights):
            raise FlightNeeded(ticket_id=wish.ticket_id)
        picks += [Pick(first, wish.seat, wish.bag_weights), *map(Pick, following)]
    return picks


def meant(coupons: Sequence[Coupon], event_id: UUID | None, at: datetime) -> Sequence[Coupon]:
    """Return the coupons of a ticket that a check-in is about: the named one, or the next, and those open after it."""
    if event_id:
        named = [coupon for coupon in coupons if coupon.flight_id == event_id]
        if not named:
            raise NotOnFlight(ticket_id=coupons[0].ticket_id, event_id=event_id)
        return named
    ahead = [coupon for coupon in coupons if coupon.flight is None or not has_left(coupon.flight, at)]
    if not ahead:
        return coupons[-1:]
    first, *following = ahead
    return [first, *takewhile(lambda coupon: is_open(coupon, at), following)]


def has_left(flight: Flight, at: datetime) -> bool:
    return flight.status == Flight.Status.DEPARTED or flight.departs_at <= at


def is_open(coupon: Coupon, at: datetime) -> bool:
    """Tell whether a usable coupon's flight is open for everybody's check-in."""
    flight = coupon.flight
    if flight is None or flight.status == Flight.Status.CANCELLED or coupon.status not in (Coupon.Status.OPEN, *ABOARD):
        return False
    return opens_at(flight) <= at < closes_at(flight)


def opens_at(flight: Flight) -> datetime:
    return flight.departs_at - settings.CHECK_IN_OPENS


def closes_at(flight: Flight) -> datetime:
    return flight.departs_at - settings.CHECK_IN_CLOSES


def where(coupon: Coupon) -> dict:
    """Return what a refusal says of a coupon."""
    return {"ticket_id": coupon.ticket_id, "event_id": coupon.flight_id}


def check_coupon(pick: Pick) -> None:
    """Refuse a coupon that nobody can travel with (any more), and changes for who has boarded."""
    coupon = pick.coupon
    if coupon.status in NOT_VALID:
        raise TicketNotValid(**where(coupon))
    if coupon.ticket.number is None:
        raise NotTicketed(**where(coupon))
    if coupon.status == Coupon.Status.LIFTED and pick.changes:
        raise AlreadyBoarded(**where(coupon))
    if coupon.status == Coupon.Status.FLOWN:
        raise CouponUsed(**where(coupon))


def check_flights(picks: Iterable[Pick], caller: Caller, at: datetime) -> None:
    """Refuse flights that nobody is checked in for now. One statement."""
    by_flight = {pick.coupon.flight_id: pick.coupon for pick in picks if pick.coupon.flight_id}
    closed = Departure.objects.filter(flight__in=by_flight, closed_at__isnull=False)
    closed_at = dict(closed.values_list("flight_id", "closed_at"))
    for flight_id, coupon in by_flight.items():
        check_present(coupon, closed_at.get(flight_id), at)
        check_window(coupon, caller, at)


def check_present(coupon: Coupon, closed_at: datetime | None, at: datetime) -> None:
    flight = coupon.flight
    assert flight is not None
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled(**where(coupon))
    if has_left(flight, at):
        raise FlightDeparted(**where(coupon))
    if closed_at is not None:
        raise FlightClosed(closed_at=utc_text(closed_at), **where(coupon))


def check_window(coupon: Coupon, caller: Caller, at: datetime) -> None:
    """Refuse what is too early or too late; staff is not too late for a flight that is still there."""
    flight = coupon.flight
    assert flight is not None
    if at < opens_at(flight):
        raise CheckInNotOpen(opens_at=utc_text(opens_at(flight)), **where(coupon))
    check_not_closed(coupon, caller, at)


def check_not_closed(coupon: Coupon, caller: Caller, at: datetime) -> None:
    """Refuse what comes after the end of check-in, for all but staff. Raises CheckInClosed."""
    flight = coupon.flight
    assert flight is not None
    if at >= closes_at(flight) and not caller.is_staff:
        raise CheckInClosed(closed_at=utc_text(closes_at(flight)), **where(coupon))


def check_passengers(new: Sequence[Coupon], coupons: Sequence[Coupon]) -> None:
    """Refuse passengers who cannot be checked in as they are; `coupons` are the whole booking's."""
    for coupon in new:
        if coupon.flight and not coupon.ticket.surname:
            raise NameNeeded(**where(coupon))
    check_documents(new)
    ids = {coupon.pk for coupon in new}
    tickets = by_ticket(coupons)
    for coupon in new:
        check_sequence(coupon, [k for k in tickets[coupon.ticket_id] if k.pk not in ids])
    check_adults(new, coupons)


def check_sequence(coupon: Coupon, others: Iterable[Coupon]) -> None:
    """Refuse a coupon while an earlier one of its ticket is unused; cancelled flights do not count."""
    for other in others:
        is_cancelled = other.flight is not None and other.flight.status == Flight.Status.CANCELLED
        if other.sequence < coupon.sequence and other.status == Coupon.Status.OPEN and not is_cancelled:
            raise OutOfSequence(earlier_event_id=other.flight_id, **where(coupon))


def check_adults(new: Sequence[Coupon], coupons: Sequence[Coupon]) -> None:
    """Refuse children whose adult is not checked in now or before, and lap infants without an adult of their own."""
    ids = {coupon.pk for coupon in new}
    for coupon in new:
        if coupon.flight and coupon.ticket.passenger_type != PassengerType.ADULT:
            aboard = [k for k in coupons if k.flight_id == coupon.flight_id and (k.pk in ids or k.status in ABOARD)]
            if lacks_adult(aboard):
                raise AdultNotCheckedIn(**where(coupon))


def lacks_adult(aboard: Iterable[Coupon]) -> bool:
    """Tell whether those of a booking who are checked in on a flight are too few adults."""
    types = [coupon.ticket.passenger_type for coupon in aboard]
    adults = types.count(PassengerType.ADULT)
    return bool(types) and (not adults or types.count(PassengerType.INFANT) > adults)


DRAW = """
INSERT INTO ticketing_departure AS d (flight_id, last_sequence_number, gate) VALUES (%(flight_id)s, %(count)s, '')
ON CONFLICT (flight_id) DO UPDATE SET last_sequence_number = d.last_sequence_number + %(count)s
RETURNING last_sequence_number, closed_at
"""


def draw_sequence_numbers(changing: Iterable[Pick]) -> dict[UUID, int]:
    """Return the next sequence numbers of new coupons' flights; an open ticket gets none. One statement per flight.

    Locks the departures in primary key order, also those where somebody only gets another seat. Raises FlightClosed.
    """
    by_flight: dict[UUID, list[Pick]] = defaultdict(list)
    for pick in changing:
        if pick.coupon.flight_id and (pick.is_new or pick.moves):
            by_flight[pick.coupon.flight_id].append(pick)
    numbers: dict[UUID, int] = {}
    for flight_id, picks in sorted(by_flight.items()):
        numbered = [pick.coupon for pick in picks if pick.is_new]
        with connection.cursor() as cursor:
            cursor.execute(DRAW, {"flight_id": flight_id, "count": len(numbered)})
            last, closed_at = cursor.fetchone()
        if closed_at is not None:
            raise FlightClosed(closed_at=utc_text(closed_at), **where(picks[0].coupon))
        numbers |= {coupon.pk: last - len(numbered) + place for place, coupon in enumerate(numbered, 1)}
    return numbers


def take_seats(
    changing: Sequence[Pick], coupons: Sequence[Coupon], prices: Mapping[str, SeatPrice], caller: Caller, at: datetime
) -> None:
    """Seat whoever wants another seat, and the whole party of whoever has none, so that it stays together."""
    wanted: dict[tuple[UUID, str], dict[UUID, str]] = defaultdict(dict)
    for pick in changing:
        coupon = pick.coupon
        if coupon.flight_id and (pick.moves or (pick.is_new and coupon.takes_seat)):
            wanted[coupon.flight_id, coupon.cabin] |= {coupon.pk: pick.seat} if pick.moves else {}
    for flight_id, cabin in sorted(wanted):
        party = [k for k in coupons if (k.flight_id, k.cabin) == (flight_id, cabin) and k.status in Coupon.LIVE]
        seat_party(
            flight_id, cabin, party, wanted[flight_id, cabin], prices=prices, assign_rest=True, actor=caller, at=at
        )


def write_down(changing: Sequence[Pick], numbers: Mapping[UUID, int], caller: Caller, at: datetime) -> None:
    """Move the new coupons, check the bags in, and make the passes."""
    new = [pick.coupon for pick in changing if pick.is_new]
    move_coupons(new, Coupon.Status.CHECKED_IN, actor=caller, at=at, checked_in_at=at)
    add_bags({pick.coupon: pick.bag_weights for pick in changing}, actor=caller, at=at)
    passes.issue_passes([(coupon, numbers[coupon.pk]) for coupon in new if coupon.flight_id], at=at)
    passes.reissue_passes([pick.coupon for pick in changing if not pick.is_new], at=at)


# --- Undoing it ---


def undo_check_in(
    coupons: Sequence[Coupon], ticket_id: UUID, *, event_id: UUID | None = None, caller: Caller, at: datetime
) -> None:
    """Take a passenger off a flight and those after it, or off all that have not left; the seats stay theirs.

    Ends their passes and removes their bags. Staff also takes off who has boarded. Raises TicketNotFound, NotOnFlight,
    NotCheckedIn, AlreadyBoarded, FlightDeparted, FlightClosed or ChildrenCheckedIn.
    """
    own = by_ticket(coupons).get(ticket_id)
    if own is None:
        raise TicketNotFound
    leaving = to_take_off(own, event_id, at)
    check_leaving(leaving, coupons, caller)
    lifted, why = [k for k in leaving if k.status == Coupon.Status.LIFTED], context.reason_with("offloaded")
    move_coupons(lifted, Coupon.Status.CHECKED_IN, actor=caller, reason=why, at=at, boarded_at=None)
    move_coupons(leaving, Coupon.Status.OPEN, actor=caller, reason=why, at=at, checked_in_at=None)
    ids = [coupon.pk for coupon in leaving]
    passes.end_passes(ids, BoardingPass.End.OFFLOADED, at=at)
    remove_bags(bags_of(ids), actor=caller, reason=why, at=at)


def to_take_off(own: Sequence[Coupon], event_id: UUID | None, at: datetime) -> list[Coupon]:
    """Return the checked-in coupons of a ticket that an undoing is about."""
    if event_id and all(coupon.flight_id != event_id for coupon in own):
        raise NotOnFlight(ticket_id=own[0].ticket_id, event_id=event_id)
    first = min((coupon.sequence for coupon in own if coupon.flight_id == event_id), default=0) if event_id else 0
    aboard = [coupon for coupon in own if coupon.status in ABOARD and coupon.sequence >= first]
    if event_id is None:
        aboard = [k for k in aboard if k.flight is None or k.flight.status != Flight.Status.DEPARTED] or aboard
    if not aboard or (event_id and aboard[0].flight_id != event_id):
        raise NotCheckedIn(ticket_id=own[0].ticket_id)
    return aboard


def check_leaving(leaving: Collection[Coupon], coupons: Iterable[Coupon], caller: Caller) -> None:
    """Refuse to take off who has left, has boarded, or is needed by a child. One statement."""
    check_not_gone(leaving, caller)
    for coupon in leaving:
        others = [k for k in coupons if coupon.flight_id and k.flight_id == coupon.flight_id and k not in leaving]
        if lacks_adult(k for k in others if k.status in ABOARD):
            raise ChildrenCheckedIn(**where(coupon))


def check_not_gone(leaving: Collection[Coupon], caller: Caller) -> None:
    """Refuse what is about passengers who have left or boarded; locks the departures. One statement.

    Raises FlightDeparted, FlightClosed, or AlreadyBoarded for all but staff.
    """
    departures = Departure.objects.filter(flight__in={coupon.flight_id for coupon in leaving if coupon.flight_id})
    closed_at = dict(departures.order_by("pk").select_for_update().values_list("flight_id", "closed_at"))
    for coupon in leaving:
        if coupon.flight and coupon.flight.status == Flight.Status.DEPARTED:
            raise FlightDeparted(**where(coupon))
        if coupon.flight_id and closed_at.get(coupon.flight_id):
            raise FlightClosed(closed_at=utc_text(closed_at[coupon.flight_id]), **where(coupon))
        if coupon.status == Coupon.Status.LIFTED and not caller.is_staff:
            raise AlreadyBoarded(**where(coupon))
