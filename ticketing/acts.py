"""What staff do to tickets, coupons and boarding passes in the back office."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from orders import passes
from orders.checkin import check_in_ticket, undo_check_in
from skybridge.acts import Act, Doing, Done, Shown
from ticketing.checkin import Wish
from ticketing.models import BoardingPass, Coupon, Ticket

ABOARD = (Coupon.Status.CHECKED_IN, Coupon.Status.LIFTED)


def place_of(row: Any) -> tuple[UUID, UUID | None]:
    """Return the ticket that a row is about, and the flight unless it is the whole ticket."""
    if isinstance(row, Ticket):
        return row.pk, None
    coupon = row if isinstance(row, Coupon) else row.coupon
    return coupon.ticket_id, coupon.flight_id


def show(row: Any, doing: Doing) -> Shown:
    """Show the coupons that are concerned, with seat and pass."""
    ticket_id, flight_id = place_of(row)
    coupons = Coupon.objects.filter(ticket=ticket_id, is_superseded=False).select_related("ticket", "flight")
    if flight_id:
        coupons = coupons.filter(flight=flight_id)
    lines = [("Passenger", name_of(k.ticket)) for k in coupons[:1]]
    return Shown([*lines, *((str(k.flight or "No flight yet"), state_of(k)) for k in coupons.order_by("sequence"))])


def name_of(ticket: Ticket) -> str:
    return f"{ticket.surname}/{ticket.given_name}".strip("/") or "unnamed"


def state_of(coupon: Coupon) -> str:
    status = coupon.get_status_display().lower()
    return f"{status}, seat {coupon.seat}" if coupon.seat else status


def check_in(row: Any, doing: Doing) -> Done:
    ticket_id, flight_id = place_of(row)
    checked = check_in_ticket(Wish(ticket_id), event_id=flight_id, caller=doing.caller, at=doing.at)
    return Done(f"is checked in; {len(checked.passes)} boarding passes are good.")


def offload(row: Any, doing: Doing) -> Done:
    ticket_id, flight_id = place_of(row)
    undo_check_in(ticket_id, event_id=flight_id, caller=doing.caller, at=doing.at)
    return Done("is off the flight; the boarding pass opens no gate any more.")


def reissue(row: Any, doing: Doing) -> Done:
    ticket_id, flight_id = place_of(row)
    made = passes.reissue(ticket_id, flight_id=flight_id, caller=doing.caller, at=doing.at)
    return Done(f"{len(made)} new boarding pass{'es' if len(made) > 1 else ''}; the old one opens no gate any more.")


def is_ticketed(ticket: Ticket) -> bool:
    return bool(ticket.number) and not ticket.is_superseded


def is_open(coupon: Coupon) -> bool:
    return coupon.status == Coupon.Status.OPEN and not coupon.is_superseded


def is_aboard(coupon: Coupon) -> bool:
    return coupon.status in ABOARD


def is_good(boarding_pass: BoardingPass) -> bool:
    return boarding_pass.ended_at is None


def acts(checks_in, has_passes, takes_off) -> tuple[Act, ...]:
    """Return the acts of a kind of row, each offered where its test says so (None: nowhere)."""
    found = [
        (checks_in, Act("check_in", "Check in", "skybridge.check_in", check_in, show,
                        explanation="A seat is given to who has none.")),
        (has_passes, Act("reissue", "Reissue boarding pass", "skybridge.check_in", reissue, show,
                         explanation="The old pass ends; its sequence number stays.")),
        (takes_off, Act("offload", "Offload", "skybridge.board", offload, show, is_grave=True,
                        explanation="Off this flight and those after it, with the bags; the seat stays theirs.")),
    ]  # fmt: skip
    return tuple(replace(act, is_offered=offered) for offered, act in found if offered)


TICKET_ACTS = acts(is_ticketed, is_ticketed, is_ticketed)
COUPON_ACTS = acts(is_open, is_aboard, is_aboard)
PASS_ACTS = acts(None, is_good, is_good)
