"""The gate's decision: whether a boarding pass is good for boarding, and if not, the one reason. Pure.

Checks stand in the order in which they are made (`CHECKS`): what the text is, whose pass it is, which flight it is for,
what has become of passenger and pass, and the time last. docs/gate.md has the table of reasons.
"""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from flights.models import Flight
from skybridge.times import utc_text
from ticketing.bcbp import BcbpError, decode_leniently
from ticketing.bcbp.decoding import message
from ticketing.models import BoardingPass, Coupon
from ticketing.passes import digest_of
from ticketing.signatures import Outcome, verify


class Reason(StrEnum):
    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN = "unknown"
    OTHER_DATE = "other_date"
    OTHER_FLIGHT = "other_flight"
    FLIGHT_CANCELLED = "flight_cancelled"
    VOIDED = "voided"
    REFUNDED = "refunded"
    EXCHANGED = "exchanged"
    ALREADY_BOARDED = "already_boarded"
    FLIGHT_CHANGED = "flight_changed"
    OFFLOADED = "offloaded"
    SUPERSEDED = "superseded"
    NO_SHOW = "no_show"
    NOT_CHECKED_IN = "not_checked_in"
    FLIGHT_DEPARTED = "flight_departed"
    GATE_CLOSED = "gate_closed"
    TOO_EARLY = "too_early"
    REFUSED_BY_DEVICE = "refused_by_device"
    NONCE_REUSED = "nonce_reused"


MESSAGES = {
    Reason.UNREADABLE: "This is not a boarding pass.",
    Reason.UNSIGNED: "Nobody has signed this boarding pass.",
    Reason.UNKNOWN_KEY: "This boarding pass is signed with a key that is not ours.",
    Reason.BAD_SIGNATURE: "The signature is not of this text: it was changed or damaged.",
    Reason.UNKNOWN: "There is no such boarding pass.",
    Reason.OTHER_DATE: "This boarding pass is for the same flight on another date.",
    Reason.OTHER_FLIGHT: "This boarding pass is for another flight.",
    Reason.FLIGHT_CANCELLED: "The flight is cancelled.",
    Reason.VOIDED: "The ticket is void.",
    Reason.REFUNDED: "The ticket was refunded.",
    Reason.EXCHANGED: "The ticket was exchanged for another one.",
    Reason.ALREADY_BOARDED: "The passenger has boarded already.",
    Reason.FLIGHT_CHANGED: "The passenger was moved to another flight.",
    Reason.OFFLOADED: "The passenger's check-in was undone.",
    Reason.SUPERSEDED: "The passenger has a newer boarding pass.",
    Reason.NO_SHOW: "The flight was closed out without the passenger.",
    Reason.NOT_CHECKED_IN: "The passenger is not checked in.",
    Reason.FLIGHT_DEPARTED: "The flight has left.",
    Reason.GATE_CLOSED: "The gate is closed.",
    Reason.TOO_EARLY: "Boarding is not open yet.",
    Reason.REFUSED_BY_DEVICE: "The device had turned the passenger away.",
    Reason.NONCE_REUSED: "This nonce was used for another boarding pass on this flight.",
}
SIGNATURES = {
    Outcome.UNSIGNED: Reason.UNSIGNED,
    Outcome.UNKNOWN_KEY: Reason.UNKNOWN_KEY,
    Outcome.BAD_SIGNATURE: Reason.BAD_SIGNATURE,
}
GIVEN_UP = {
    Coupon.Status.VOID: Reason.VOIDED,
    Coupon.Status.REFUNDED: Reason.REFUNDED,
    Coupon.Status.EXCHANGED: Reason.EXCHANGED,
}
ENDS = {
    BoardingPass.End.REISSUED: Reason.SUPERSEDED,
    BoardingPass.End.OFFLOADED: Reason.OFFLOADED,
    BoardingPass.End.FLIGHT_CHANGED: Reason.FLIGHT_CHANGED,
    BoardingPass.End.NO_SHOW: Reason.NO_SHOW,
}
ABOARD = (Coupon.Status.LIFTED, Coupon.Status.FLOWN)
# A pass that ended so was good until then; one of a passenger who was taken off, or moved, is not.
GOOD_UNTIL_ENDED = (BoardingPass.End.REISSUED, BoardingPass.End.NO_SHOW)


class Presented(NamedTuple):
    """A scanned text without the scanner's prefix and line ends, and what is wrong with it as such."""

    text: str
    digest: bytes
    reason: Reason | None


class GateFlight(NamedTuple):
    """A flight as its gate knows it."""

    id: UUID
    carrier: str
    flight_number: int
    operational_suffix: str
    departure_date: date
    origin: str
    destination: str
    departs_at: datetime
    status: str
    gate: str
    closed_at: datetime | None

    @property
    def designator(self) -> str:
        return f"{self.carrier}{self.flight_number}{self.operational_suffix}"

    @property
    def opens_at(self) -> datetime:
        return self.departs_at - settings.BOARDING_OPENS

    @property
    def closes_at(self) -> datetime:
        """Return when boarding ends: at the close-out, or before."""
        due = self.departs_at - settings.BOARDING_CLOSES
        return min(due, self.closed_at) if self.closed_at else due


class PassFacts(NamedTuple):
    """A boarding pass that we have issued, with its passenger and what has become of both."""

    seat: str
    sequence_number: int
    ended_at: datetime | None
    end_reason: str
    coupon_id: UUID
    coupon_flight_id: UUID | None
    coupon_status: str
    is_no_show: bool
    boarded_at: datetime | None
    cabin: str
    ticket_id: UUID
    number: str | None
    surname: str
    given_name: str
    title: str
    passenger_type: str
    booking_id: UUID
    locator: str
    version: int
    order_id: UUID | None
    agency_id: UUID | None
    user_id: str

    def was_good(self, at: datetime) -> bool:
        if self.ended_at is None:
            return True
        return self.end_reason in GOOD_UNTIL_ENDED and at < self.ended_at


class Case(NamedTuple):
    """What a gate decides on. `found` is None for a pass that we do not know, or that the caller may not know of.

    `gate` is the flight that boards there, None where nobody says. `at` is when the pass was scanned, before
    `received_at` if it was scanned offline; `has_boarded` tells that the device has let the passenger pass by itself.
    """

    presented: Presented
    found: PassFacts | None
    flight: GateFlight | None
    gate: GateFlight | None
    at: datetime
    received_at: datetime
    has_boarded: bool = False


def read_barcode(text: str) -> Presented:
    """Return what a scanned text is; whatever it is, this does not fail."""
    normal = message(text)
    reason = SIGNATURES.get(verify(normal).outcome)
    if reason is None:
        return Presented(normal, digest_of(normal), None)
    return Presented(normal, b"", reason if is_readable(normal) else Reason.UNREADABLE)


def is_readable(text: str) -> bool:
    try:
        decode_leniently(text)
    except BcbpError:
        return False
    return True


def decide(case: Case) -> Reason | None:
    """Return the first reason to refuse a pass, None for one that is good for boarding."""
    for check in CHECKS:
        if reason := check(case):
            return reason
    return None


def check_text(case: Case) -> Reason | None:
    return case.presented.reason or (None if case.found else Reason.UNKNOWN)


def check_flight(case: Case) -> Reason | None:
    flight, gate = flight_of(case), case.gate
    if gate and gate.id != flight.id:
        same = (gate.designator, gate.origin) == (flight.designator, flight.origin)
        return Reason.OTHER_DATE if same else Reason.OTHER_FLIGHT
    return Reason.FLIGHT_CANCELLED if flight.status == Flight.Status.CANCELLED else None


def check_coupon(case: Case) -> Reason | None:
    found = facts_of(case)
    if reason := GIVEN_UP.get(Coupon.Status(found.coupon_status)):
        return reason
    if found.coupon_status in ABOARD and not is_earlier(case):
        return Reason.ALREADY_BOARDED
    return Reason.FLIGHT_CHANGED if found.coupon_flight_id != flight_of(case).id else None


def check_pass(case: Case) -> Reason | None:
    found = facts_of(case)
    if found.ended_at and not found.was_good(case.at):
        return ENDS[BoardingPass.End(found.end_reason)]
    if found.coupon_status != Coupon.Status.OPEN:
        return None
    if found.ended_at and (found.is_no_show or found.end_reason == BoardingPass.End.NO_SHOW):
        return None  # boarded before a close-out that did not know of it
    return Reason.NO_SHOW if found.is_no_show else Reason.NOT_CHECKED_IN


def check_time(case: Case) -> Reason | None:
    flight = flight_of(case)
    has_left = flight.status == Flight.Status.DEPARTED and case.at >= case.received_at
    if case.at >= flight.departs_at or has_left:
        return Reason.FLIGHT_DEPARTED
    if case.at >= flight.closes_at:
        return Reason.GATE_CLOSED
    return Reason.TOO_EARLY if case.at < flight.opens_at else None


CHECKS: tuple[Callable[[Case], Reason | None], ...] = (check_text, check_flight, check_coupon, check_pass, check_time)


def is_earlier(case: Case) -> bool:
    """Tell whether a device had boarded the passenger before the boarding that we know of."""
    boarded_at = facts_of(case).boarded_at
    return case.has_boarded and boarded_at is not None and case.at < boarded_at


def facts_of(case: Case) -> PassFacts:
    """Return the facts of a pass that is known: later checks are made of such ones only."""
    assert case.found
    return case.found


def flight_of(case: Case) -> GateFlight:
    assert case.flight
    return case.flight


def times_of(case: Case, reason: Reason | None) -> dict[str, Any]:
    """Return the moments that belong to a reason: `boarded_at`, `opens_at`, `closed_at`."""
    moments: dict[str, datetime | None] = {"boarded_at": None, "opens_at": None, "closed_at": None}
    if reason == Reason.ALREADY_BOARDED:
        moments["boarded_at"] = facts_of(case).boarded_at
    elif reason == Reason.TOO_EARLY:
        moments["opens_at"] = flight_of(case).opens_at
    elif reason in (Reason.GATE_CLOSED, Reason.NO_SHOW):
        moments["closed_at"] = flight_of(case).closes_at
    return {name: utc_text(moment) for name, moment in moments.items()}
