"""Another aircraft for a flight: seats that it does not have are cleared, and who has no place gets another flight.

Whoever booked last goes first, whole bookings only; holds that nobody has ordered go before passengers who have paid.
While some of them wait for a choice, their cabin keeps places for them that the aircraft does not have, and sells none.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from bookings.expiry import cancel_hold
from bookings.models import Booking
from flights.models import Flight, FlightCabin, SeatHold
from flights.seatmaps import SeatMap, seat_map
from orders.disruption.planning import Change, Effect, destinations, lock_flights, outcome_of, reaccommodate, summary_of
from orders.disruption.planning import decide as decide_all
from orders.disruption.reaccommodation import Party
from orders.disruption.reading import read_parties
from orders.disruption.writing import CHUNK, concerned, count_up, offload
from orders.emds import lock_orders_of
from orders.exceptions import NothingToChange, UnknownCabin
from orders.models import DisruptedBooking, Disruption
from skybridge.events import Actor, Happening, record
from ticketing.exceptions import FlightCancelled
from ticketing.models import Coupon
from ticketing.seats import lock_departure

Kind, Status = Disruption.Kind, DisruptedBooking.Status


def change_aircraft(flight_id: UUID, change: Change, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Give a flight another aircraft; return what became of those without a place. Raises as `set_aircraft`."""
    disruption = set_aircraft(flight_id, change, actor=actor, at=at)
    release_holds(disruption, actor=actor, at=at)
    victims = beyond(disruption.flight_id, read_parties([flight_id], [disruption.pk]), places(disruption))
    effect = Effect({flight_id: disruption.pk}, change.reason)
    reaccommodate(effect, actor=actor, at=at, only=victims)
    settle_capacity(flight_id)
    clear_seats(disruption, actor=actor, at=at)
    return summary_of([disruption.pk])


@transaction.atomic
def set_aircraft(flight_id: UUID, change: Change, *, actor: Actor, at: datetime) -> Disruption:
    """Write the new aircraft and its seats down, as far as they are not sold.

    Returns the disruption, the last one if that is what it did. Raises FlightNotFound, FlightDeparted, FlightCancelled,
    UnknownCabin or NothingToChange; then nothing has changed.
    """
    flight = lock_flights([flight_id])[flight_id]
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled(event_id=flight.pk)
    cabins = lock_cabins(flight_id)
    check_cabins(cabins, change)
    last = Disruption.objects.filter(flight=flight, kind=Kind.AIRCRAFT).order_by("-pk").first()
    after = {
        "aircraft_type": change.aircraft_type, "registration": change.registration, "cabins": wanted(cabins, change)
    }  # fmt: skip
    if last and {name: last.after.get(name, "") for name in after} == after:
        last.flight = flight
        return last
    before = {
        "aircraft_type": flight.aircraft_type,
        "registration": flight.registration,
        "cabins": last.after["cabins"] if last else {cabin.cabin: cabin.capacity for cabin in cabins},
        "on_sale": last.before["on_sale"] if last else {cabin.cabin: cabin.on_sale for cabin in cabins},
    }
    if before | after | {"registration": change.registration or flight.registration} == before:
        raise NothingToChange
    disruption = Disruption.objects.create(
        flight=flight, kind=Kind.AIRCRAFT, reason=change.reason, before=before, after=after, actor_kind=actor.kind,
        actor_id=actor.id, created_at=at,
    )  # fmt: skip
    Flight.objects.filter(pk=flight_id).update(
        aircraft_type=change.aircraft_type, registration=change.registration, updated_at=at
    )
    flight.aircraft_type, flight.registration = change.aircraft_type, change.registration
    fit_capacities(cabins, disruption)
    record([Happening("flight.aircraft_changed", flight_id, before, after, change.reason)], actor=actor, at=at)
    return disruption


def lock_cabins(flight_id: UUID) -> list[FlightCabin]:
    return list(FlightCabin.objects.filter(flight=flight_id).order_by("pk").select_for_update(no_key=True))


def check_cabins(cabins: Iterable[FlightCabin], change: Change) -> None:
    """Refuse a cabin that the flight does not sell: it has no fare."""
    unknown = set(change.cabins) - {cabin.cabin for cabin in cabins}
    if unknown:
        raise UnknownCabin(cabins=sorted(unknown))


def wanted(cabins: Iterable[FlightCabin], change: Change) -> dict[str, int]:
    return {cabin.cabin: change.cabins.get(cabin.cabin, 0) for cabin in cabins}


def fit_capacities(cabins: Iterable[FlightCabin], disruption: Disruption) -> None:
    """Give locked cabins the seats that an aircraft has, or as many as are sold and held; those sell no more."""
    for cabin in cabins:
        target = disruption.after["cabins"][cabin.cabin]
        capacity = max(target, cabin.sold + cabin.held)
        on_sale = disruption.before["on_sale"][cabin.cabin] and capacity == target
        FlightCabin.objects.filter(pk=cabin.pk).update(
            capacity=capacity, free=capacity - cabin.sold - cabin.held, on_sale=on_sale
        )


@transaction.atomic
def settle_capacity(flight_id: UUID) -> None:
    """Take away the places that a flight's last aircraft does not have, as far as they have been given up."""
    disruption = Disruption.objects.filter(flight=flight_id, kind=Kind.AIRCRAFT).order_by("-pk").first()
    flying = Flight.objects.filter(pk=flight_id).exclude(status=Flight.Status.CANCELLED)
    if disruption and flying.exists():
        fit_capacities(lock_cabins(flight_id), disruption)


# --- Who has no place ---


def places(disruption: Disruption) -> dict[str, int]:
    """Return how many places are short by cabin, less those of whom it has dealt with already."""
    cabins = FlightCabin.objects.filter(flight=disruption.flight_id)
    short = {
        cabin.cabin: cabin.sold + cabin.held - disruption.after["cabins"].get(cabin.cabin, cabin.capacity)
        for cabin in cabins
    }
    waiting = Coupon.objects.filter(
        flight=disruption.flight_id, takes_seat=True, status__in=Coupon.LIVE,
        ticket__booking__disruptions__in=disruption.bookings.filter(status=Status.WAITING),
    )  # fmt: skip
    gone = Counter(waiting.values_list("cabin", flat=True))
    return {cabin: seats - gone[cabin] for cabin, seats in short.items() if seats > gone[cabin]}


def release_holds(disruption: Disruption, *, actor: Actor, at: datetime) -> None:
    """Give up holds that no order sells, the last ones first, until the others have places."""
    for cabin, short in places(disruption).items():
        holds = SeatHold.objects.filter(flight_cabin__flight=disruption.flight_id, flight_cabin__cabin=cabin)
        for booking_id, seats in holds.order_by("-booking_id").values_list("booking_id", "seats"):
            if short > 0 and release_unordered(booking_id, disruption.reason, actor=actor, at=at):
                short -= seats


@transaction.atomic
def release_unordered(booking_id: UUID, reason: str, *, actor: Actor, at: datetime) -> bool:
    """Cancel a hold unless an order sells it, or it has ended meanwhile; tell whether that was done."""
    held = Booking.objects.locked().filter(pk=booking_id, order=None, status=Booking.Status.PENDING).first()
    if held:
        cancel_hold(held, actor=actor, reason=reason or "aircraft changed", at=at)
    return held is not None


def beyond(flight_id: UUID, parties: Iterable[Party], short: Mapping[str, int]) -> set[UUID]:
    """Return the bookings that have to leave a flight so that the others have places: the last booked, whole ones."""
    left, leaving = dict(short), set()
    for party in sorted(parties, key=lambda party: party.booking_id, reverse=True):
        cabin = next(leg.cabin for leg in party.legs if leg.flight_id == flight_id)
        if left.get(cabin, 0) > 0:
            left[cabin] -= party.seats
            leaving.add(party.booking_id)
    return leaving


# --- Seats that are no more ---


def clear_seats(disruption: Disruption, *, actor: Actor, at: datetime) -> None:
    """Clear the seats that the aircraft does not have, and take off who has checked in on one."""
    await_seatings(disruption.flight_id)
    seats = seat_map(disruption.after["aircraft_type"], disruption.after["cabins"])
    seated = Coupon.objects.filter(flight=disruption.flight_id, seat__isnull=False, status__in=("O", "C", "L"))
    lost = [coupon for coupon in seated.select_related("ticket") if not exists(seats, coupon)]
    booking_ids = sorted({coupon.ticket.booking_id for coupon in lost})
    for start in range(0, len(booking_ids), CHUNK):
        clear_some(disruption, booking_ids[start : start + CHUNK], seats, actor=actor, at=at)


@transaction.atomic
def await_seatings(flight_id: UUID) -> None:
    """Wait for whoever is giving seats by the map of the aircraft before; the others see the new one."""
    lock_departure(flight_id)


def exists(seats: SeatMap, coupon: Coupon) -> bool:
    found = seats.find(coupon.seat or "")
    return found is not None and found[0] == coupon.cabin and not found[1].is_blocked


@transaction.atomic
def clear_some(
    disruption: Disruption, booking_ids: Sequence[UUID], seats: SeatMap, *, actor: Actor, at: datetime
) -> None:
    orders = lock_orders_of(booking_ids)
    bookings = list(Booking.objects.locked().filter(pk__in=booking_ids))
    coupons = Coupon.objects.filter(
        ticket__booking__in=booking_ids, flight=disruption.flight_id, seat__isnull=False, status__in=("O", "C", "L")
    )
    lost = [
        k
        for k in coupons.select_related("ticket").order_by("pk").select_for_update(of=("self",))
        if not exists(seats, k)
    ]
    aboard = [k.pk for k in lost if k.status != Coupon.Status.OPEN]
    if aboard:
        offload(aboard, actor=actor, reason="aircraft changed", at=at)
    Coupon.objects.filter(pk__in=[k.pk for k in lost]).update(seat=None)
    record([Happening("coupon.seat_cleared", k.pk, {"seat": k.seat}, {"seat": None}) for k in lost], actor=actor, at=at)
    confirmed = {booking.pk for booking in bookings if booking.status == Booking.Status.CONFIRMED}
    tell_seatless(disruption, [k for k in lost if k.ticket.booking_id in confirmed], actor=actor, at=at)
    written = {booking.pk for booking in bookings}
    count_up(written, concerned(orders.values(), bookings, written, bool(aboard)), at)


def tell_seatless(disruption: Disruption, lost: Iterable[Coupon], *, actor: Actor, at: datetime) -> None:
    """Write down which passengers of locked bookings have lost their seat; they fly, unless they wait already."""
    coupons: dict[UUID, list[Coupon]] = defaultdict(list)
    for coupon in lost:
        coupons[coupon.ticket.booking_id].append(coupon)
    known = {row.booking_id: row for row in disruption.bookings.filter(booking__in=coupons).select_for_update()}
    for row in known.values():
        row.moves += seats_lost(disruption.flight_id, coupons[row.booking_id])
    DisruptedBooking.objects.bulk_update(known.values(), ["moves"])
    new = [
        DisruptedBooking(
            disruption=disruption, booking_id=pk, status=Status.ACCEPTED, passengers=len(its), created_at=at,
            moves=seats_lost(disruption.flight_id, its),
        )
        for pk, its in coupons.items()
        if pk not in known
    ]  # fmt: skip
    DisruptedBooking.objects.bulk_create(new)
    happenings = [
        Happening("booking.disrupted", row.booking_id, None, {"disruption": row.status}, disruption.reason)
        for row in new
    ]
    record(happenings, actor=actor, at=at)


def seats_lost(flight_id: UUID, coupons: Sequence[Coupon]) -> list[dict[str, Any]]:
    """Return a move that stays on its flight, without the seats."""
    first, seats = coupons[0], sorted(coupon.seat or "" for coupon in coupons)
    here = str(flight_id)
    return [
        {"sequence": first.sequence, "cabin": first.cabin, "from_id": here, "to_id": here, "lost_seats": seats}
    ]  # fmt: skip


# --- What it would do ---


def preview_aircraft(flight: Flight, change: Change, at: datetime) -> dict[str, Any]:
    """Return what another aircraft would do to whom, without doing it. Raises FlightCancelled or UnknownCabin."""
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled(event_id=flight.pk)
    cabins = list(FlightCabin.objects.filter(flight=flight))
    check_cabins(cabins, change)
    target = wanted(cabins, change)
    held = dict(
        SeatHold.objects.filter(flight_cabin__flight=flight, flight_cabin__in=[c.pk for c in cabins])
        .values_list("flight_cabin__cabin").annotate(Sum("seats"))
    )  # fmt: skip
    short = {c.cabin: c.sold - target[c.cabin] for c in cabins if c.sold > target[c.cabin]}
    oversold = {c.cabin: c.sold + held.get(c.cabin, 0) - target[c.cabin] for c in cabins}
    parties = read_parties([flight.pk], [])
    leaving = beyond(flight.pk, parties, short)
    effect = Effect({flight.pk: flight.pk}, change.reason)
    decisions = decide_all([party for party in parties if party.booking_id in leaving], effect, at, only=leaving)
    seatless = would_lose_seats(flight, seat_map(change.aircraft_type, target), leaving)
    told = [(Status.ACCEPTED, passengers) for passengers in seatless.values()]
    return outcome_of([*((d.status, d.party.passengers) for d in decisions), *told]) | {
        "broken_connections": 0,
        "rebooked_to": destinations(decisions),
        "oversold": {cabin: seats for cabin, seats in oversold.items() if seats > 0},
    }


def would_lose_seats(flight: Flight, seats: SeatMap, leaving: Collection[UUID]) -> Counter[UUID]:
    """Return how many passengers would lose their seat, by confirmed booking, of those that stay. One statement."""
    seated = Coupon.objects.filter(
        flight=flight, seat__isnull=False, status__in=("O", "C", "L"),
        ticket__booking__status=Booking.Status.CONFIRMED,
    )  # fmt: skip
    lost = [k.ticket.booking_id for k in seated.select_related("ticket") if not exists(seats, k)]
    return Counter(pk for pk in lost if pk not in leaving)
