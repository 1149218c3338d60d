"""States and codes in the words of the pages, in the visitor's language, each with the tone of its badge.

A code that is not here is shown as it is written. A tone is a class of `tokens.css`; colour never says it alone.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

DONE, RUNNING, WAITING, WARNING, FAILED, OVER = (
    "is-done", "is-running", "is-waiting", "is-passed-over", "is-failed", "is-stopped",
)  # fmt: skip


class Word(NamedTuple):
    text: Promise | str
    tone: str = OVER


COUPON = {
    "O": Word(pgettext_lazy("coupon", "Open"), RUNNING),
    "C": Word(pgettext_lazy("coupon", "Checked in"), DONE),
    "L": Word(pgettext_lazy("coupon", "Boarded"), DONE),
    "F": Word(pgettext_lazy("coupon", "Flown")),
    "E": Word(pgettext_lazy("coupon", "Exchanged")),
    "R": Word(pgettext_lazy("coupon", "Refunded")),
    "V": Word(pgettext_lazy("coupon", "Void")),
}
WORDS: dict[str, dict[str, Word]] = {
    "booking": {
        "created": Word(pgettext_lazy("booking", "Empty")),
        "pending": Word(pgettext_lazy("booking", "On hold"), WAITING),
        "confirmed": Word(pgettext_lazy("booking", "Confirmed"), DONE),
        "canceled": Word(pgettext_lazy("booking", "Cancelled"), FAILED),
        "refunded": Word(pgettext_lazy("booking", "Refunded")),
    },
    "flight": {
        "scheduled": Word(pgettext_lazy("flight", "On time"), DONE),
        "delayed": Word(pgettext_lazy("flight", "Delayed"), WARNING),
        "cancelled": Word(pgettext_lazy("flight", "Cancelled"), FAILED),
        "departed": Word(pgettext_lazy("flight", "Departed")),
    },
    "ticket": {
        "held": Word(pgettext_lazy("ticket", "Not issued"), WAITING),
        "issued": Word(pgettext_lazy("ticket", "Issued"), DONE),
        "checked_in": Word(pgettext_lazy("ticket", "Checked in"), DONE),
        "boarded": Word(pgettext_lazy("ticket", "Boarded"), DONE),
        "flown": Word(pgettext_lazy("ticket", "Flown")),
        "exchanged": Word(pgettext_lazy("ticket", "Exchanged")),
        "refunded": Word(pgettext_lazy("ticket", "Refunded")),
        "void": Word(pgettext_lazy("ticket", "Void")),
    },
    "coupon": COUPON,
    "emd": COUPON,
    "order": {
        "pending": Word(pgettext_lazy("order", "Placed"), WAITING),
        "processing": Word(pgettext_lazy("order", "Accepted"), DONE),
        "shipped": Word(pgettext_lazy("order", "Shipped"), DONE),
        "delivered": Word(pgettext_lazy("order", "Delivered"), DONE),
        "cancelled": Word(pgettext_lazy("order", "Cancelled"), FAILED),
        "failed": Word(pgettext_lazy("order", "Failed"), FAILED),
    },
    "execution": {
        "RUNNING": Word(_("Running"), RUNNING),
        "SUCCEEDED": Word(_("Succeeded"), DONE),
        "FAILED": Word(_("Failed"), FAILED),
        "TIMED_OUT": Word(_("Out of time"), FAILED),
        "ABORTED": Word(_("Stopped"), OVER),
    },
    "step": {
        "TakePayment": Word(_("payment")),
        "ConfirmBookings": Word(_("confirming the booking")),
        "IssueTickets": Word(_("issuing the tickets")),
        "BackUp": Word(_("keeping a copy")),
        "Notify": Word(_("telling the customer")),
    },
    "payment": {
        "pending": Word(pgettext_lazy("payment", "Under way"), WAITING),
        "succeeded": Word(pgettext_lazy("payment", "Paid"), DONE),
        "declined": Word(pgettext_lazy("payment", "Declined"), FAILED),
        "canceled": Word(pgettext_lazy("payment", "Not made")),
    },
    "refund": {
        "pending": Word(pgettext_lazy("refund", "Under way"), WAITING),
        "succeeded": Word(pgettext_lazy("refund", "Paid back"), DONE),
        "failed": Word(pgettext_lazy("refund", "Failed"), FAILED),
    },
    "failure": {  # the sentences that payment providers give
        "The card was declined.": Word(_("The card was declined."), FAILED),
        "The card was declined; pay with another one.": Word(_("The card was declined; pay with another one."), FAILED),
        "The card has insufficient funds.": Word(_("The card has insufficient funds."), FAILED),
        "There is no such token in the sandbox.": Word(_("There is no such token in the sandbox."), FAILED),
    },
    "method": {"account": Word(_("On account")), "card": Word(_("By card"))},
    "disruption": {
        "delay": Word(_("The flight is delayed."), WARNING),
        "retime": Word(_("The times of the flight have changed."), WARNING),
        "aircraft": Word(_("The flight has another aircraft."), WARNING),
        "cancellation": Word(_("The flight is cancelled."), FAILED),
    },
    "concern": {
        "waiting": Word(_("Disrupted: waiting for a choice"), WARNING),
        "rebooked": Word(_("Disrupted: rebooked"), RUNNING),
    },
    "cabin": {
        "F": Word(_("First")),
        "J": Word(_("Business")),
        "W": Word(_("Premium economy")),
        "Y": Word(_("Economy")),
    },
    "progress": {
        "on_time": Word(pgettext_lazy("flight", "On time"), DONE),
        "delayed": Word(pgettext_lazy("flight", "Delayed"), WARNING),
        "boarding": Word(pgettext_lazy("flight", "Boarding"), RUNNING),
        "closed": Word(pgettext_lazy("flight", "Gate closed"), WAITING),
        "departed": Word(pgettext_lazy("flight", "Departed")),
        "cancelled": Word(pgettext_lazy("flight", "Cancelled"), FAILED),
    },
    "manifest": {
        "booked": Word(pgettext_lazy("passenger", "Not checked in"), WAITING),
        "checked_in": Word(pgettext_lazy("passenger", "Checked in"), RUNNING),
        "boarded": Word(pgettext_lazy("passenger", "On board"), DONE),
        "no_show": Word(pgettext_lazy("passenger", "No-show"), FAILED),
        "flown": Word(pgettext_lazy("passenger", "Flown")),
    },
    "passenger": {
        "ADT": Word(_("Adult")),
        "CHD": Word(_("Child")),
        "INF": Word(_("Infant on a lap")),
        "INS": Word(_("Infant with a seat")),
    },
    "title": {
        "MR": Word(pgettext_lazy("title", "Mr")),
        "MRS": Word(pgettext_lazy("title", "Mrs")),
        "MS": Word(pgettext_lazy("title", "Ms")),
        "MX": Word(pgettext_lazy("title", "Mx")),
        "DR": Word(pgettext_lazy("title", "Dr")),
        "PROF": Word(pgettext_lazy("title", "Prof")),
    },
    "bag": {
        "checked": Word(pgettext_lazy("bag", "Checked"), DONE),
        "removed": Word(pgettext_lazy("bag", "Taken off")),
        "flown": Word(pgettext_lazy("bag", "Flown")),
    },
    "pass": {
        "good": Word(pgettext_lazy("boarding pass", "Good"), DONE),
        "refunded": Word(pgettext_lazy("boarding pass", "Refunded")),
        "void": Word(pgettext_lazy("boarding pass", "Void")),
        "exchanged": Word(pgettext_lazy("boarding pass", "Exchanged")),
        "reissued": Word(pgettext_lazy("boarding pass", "Replaced")),
        "offloaded": Word(pgettext_lazy("boarding pass", "Check-in undone")),
        "flight_changed": Word(pgettext_lazy("boarding pass", "On another flight")),
        "no_show": Word(pgettext_lazy("boarding pass", "Not used")),
    },
}


def word(kind: str, code: str) -> Word:
    """Return a code's word and tone."""
    return WORDS.get(kind, {}).get(code) or Word(code)
