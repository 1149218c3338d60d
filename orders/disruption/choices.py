"""What passengers choose whose flight was disrupted: take it as it is, another flight, or all of their money back.

Until the deadline all of it goes back without a penalty, by the ordinary ways of cancelling too: the coupons say so
(`bookings/fare_rules.py`). Whoever waits because of a cancelled flight and has not chosen by then is refunded.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from bookings.cancellations import Part, cancel_part
from bookings.documents import has_left
from bookings.fare_rules import FREE_UNTIL
from bookings.models import Booking
from bookings.services import read_booking
from flights.exceptions import FlightClosed, FlightNotFound, SoldOut
from flights.models import Flight, FlightCabin
from orders.delivery import Delivery, delivering
from orders.disruption.aircraft import settle_capacity
from orders.disruption.documents import Flights, flights_in, move_shown, read_flights, times_shown
from orders.disruption.reaccommodation import Leg, Move, Option, Party, is_missed
from orders.disruption.reading import read_booking_legs, rules
from orders.disruption.writing import Decision, LockedCoupon, Writing, fit, lock_coupons, move_document, offload
from orders.exceptions import ChoiceNotAllowed, DisruptionNotFound, OtherRoute
from orders.models import DisruptedBooking, Disruption
from orders.repayments import paying_back
from orders.reservations import close_booking, lock_order_of, settle_booking
from partners.callers import Caller
from skybridge.times import utc_text
from ticketing.exceptions import AlreadyBoarded, FlightDeparted
from ticketing.models import Coupon

logger = logging.getLogger(__name__)
Status = DisruptedBooking.Status
SYSTEM = Caller("system", "refund_undecided", "task", is_staff=True)
ACCEPTED_AS_IS = (Disruption.Kind.DELAY, Disruption.Kind.RETIME)
BATCH = 500


# --- Reading ---


def disruptions_of(booking_id: UUID, *, caller: Caller, at: datetime) -> list[dict[str, Any]]:
    """Return what has disrupted a booking, newest first, with the choices that there are now. Four statements."""
    read_booking(booking_id, caller=caller)
    return disruptions_seen(booking_id, at=at)


def disruptions_seen(booking_id: UUID, *, at: datetime) -> list[dict[str, Any]]:
    """Return what has disrupted a booking that was read for its caller. Two statements."""
    found = DisruptedBooking.objects.filter(booking=booking_id).select_related("disruption", "booking")
    rows = list(found.order_by("-pk"))
    flights = read_flights(flights_in(move for row in rows for move in row.moves))
    return [disruption_document(row, flights, at) for row in rows]


def disruption_document(row: DisruptedBooking, flights: Flights, at: datetime) -> dict[str, Any]:
    disruption = row.disruption
    return {
        "disruption_id": disruption.pk,
        "booking_id": row.booking_id,
        "event_id": disruption.flight_id,
        "kind": disruption.kind,
        "reason": disruption.reason,
        "before": times_shown(disruption.before),
        "after": times_shown(disruption.after),
        "status": row.status,
        "moves": [move_shown(move, flights) for move in row.moves],
        "decide_by": utc_text(row.decide_by),
        "decided_at": utc_text(row.decided_at),
        "choices": choices_of(row, at),
        "created_at": utc_text(disruption.created_at),
    }


def choices_of(row: DisruptedBooking, at: datetime) -> list[str]:
    """Return the choices that there are now; one that is the present state already is not among them."""
    if not row.is_open(at) or row.booking.status != Booking.Status.CONFIRMED:
        return []
    allowed = ["accept"] if row.status == Status.REBOOKED or row.disruption.kind in ACCEPTED_AS_IS else []
    return [*allowed, "rebook", "refund"]


# --- Choosing ---


def choose(
    booking_id: UUID, disruption_id: UUID, choice: str, *, event_id: UUID | None = None, caller: Caller, at: datetime
) -> list[dict[str, Any]]:
    """Carry out what a passenger chooses; return the booking's disruptions as they stand then.

    `rebook` takes a flight of the same route and cabin. Choosing what is so already changes nothing. Raises
    BookingNotFound, DisruptionNotFound, ChoiceNotAllowed, AlreadyBoarded, or for `rebook` FlightNotFound, FlightClosed,
    FlightDeparted, OtherRoute or SoldOut; then nothing has changed.
    """
    with transaction.atomic():
        with delivering([booking_id], caller=caller, at=at) as delivery:
            row = lock_disrupted(booking_id, disruption_id)
            if not is_so_already(row, choice, event_id):
                check_choice(row, choice, at)
                CHOICES[choice](delivery, row, event_id)
        if choice == "refund" and delivery.is_changed:
            refund(booking_id, row.disruption.reason, caller=caller, at=at)
    if row.disruption.kind == Disruption.Kind.AIRCRAFT:
        settle_capacity(row.disruption.flight_id)
    return disruptions_of(booking_id, caller=caller, at=at)


def lock_disrupted(booking_id: UUID, disruption_id: UUID) -> DisruptedBooking:
    rows = DisruptedBooking.objects.filter(booking=booking_id, disruption=disruption_id)
    row = rows.select_related("disruption").select_for_update(of=("self",)).first()
    if row is None:
        raise DisruptionNotFound
    return row


def is_so_already(row: DisruptedBooking, choice: str, event_id: UUID | None) -> bool:
    if choice == "rebook":
        return row.status == Status.REBOOKED and bool(row.moves) and row.moves[-1]["to_id"] == str(event_id)
    return row.status == {"accept": Status.ACCEPTED, "refund": Status.REFUNDED}[choice]


def check_choice(row: DisruptedBooking, choice: str, at: datetime) -> None:
    choices = choices_of(row, at)
    if choice not in choices:
        listed = ", ".join(choices) or "nothing"
        raise ChoiceNotAllowed(f"Cannot {choice}; what can be chosen now: {listed}.", choices=choices)


def decided(caller: Caller, at: datetime) -> dict[str, Any]:
    return {"decided_at": at, "decided_by": f"{caller.kind}:{caller.id}"}


def accept(delivery: Delivery, row: DisruptedBooking, _event_id: UUID | None = None) -> None:
    """Take the flights as they are now; the ordinary fare rules hold again."""
    caller, at = delivery.caller, delivery.at
    row.move_to(Status.ACCEPTED, actor=caller, at=at, **decided(caller, at))
    others = DisruptedBooking.objects.filter(booking=row.booking_id, status__in=(Status.WAITING, Status.REBOOKED))
    if not others.filter(decide_by__gt=at).exists():
        with connection.cursor() as cursor:
            cursor.execute(LET_CHOOSE_NO_MORE, {"booking_id": row.booking_id, "name": FREE_UNTIL})
    delivery.is_changed = True


LET_CHOOSE_NO_MORE = """
UPDATE ticketing_coupon k SET fare_rules = k.fare_rules - %(name)s::text
FROM ticketing_ticket t WHERE t.id = k.ticket_id AND t.booking_id = %(booking_id)s::uuid AND k.fare_rules ? %(name)s
"""


# --- Another flight ---


def rebook(delivery: Delivery, row: DisruptedBooking, event_id: UUID | None) -> None:
    """Move the disrupted flight's coupons to a flight that was chosen, at the fare that was paid."""
    caller, at = delivery.caller, delivery.at
    party = read_booking_legs(row.booking_id)
    options = options_on(event_id, at)
    leg = disrupted_leg(party, row, options)
    option = options[leg.cabin]
    check_connections(party.legs, leg, option)
    coupons = lock_coupons([row.booking_id])
    check_still_there(leg.flight_id, coupons, at)
    decision = Decision(party, Status.REBOOKED, [Move(leg, option)], {}, closes_at=option.departs_at)
    fitting, seats = fit([decision], coupons)
    if not fitting:
        raise SoldOut([option.cabin_id])
    writing = Writing(fitting, coupons, caller, row.disruption.reason, at)
    writing.end_check_in()
    writing.move_seats(seats)
    writing.revalidate()
    writing.decide_by = row.decide_by or at
    writing.let_choose()
    decide_by = writing.deadline(decision)
    moves = [*row.moves, move_document(Move(leg, option))]
    row.move_to(Status.REBOOKED, actor=caller, at=at, moves=moves, decide_by=decide_by, **decided(caller, at))
    delivery.is_changed = True


def options_on(event_id: UUID | None, at: datetime) -> dict[str, Option]:
    """Return the cabins of a flight that can be taken, by code. Raises FlightNotFound or FlightClosed."""
    cabins = list(FlightCabin.objects.filter(flight=event_id).select_related("flight"))
    if not cabins:
        raise FlightNotFound
    flight = cabins[0].flight
    is_flying = flight.status in (Flight.Status.SCHEDULED, Flight.Status.DELAYED)
    if not is_flying or at >= flight.departs_at - settings.SALES_CLOSE_BEFORE_DEPARTURE:
        raise FlightClosed
    return {
        cabin.cabin: Option(
            flight.pk, cabin.pk, flight.designator, cabin.cabin, flight.origin_id, flight.destination_id,
            flight.departs_at, flight.arrives_at,
        )
        for cabin in cabins
    }  # fmt: skip


def disrupted_leg(party: Party, row: DisruptedBooking, options: dict[str, Option]) -> Leg:
    """Return the leg that a disruption is about and that a flight can take the place of. Raises OtherRoute."""
    given = {move["to_id"] for move in row.moves} | {str(row.disruption.flight_id)}
    for leg in party.legs:
        option = options.get(leg.cabin)
        if str(leg.flight_id) not in given or leg.is_flown or option is None:
            continue
        if (option.origin, option.destination) == (leg.origin, leg.destination) and leg.flight_id != option.flight_id:
            return leg
    raise OtherRoute


def check_connections(legs: Sequence[Leg], leg: Leg, option: Option) -> None:
    """Refuse a flight that comes too early or too late for the flights before and after. Raises OtherRoute."""
    place, needed = legs.index(leg), rules().connection
    if place and legs[place - 1].arrives_at + needed > option.departs_at:
        raise OtherRoute
    if option.flight_id in {other.flight_id for other in legs}:
        raise OtherRoute
    if place + 1 < len(legs) and is_missed(leg, legs[place + 1], option.arrives_at, rules()):
        raise OtherRoute


def check_still_there(flight_id: UUID, coupons: Sequence[LockedCoupon], at: datetime) -> None:
    """Refuse to give up a flight that has left or that somebody boards. Raises FlightDeparted or AlreadyBoarded."""
    flight = Flight.objects.get(pk=flight_id)
    if flight.departs_at <= at and flight.status != Flight.Status.CANCELLED:
        raise FlightDeparted(event_id=flight_id)
    refuse_boarded(k for k in coupons if k.flight_id == flight_id)


def refuse_boarded(coupons: Iterable[LockedCoupon]) -> None:
    """Refuse to take who is aboard off by a choice: that is the gate's to do. Raises AlreadyBoarded."""
    for coupon in coupons:
        if coupon.status == Coupon.Status.LIFTED:
            raise AlreadyBoarded(event_id=coupon.flight_id)


# --- All of the money back ---


def give_up(delivery: Delivery, row: DisruptedBooking, _event_id: UUID | None = None) -> None:
    """Close all that is open of a booking, and take off who has checked in."""
    caller, at = delivery.caller, delivery.at
    open_rows = DisruptedBooking.objects.filter(booking=row.booking_id, status__in=(Status.WAITING, Status.REBOOKED))
    rows = list(open_rows.order_by("pk").select_for_update())
    DisruptedBooking.move_all(rows, Status.REFUNDED, actor=caller, at=at, **decided(caller, at))
    coupons = lock_coupons([row.booking_id])
    refuse_boarded(coupons)
    checked_in = [k.id for k in coupons if k.status == Coupon.Status.CHECKED_IN]
    if checked_in:
        offload(checked_in, actor=caller, reason=row.disruption.reason, at=at)
    delivery.is_changed = True


def refund(booking_id: UUID, reason: str, *, caller: Caller, at: datetime) -> None:
    """Refund a booking without a penalty, or of one that has begun to travel the flights that have not left."""
    view = read_booking(booking_id, caller=caller)
    flown = {k.flight_id for _, coupons in view.tickets for k in coupons if k.status == Coupon.Status.FLOWN}
    ahead = [pk for pk, flight in view.flights.items() if pk not in flown and not has_left(flight, at)]
    if len(ahead) in (0, len(view.flights)):  # of none left, it says why not
        close_booking(booking_id, "refund", caller=caller, reason=reason, at=at)
        return
    order = lock_order_of(view)
    with paying_back([booking_id], own=order, caller=caller, kind="refund", at=at):
        part = Part(flight_ids=ahead)
        view, settlement = cancel_part(booking_id, part, caller=caller, reason=reason, at=at)
    settle_booking(order, view, settlement, "cancellation", caller=caller, at=at)


CHOICES: dict[str, Callable[[Delivery, DisruptedBooking, UUID | None], None]] = {
    "accept": accept,
    "rebook": rebook,
    "refund": give_up,
}


# --- Who does not choose ---


def refund_undecided(*, at: datetime, limit: int = BATCH) -> int:
    """Refund who waits because of a cancelled flight and has not chosen by the deadline; return how many bookings.

    Who has left the flight otherwise is waiting no more. What fails is tried again by the next run.
    """
    due = DisruptedBooking.objects.filter(
        status=Status.WAITING, decide_by__lte=at, disruption__kind=Disruption.Kind.CANCELLATION
    )
    rows = due.select_related("disruption").order_by("decide_by")[:limit]
    return sum(try_to_refund(row, at) for row in rows)


def try_to_refund(row: DisruptedBooking, at: datetime) -> bool:
    try:
        return refund_one(row, at)
    except Exception:
        logger.exception("booking %s cannot be refunded", row.booking_id)
    return False


def refund_one(row: DisruptedBooking, at: datetime) -> bool:
    with transaction.atomic():
        with delivering([row.booking_id], caller=SYSTEM, at=at) as delivery:
            row = lock_disrupted(row.booking_id, row.disruption_id)
            if row.status != Status.WAITING:
                return False
            if not is_stranded(row):
                row.move_to(Status.SUPERSEDED, actor=SYSTEM, reason="left the flight", at=at, decided_at=at)
                delivery.is_changed = True
                return False
            give_up(delivery, row)
        refund(row.booking_id, "no choice was made in time", caller=SYSTEM, at=at)
    return True


def is_stranded(row: DisruptedBooking) -> bool:
    """Tell whether a booking still has coupons for the flight that was cancelled."""
    coupons = Coupon.objects.live(row.booking_id).filter(flight=row.disruption.flight_id)
    return row.booking.status == Booking.Status.CONFIRMED and coupons.exists()
