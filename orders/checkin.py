"""Check-in of what orders have sold, by ticket, booking or order: who may, whether it is paid, and the next versions.

The rules and effects are `ticketing/checkin.py`'s. All or nothing; whatever is done becomes the next version of booking
and order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from bookings.documents import BookingView, read_bookings
from bookings.expiry import with_overdue_released
from bookings.models import Booking, status_at
from orders.delivery import Delivery, delivering
from orders.departures import sees_all
from orders.exceptions import OrderNotFound
from orders.models import Order
from orders.seats import seat_prices
from partners.callers import Caller
from partners.models import Payment
from ticketing import checkin
from ticketing.bags import bags_of
from ticketing.checkin import Wish
from ticketing.exceptions import (
    NotCheckedIn,
    NothingToCheckIn,
    NotPaid,
    TicketNeeded,
    TicketNotFound,
    TicketNotValid,
)
from ticketing.models import Bag, BoardingPass, Coupon, PassengerType, Ticket
from ticketing.passes import passes_of
from ticketing.travel_documents import keep_documents

ENDED = (Booking.Status.CANCELED, Booking.Status.REFUNDED)
UNPAID = (Order.Status.CANCELLED, Order.Status.FAILED)


class CheckedIn(NamedTuple):
    """Bookings as they stand now, and of the tickets that were asked about the good passes and the checked bags."""

    views: list[BookingView]
    ticket_ids: Sequence[UUID]
    passes: list[BoardingPass]
    bags: list[Bag]


def check_in_ticket(wish: Wish, *, event_id: UUID | None = None, caller: Caller, at: datetime) -> CheckedIn:
    """Check one passenger in. Raises TicketNotFound, a CheckInRefused or a SeatRefused."""
    booking_id = booking_of(wish.ticket_id, caller=caller)
    return check_in({booking_id: [wish]}, event_id=event_id, caller=caller, at=at)


def check_in_booking(
    booking_id: UUID,
    wishes: Sequence[Wish] = (),
    *,
    event_id: UUID | None = None,
    is_at_desk: bool = False,
    caller: Caller,
    at: datetime,
    if_match: str | None = None,
) -> CheckedIn:
    """Check the passengers of a booking in, all of them unless some are named, all or nothing.

    At an airport's desk whoever works there serves every booking; the rules stay those for the caller. Raises
    BookingNotFound, StaleVersion, TicketNotFound, a CheckInRefused or a SeatRefused.
    """
    wanted = {booking_id: wishes}
    return check_in(wanted, event_id=event_id, is_at_desk=is_at_desk, caller=caller, at=at, if_match=if_match)


def serving(caller: Caller, is_at_desk: bool) -> Caller:
    """Return the caller by whom bookings are found: all of them at an airport's desk."""
    return sees_all(caller) if is_at_desk and caller.works_at_gates else caller


def check_in_order(
    order_id: UUID, *, caller: Caller, at: datetime, ticket_id: UUID | None = None, seat: str = ""
) -> CheckedIn:
    """Check the passengers of an order's bookings in, or the one named, on their next flights.

    Bookings whose check-in is not open yet, or over, are left alone if another one's is open.
    Raises OrderNotFound, TicketNotFound, TicketNeeded for a seat of several, NothingToCheckIn, a CheckInRefused or a
    SeatRefused.
    """
    if not Order.objects.visible_to(caller).filter(pk=order_id).exists():
        raise OrderNotFound
    tickets = list(Ticket.objects.filter(booking__order=order_id, is_superseded=False).order_by("booking", "position"))
    if ticket_id:
        tickets = [ticket for ticket in tickets if ticket.pk == ticket_id]
        if not tickets:
            raise TicketNotFound
    else:
        tickets = tickets_of_today(tickets, at)
    if not tickets:
        raise NothingToCheckIn
    if seat and len(tickets) > 1:
        raise TicketNeeded
    wishes: dict[UUID, list[Wish]] = {}
    for ticket in tickets:
        wishes.setdefault(ticket.booking_id, []).append(Wish(ticket.pk, seat.upper()))
    return check_in(wishes, caller=caller, at=at)


def tickets_of_today(tickets: list[Ticket], at: datetime) -> list[Ticket]:
    """Return the tickets of bookings with an open ticket, or a flight whose check-in has opened; all if none has."""
    ahead = Q(flight__departs_at__gt=at, flight__departs_at__lte=at + settings.CHECK_IN_OPENS)
    usable = Coupon.objects.filter(ticket__in=tickets, status__in=Coupon.LIVE, is_superseded=False)
    ids = set(usable.filter(ahead | Q(flight=None)).values_list("ticket__booking_id", flat=True))
    return [ticket for ticket in tickets if ticket.booking_id in ids] or tickets


def booking_of(ticket_id: UUID, *, caller: Caller) -> UUID:
    """Return the booking of a ticket that the caller may see. Raises TicketNotFound."""
    present = Ticket.objects.filter(pk=ticket_id, is_superseded=False).values("booking_id")
    booking_id = Booking.objects.visible_to(caller).filter(pk__in=present).values_list("pk", flat=True).first()
    if booking_id is None:
        raise TicketNotFound
    return booking_id


def check_in(
    wishes: Mapping[UUID, Sequence[Wish]],
    *,
    event_id: UUID | None = None,
    is_at_desk: bool = False,
    caller: Caller,
    at: datetime,
    if_match: str | None = None,
) -> CheckedIn:
    """Check the passengers of bookings in; no wishes are all of a booking's passengers."""
    locking = partial(delivering, wishes, caller=serving(caller, is_at_desk), at=at, if_match=if_match)
    return with_overdue_released(lambda: try_check_in(wishes, event_id, locking, caller, at), at=at)


def try_check_in(
    wishes: Mapping[UUID, Sequence[Wish]],
    event_id: UUID | None,
    locking: Callable[[], AbstractContextManager[Delivery]],
    caller: Caller,
    at: datetime,
) -> CheckedIn:
    with locking() as delivery:
        prices, ticket_ids = seat_prices(caller), []
        unpaid = unpaid_orders(delivery)
        for booking in delivery.bookings:
            coupons = checkin.lock_coupons(booking.pk)
            wanted = wishes[booking.pk] or [Wish(ticket_id) for ticket_id in checkin.by_ticket(coupons)]
            ticket_ids += [wish.ticket_id for wish in wanted]
            check_paid(booking, unpaid, at)
            documents = [(wish.ticket_id, wish.document) for wish in wanted if wish.document]
            keep_documents(own(documents, coupons), actor=caller, at=at)
            is_changed = checkin.check_in(coupons, wanted, event_id=event_id, prices=prices, caller=caller, at=at)
            delivery.is_changed = delivery.is_changed or is_changed or bool(documents)
    return answer(list(wishes), ticket_ids)


def own(documents, coupons: Iterable[Coupon]):
    """Return documents by ticket id. Raises TicketNotFound for one that is not of these coupons."""
    present = checkin.by_ticket(coupons)
    if any(ticket_id not in present for ticket_id, _ in documents):
        raise TicketNotFound
    return documents


def answer(booking_ids: Sequence[UUID], ticket_ids: Sequence[UUID]) -> CheckedIn:
    """Read what there is after a check-in. Three statements."""
    views = read_bookings(booking_ids)
    asked = set(ticket_ids)
    coupon_ids = [
        coupon.id for view in views for ticket, coupons in view.tickets if ticket.id in asked for coupon in coupons
    ]
    passes = sorted(passes_of(coupon_ids), key=lambda found: (found.coupon.sequence, found.sequence_number))
    return CheckedIn(views, ticket_ids, passes, bags_of(coupon_ids))


# --- Is it paid? ---


def unpaid_orders(delivery: Delivery) -> dict[UUID, str]:
    """Return the status of each order that sells the bookings and is not paid, or has ended. At most one statement."""
    orders = [delivery.orders[booking.order_id] for booking in delivery.bookings if booking.order_id]
    by_card = [order.pk for order in orders if order.payment_method == Order.PaymentMethod.CARD]
    paid: set[UUID] = set()
    if by_card:
        succeeded = Payment.objects.filter(order_id__in=by_card, purpose="order", status=Payment.Status.SUCCEEDED)
        paid.update(succeeded.values_list("order_id", flat=True))
    return {o.pk: o.status for o in orders if o.status in UNPAID or (o.pk in by_card and o.pk not in paid)}


def check_paid(booking: Booking, unpaid: Mapping[UUID, str], at: datetime) -> None:
    """Refuse a booking that is not confirmed and paid. Raises TicketNotValid where it has ended, or NotPaid."""
    if booking.status in ENDED:
        raise TicketNotValid(booking_id=booking.pk, booking_status=booking.status)
    order_status = unpaid.get(booking.order_id) if booking.order_id else None
    if booking.status != Booking.Status.CONFIRMED or order_status:
        raise NotPaid(booking_id=booking.pk, booking_status=status_at(booking, at), order_status=order_status)


# --- Undoing it ---


def offload_booking(booking_id: UUID, *, caller: Caller, at: datetime) -> None:
    """Take everybody of a booking off the flights that have not left, children first, all or nothing.

    Raises BookingNotFound, NotCheckedIn, or as `ticketing.checkin.undo_check_in`.
    """
    with delivering([booking_id], caller=caller, at=at) as delivery:
        for ticket_id in aboard(checkin.lock_coupons(booking_id)):
            coupons = checkin.lock_coupons(booking_id)
            checkin.undo_check_in(coupons, ticket_id, caller=caller, at=at)
        delivery.is_changed = True


def aboard(coupons: Sequence[Coupon]) -> list[UUID]:
    """Return the tickets that are checked in, the adults' last. Raises NotCheckedIn when there is none."""
    found = [coupon for coupon in coupons if coupon.status in checkin.ABOARD]
    if not found:
        raise NotCheckedIn
    found.sort(key=lambda coupon: coupon.ticket.passenger_type == PassengerType.ADULT)
    return list(dict.fromkeys(coupon.ticket_id for coupon in found))


def undo_check_in(
    ticket_id: UUID, *, event_id: UUID | None = None, is_at_desk: bool = False, caller: Caller, at: datetime
) -> CheckedIn:
    """Take a passenger off a flight (and those after it), or off all. Raises as `ticketing.checkin.undo_check_in`."""
    finder = serving(caller, is_at_desk)
    booking_id = booking_of(ticket_id, caller=finder)
    with delivering([booking_id], caller=finder, at=at) as delivery:
        coupons = checkin.lock_coupons(booking_id)
        checkin.undo_check_in(coupons, ticket_id, event_id=event_id, caller=caller, at=at)
        delivery.is_changed = True
    return answer([booking_id], [ticket_id])
