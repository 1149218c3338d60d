"""Quotes: what a cancellation or change would cost, and carrying out exactly that or nothing.

A quote is made by carrying the request out inside a savepoint that is rolled back; only ticket numbers are not drawn.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bookings.cancellations import Part, cancel_part
from bookings.changes import Change, Names, change_booking, try_change
from bookings.documents import BookingView, read_bookings
from bookings.exceptions import (
    ActionNotAllowed,
    BookingNotFound,
    HoldExpired,
    QuoteExpired,
    QuoteNotFound,
    QuoteStale,
    QuoteSuperseded,
    QuoteUsed,
)
from bookings.expiry import with_overdue_released
from bookings.fare_rules import Settlement
from bookings.models import Booking, Quote, has_run_out, status_at
from bookings.parties import Passenger
from bookings.services import lock_booking
from flights.offers import Wish
from partners.callers import Caller
from skybridge import context

Result = TypeVar("Result")


def quote_cancellation(booking_id: UUID, part: Part, *, caller: Caller) -> Quote:
    """Quote the cancellation of a part of a booking, or of all of it. Raises what `cancel_part` raises."""
    at = timezone.now()
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller)
        refuse_ended(booking, at)
        _, settlement = rehearse(lambda: cancel_part(booking_id, part, caller=caller, at=at))
        return keep_quote(booking, Quote.Kind.CANCELLATION, request_of(part), settlement, at)


def quote_change(booking_id: UUID, change: Change, *, caller: Caller) -> Quote:
    """Quote a change of a booking. Raises what `change_booking` raises."""
    at = timezone.now()
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller)
        _, settlement = with_overdue_released(
            lambda: rehearse(lambda: try_change(booking_id, change, caller, None, at, rehearsal=True)), at=at
        )
        return keep_quote(booking, Quote.Kind.CHANGE, request_of(change), settlement, at)


def read_quote(booking_id: UUID, quote_id: UUID, kind: str, *, caller: Caller) -> Quote:
    """Return a quote of a booking that the caller may see. Raises BookingNotFound or QuoteNotFound."""
    if not Booking.objects.visible_to(caller).filter(pk=booking_id).exists():
        raise BookingNotFound
    quote = Quote.objects.filter(pk=quote_id, kind=kind, booking_id=booking_id).first()
    if quote is None:
        raise QuoteNotFound
    return quote


def carry_out_quote(
    quote_id: UUID, *, caller: Caller, at: datetime | None = None
) -> tuple[BookingView, Settlement, bool]:
    """Carry out a quote to the letter or raise and change nothing; tell whether that happened now.

    Again by the same caller: the booking as it stands, and the same money. Locks the booking. Raises QuoteNotFound,
    QuoteUsed, QuoteSuperseded, QuoteExpired, QuoteStale, or what the cancellation or change itself raises.
    """
    at = at or timezone.now()
    booking_id = Quote.objects.filter(pk=quote_id).values_list("booking_id", flat=True).first()
    if booking_id is None:
        raise QuoteNotFound
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller)
        quote = Quote.objects.get(pk=quote_id)
        if quote.confirmed_at and quote.confirmed_by == name_of(caller):
            return read_bookings([booking_id])[0], settlement_of(quote), False
        check_quote(quote, booking, at)
        view, settlement = carry_out(quote, caller, at)
        if settlement.lines != quote.lines or settlement.kept_amount != quote.kept_amount:
            raise QuoteStale
        Quote.objects.filter(pk=quote_id).update(confirmed_at=at, confirmed_by=name_of(caller))
        return view, settlement, True


def check_quote(quote: Quote, booking: Booking, at: datetime) -> None:
    """Refuse a quote that does not hold any more. Raises QuoteUsed, QuoteSuperseded, QuoteExpired or QuoteStale."""
    if quote.confirmed_at:
        raise QuoteUsed(confirmed_at=quote.confirmed_at.isoformat())
    if quote.is_superseded:
        raise QuoteSuperseded
    if quote.expires_at <= at:
        raise QuoteExpired(expires_at=quote.expires_at.isoformat())
    if quote.booking_version != booking.version:
        raise QuoteStale


def carry_out(quote: Quote, caller: Caller, at: datetime) -> tuple[BookingView, Settlement]:
    if quote.kind == Quote.Kind.CANCELLATION:
        why = context.reason_with("quote confirmed")
        return cancel_part(quote.booking_id, part_of(quote.request), caller=caller, reason=why, at=at)
    return change_booking(quote.booking_id, change_of(quote.request), caller=caller, at=at)


def refuse_ended(booking: Booking, at: datetime) -> None:
    """Refuse to quote a booking that is canceled or refunded: cancelling it again would do nothing."""
    status = status_at(booking, at)
    if has_run_out(booking, at):
        raise HoldExpired(booking_status=status)
    if status not in Booking.TRANSITIONS:
        raise ActionNotAllowed(f"Cannot cancel a booking that is {status}.", booking_status=status)


def rehearse(act: Callable[[], Result]) -> Result:
    """Return what an operation would return, and undo it."""
    with transaction.atomic():
        result = act()
        transaction.set_rollback(True)
    return result


def keep_quote(booking: Booking, kind: str, request: dict, settlement: Settlement, at: datetime) -> Quote:
    """Keep a quote of a locked booking; it takes the place of an older one."""
    Quote.objects.filter(booking=booking, confirmed_at=None, is_superseded=False).update(is_superseded=True)
    return Quote.objects.create(
        booking=booking,
        kind=kind,
        request=request,
        booking_version=booking.version,
        currency=booking.currency,
        due_amount=max(settlement.due_amount, Decimal(0)),
        refund_amount=settlement.refund_amount,
        penalty_amount=settlement.penalty_amount,
        kept_amount=settlement.kept_amount,
        lines=settlement.lines,
        created_at=at,
        expires_at=at + settings.QUOTE_LIFETIME,
    )


def settlement_of(quote: Quote) -> Settlement:
    """Return the money of a quote."""
    taxes = {line["code"]: Decimal(line["amount"]) for line in quote.lines}
    fare, penalty = taxes.pop("FARE", Decimal(0)), taxes.pop("PENALTY", Decimal(0))
    return Settlement(quote.currency, fare, taxes, penalty, quote.kept_amount)


def name_of(caller: Caller) -> str:
    return f"{caller.kind}:{caller.id}"


# --- Requests as JSON ---


def request_of(wanted: Part | Change) -> dict[str, Any]:
    return as_json(asdict(wanted))


def as_json(value: Any) -> Any:
    """Return a value with identifiers and dates as text."""
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return str(value) if isinstance(value, UUID | date) else value


def part_of(request: dict[str, Any]) -> Part:
    return Part(*(tuple(map(UUID, request[name])) for name in ("ticket_ids", "flight_ids")))


def change_of(request: dict[str, Any]) -> Change:
    wishes, party, names = (request[name] for name in ("wishes", "party", "names"))
    return replace(
        Change(**request),
        wishes=[Wish(**with_types(wish)) for wish in wishes or ()],
        party=[Passenger(**with_types(passenger)) for passenger in party] if party else None,
        names=[names_of(name) for name in names or ()],
        contact=tuple((name, value) for name, value in request.get("contact", ())),
        departure_date=day_of(request["departure_date"]),
        flight_id=id_of(request.get("flight_id")),
        to_flight_id=id_of(request.get("to_flight_id")),
    )


def names_of(request: dict[str, Any]) -> Names:
    return Names.of(with_types({"ticket_id": request["ticket_id"], **dict(request["fields"])}))


def with_types(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a wish, passenger or name with identifiers and dates again."""
    return {name: TYPES[name](value) if value and name in TYPES else value for name, value in fields.items()}


def id_of(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def day_of(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


TYPES: dict[str, Callable[[str], Any]] = {
    "flight_id": UUID,
    "ticket_id": UUID,
    "departure_date": day_of,
    "birth_date": day_of,
}
