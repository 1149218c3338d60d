"""What the airline does with a booking as a whole: create, confirm, cancel, refund.

Cancel and refund lock the booking first (then its coupons, then the flights' cabins) and do everything in one
transaction; confirm is a single statement. A repeated action on a booking that is there already does nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from bookings.confirmation import write_confirmations
from bookings.contacts import NO_CONTACT, Contact
from bookings.documents import BookingFacts, BookingView, available_actions, obstacle, read_bookings
from bookings.exceptions import ActionNotAllowed, BookingNotFound, HoldAtLimit, HoldExpired
from bookings.expiry import cancel_hold
from bookings.fare_rules import Terms, cancellation_terms, is_involuntary, sold_coupons
from bookings.locators import draw_locator
from bookings.models import Booking, has_run_out, status_at
from flights.inventory import return_sold_seats
from flights.models import SeatHold
from partners.callers import Caller
from skybridge import events
from skybridge.constraints import violates
from skybridge.exceptions import ConcurrentChange, InvalidInput
from skybridge.times import utc_text
from skybridge.versions import check_version
from ticketing.models import Coupon
from ticketing.services import close_tickets, issue_tickets, seats_by_flight

LONGEST_HOLD = timedelta(hours=24)
LONGEST_SALE = timedelta(hours=2)  # from the booking on, for whoever sells on a page


def create_booking(
    *, agency_id: UUID | None, user_id: str, actor: events.Actor, contact: Contact = NO_CONTACT
) -> Booking:
    """Create an empty booking, to which flights can be added."""
    at = timezone.now()
    while True:
        try:
            with transaction.atomic():
                booking = Booking.objects.create(
                    locator=draw_locator(), agency_id=agency_id, user_id=user_id, created_at=at, updated_at=at,
                    contact_email=contact.email, contact_phone=contact.phone,
                )  # fmt: skip
                after = {"status": booking.status, "locator": booking.locator}
                happening = events.Happening("booking.created", booking.pk, None, after)
                events.record([happening], actor=actor, at=at)
            return booking
        except IntegrityError as exc:
            if not violates(exc, "booking_locator"):
                raise


def read_booking(booking_id: UUID, *, caller: Caller) -> BookingView:
    """Return a booking that the caller may see. One statement. Raises BookingNotFound."""
    views = read_bookings([booking_id])
    if not views or not is_seen(views[0].booking, caller):
        raise BookingNotFound
    return views[0]


def is_seen(booking: BookingFacts | Booking, caller: Caller) -> bool:
    return caller.sees(booking.agency_id, booking.user_id, booking.id)


def lock_booking(booking_id: UUID, *, caller: Caller, if_match: str | None = None) -> Booking:
    """Lock a booking that the caller may see. Raises BookingNotFound or StaleVersion."""
    booking = Booking.objects.visible_to(caller).locked().filter(pk=booking_id).first()
    if booking is None:
        raise BookingNotFound
    check_version(if_match, booking.version)
    return booking


def act(booking_id: UUID, action: str, *, caller: Caller, reason: str = "", if_match: str | None = None) -> BookingView:
    """Cancel or refund a booking and return it as it stands then.

    Raises BookingNotFound, StaleVersion, HoldExpired, or ActionNotAllowed naming the status and the allowed actions.
    """
    return end_booking(booking_id, action, caller=caller, reason=reason, if_match=if_match)[0]


def end_booking(
    booking_id: UUID,
    action: str,
    *,
    caller: Caller,
    reason: str = "",
    if_match: str | None = None,
    at: datetime | None = None,
    waived: bool = False,
) -> tuple[BookingView, Terms | None]:
    """Do what `act` does; return the booking, and what its fare rules give back, None if it had ended so before.

    `waived`: everything goes back, whatever they say; for refunds.
    """
    target, carry_out = ACTIONS[action]
    at = at or timezone.now()
    terms = None
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller, if_match=if_match)
        if status_at(booking, at) != target:
            view = read_bookings([booking_id])[0]
            check_action(view, action, at)
            terms = carry_out(booking, view, caller, reason, at, waived)
        return read_bookings([booking_id])[0], terms


def release_booking(booking_id: UUID, *, actor: events.Actor, reason: str, at: datetime) -> None:
    """Give a pending booking's seats back, whatever has become of its flights; another one stays as it is."""
    with transaction.atomic():
        booking = Booking.objects.locked().get(pk=booking_id)
        if booking.status == Booking.Status.PENDING:
            cancel_hold(booking, actor=actor, at=at, reason=reason)


def check_action(view: BookingView, action: str, at: datetime) -> None:
    allowed = available_actions(view, at)
    if action in allowed:
        return
    status = status_at(view.booking, at)
    if action == "confirm" and has_run_out(view.booking, at):
        raise HoldExpired(booking_status=status, available_actions=allowed)
    reason = obstacle(view, at) or f"allowed now: {', '.join(allowed) or 'nothing'}"
    raise ActionNotAllowed(
        f"Cannot {action} a booking that is {status}; {reason}.",
        booking_status=status,
        available_actions=allowed,
    )


def confirm_all(views: Sequence[BookingView], *, caller: Caller, at: datetime) -> None:
    """Sell the held seats of pending bookings that are on their orders already, all or nothing. One statement.

    The caller's transaction has locked the orders. Raises HoldExpired, ActionNotAllowed, or ConcurrentChange for one
    that is not as it was read.
    """
    for view in views:
        check_action(without_order(view), "confirm", at)
    if write_confirmations(views, actor=caller, at=at) < len(views):
        raise ConcurrentChange


def ticket_all(booking_ids: Sequence[UUID], *, actor: events.Actor, at: datetime) -> None:
    """Issue the tickets of confirmed bookings that have no number yet. Four statements."""
    with transaction.atomic():
        bookings = Booking.objects.filter(pk__in=booking_ids)
        len(bookings.locked())  # locks them
        issue_tickets(booking_ids, at=at)
        bookings.update(version=F("version") + 1, updated_at=at)
        events.record([events.Happening("booking.ticketed", pk) for pk in booking_ids], actor=actor, at=at)


def without_order(view: BookingView) -> BookingView:
    """Return the booking without the order that keeps everybody else from acting on it."""
    return view._replace(booking=view.booking._replace(order_id=None))


def put_on_order(views: Sequence[BookingView], order_id: UUID, *, until: datetime, at: datetime) -> None:
    """Let an order sell pending bookings as they were read, and keep their seats until a moment.

    Locks the bookings in primary key order. Raises ConcurrentChange when one has changed, run out or been sold.
    """
    versions = {view.booking.id: view.booking.version for view in views}
    for booking in Booking.objects.locked().filter(pk__in=versions, status=Booking.Status.PENDING, order=None):
        if booking.version != versions.pop(booking.pk) or booking.expires_at <= at:
            raise ConcurrentChange
        extend_hold(booking, until=until, at=at, order_id=order_id)
    if versions:
        raise ConcurrentChange


def extend_hold(booking: Booking, *, until: datetime, at: datetime, **changes) -> None:
    """Keep the seats of a locked pending booking until a moment."""
    Booking.objects.filter(pk=booking.pk).update(expires_at=until, **changes, **booking.touched(at))
    SeatHold.objects.filter(booking_id=booking.pk).update(expires_at=until)


def cancel(
    booking: Booking, view: BookingView, caller: Caller, reason: str, at: datetime, waived: bool = False
) -> Terms:
    """Void the tickets of a locked booking and give the seats back; return what the fare rules give back."""
    terms = terms_of(view, at, waived=waived)
    if booking.status == Booking.Status.CONFIRMED:
        return end_sale(booking, terms, Booking.Status.CANCELED, Coupon.Status.VOID, caller, reason, at)
    cancel_hold(booking, actor=caller, reason=reason, at=at)
    return terms


def refund(
    booking: Booking, view: BookingView, caller: Caller, reason: str, at: datetime, waived: bool = False
) -> Terms:
    """Refund the tickets of a locked booking and give the seats back; return what the fare rules give back."""
    terms = terms_of(view, at, waived=waived)
    return end_sale(booking, terms, Booking.Status.REFUNDED, Coupon.Status.REFUNDED, caller, reason, at)


def end_sale(
    booking: Booking, terms: Terms, status: str, coupon_status: str, caller: Caller, reason: str, at: datetime
) -> Terms:
    """Close the tickets of a confirmed booking on these terms; the money is its caller's to post."""
    coupons = close_tickets(booking.pk, coupon_status, actor=caller, reason=reason, at=at)
    return_sold_seats(seats_by_flight(coupons))
    refunded = booking.refunded_amount + terms.refund_amount
    booking.move_to(status, actor=caller, reason=reason, at=at, refunded_amount=refunded, **booking.touched(at))
    return terms


def terms_of(view: BookingView, at: datetime, *, waived: bool = False) -> Terms:
    """Return what would come of giving the whole booking up; waived, all of it goes back."""
    return cancellation_terms(sold_coupons(view), at, involuntary=waived or is_involuntary(view))


def keep_hold(booking_id: UUID, *, until: datetime, caller: Caller, at: datetime) -> Booking:
    """Keep the seats of a pending booking for longer, at most LONGEST_HOLD from now; never for less.

    Raises BookingNotFound, HoldExpired, ActionNotAllowed, or InvalidInput for a moment that is too late or too early.
    """
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller)
        if has_run_out(booking, at):
            raise HoldExpired(booking_status=status_at(booking, at))
        if booking.status != Booking.Status.PENDING or booking.order_id:
            raise ActionNotAllowed(
                "Only a hold that no order sells yet can be extended.", booking_status=booking.status
            )
        before = booking.expires_at or at
        if not before < until <= at + LONGEST_HOLD:
            raise InvalidInput(f"A hold that ends at {utc_text(before)} is extended, to 24 hours from now at most.")
        extend_hold(booking, until=until, at=at)
        facts = {"expires_at": utc_text(before)}, {"expires_at": utc_text(until)}
        events.record([events.Happening("booking.hold_extended", booking.pk, *facts)], actor=caller, at=at)
        booking.expires_at = until
    return booking


def renew_hold(booking_id: UUID, *, caller: Caller, at: datetime) -> Booking:
    """Let a hold last as long from now as a new one, but not beyond LONGEST_SALE from the booking on.

    Raises HoldAtLimit, or as `keep_hold`.
    """
    booking = read_booking(booking_id, caller=caller).booking
    until = min(Booking.hold_deadline(at), booking.created_at + LONGEST_SALE)
    if booking.status == Booking.Status.PENDING and booking.expires_at and at < booking.expires_at >= until:
        raise HoldAtLimit(expires_at=utc_text(booking.expires_at))
    return keep_hold(booking_id, until=until, caller=caller, at=at)


ACTIONS = {
    "cancel": (Booking.Status.CANCELED, cancel),
    "refund": (Booking.Status.REFUNDED, refund),
}
