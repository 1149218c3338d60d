"""What a cancellation or a change of sold coupons costs, by the fare rules that each was sold under. No queries.

A cancellation, coupon by coupon, the first that applies:

1. involuntary (a flight of the booking is cancelled, or was disrupted and there is a choice): everything goes back;
2. `void_same_day`: everything until the day of issue ends. The day is UTC's: a sale by API has no place of its own, and
   one day for all its tickets keeps a journey across zones whole. Source: BSP practice, void on the day of issue;
3. `free_cancel_hours`: everything within 24 hours of the issue, if that was 7 days or more before the coupon's own
   departure. Source: 14 CFR 259.5(b)(4);
4. refundable: the fare less the cancel fee, never below 0, and all taxes: a penalty never eats taxes;
5. else the refundable tax lines only.

A change costs the change fee of each changed coupon, except under 1 to 3, and the difference of fare and taxes. What
becomes cheaper goes back under 1 to 4 (a refundable tax line always) and is forfeited otherwise.

A ticket from an exchange keeps the moment of its first issue, so that a change opens no new free window, and a fare
that was not refundable stays so. A pending booking's coupons are not sold: they cost nothing and bring nothing back.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import Any, NamedTuple
from uuid import UUID

from bookings.documents import BookingView
from bookings.models import Booking
from flights.fares import FareRules, sum_of
from flights.models import Flight
from skybridge.money import rounded
from ticketing.documents import CouponFacts, TicketFacts

ZERO = Decimal(0)
FIRST_ISSUED = "first_issued_at"  # beside the rules in the snapshot of an exchanged coupon
FREE_UNTIL = "involuntary_until"  # beside them too: a flight of the booking was disrupted, and there is a choice


class Basis(StrEnum):
    """By which rule a coupon's value is divided."""

    NOT_SOLD = "not_sold"
    INVOLUNTARY = "involuntary"
    VOID = "void"
    FREE = "free_cancellation"
    REFUNDABLE = "refundable"
    NOT_REFUNDABLE = "not_refundable"


WHOLE = (Basis.INVOLUNTARY, Basis.VOID, Basis.FREE)


class SoldCoupon(NamedTuple):
    """A coupon as the rules look at it; `issued_at` is None until its ticket is issued."""

    coupon_id: UUID
    ticket_id: UUID
    currency: str
    fare_amount: Decimal
    taxes: Sequence[dict[str, Any]]
    rules: FareRules
    issued_at: datetime | None
    departs_at: datetime | None
    is_sold: bool = True
    is_flight_cancelled: bool = False
    involuntary_until: datetime | None = None

    def is_involuntary(self, at: datetime) -> bool:
        return self.is_flight_cancelled or (self.involuntary_until is not None and at < self.involuntary_until)

    @property
    def paid_amount(self) -> Decimal:
        return self.fare_amount + sum_of(self.taxes) if self.is_sold else ZERO


class Settlement(NamedTuple):
    """What a change or cancellation costs, in signed amounts: positive ones are to be paid, negative ones go back.

    `taxes` maps codes to amounts; `kept_amount` is the value that nobody gets back. Everything given up is worth
    what goes back, the penalty and what is kept.
    """

    currency: str
    fare_amount: Decimal = ZERO
    taxes: dict[str, Decimal] = {}
    penalty_amount: Decimal = ZERO
    kept_amount: Decimal = ZERO

    @property
    def tax_amount(self) -> Decimal:
        return sum(self.taxes.values(), ZERO)

    @property
    def due_amount(self) -> Decimal:
        """Return what is to be paid; negative: what goes back."""
        return self.fare_amount + self.tax_amount + self.penalty_amount

    @property
    def refund_amount(self) -> Decimal:
        return max(-self.due_amount, ZERO)

    @property
    def lines(self) -> list[dict[str, str]]:
        """Return FARE, the tax codes and PENALTY with their amounts (text), which add up to `due_amount`."""
        amounts = {"FARE": self.fare_amount, **self.taxes, "PENALTY": self.penalty_amount}
        return [
            {"code": code, "amount": str(rounded(amount, self.currency))} for code, amount in amounts.items() if amount
        ]

    @property
    def reversed(self) -> "Settlement":
        """Return the settlement that takes this one back."""
        taxes = {code: -amount for code, amount in self.taxes.items()}
        return Settlement(self.currency, -self.fare_amount, taxes, -self.penalty_amount, self.kept_amount)

    def plus(self, other: "Settlement") -> "Settlement":
        """Return both together; `other` has the same currency."""
        codes = {**self.taxes, **other.taxes}
        return Settlement(
            self.currency or other.currency,
            self.fare_amount + other.fare_amount,
            {code: self.taxes.get(code, ZERO) + other.taxes.get(code, ZERO) for code in codes},
            self.penalty_amount + other.penalty_amount,
            self.kept_amount + other.kept_amount,
        )


def together(currency: str, parts: Iterable[Settlement]) -> Settlement:
    return reduce(Settlement.plus, parts, Settlement(currency))


class CouponTerms(NamedTuple):
    """What comes of one coupon; `taxes` are the tax lines that go back, `kept_amount` is forfeited."""

    coupon_id: UUID
    ticket_id: UUID
    currency: str
    basis: Basis
    fare_refund_amount: Decimal
    taxes: list[dict[str, Any]]
    penalty_amount: Decimal
    kept_amount: Decimal

    @property
    def tax_refund_amount(self) -> Decimal:
        return sum_of(self.taxes)

    @property
    def refund_amount(self) -> Decimal:
        return self.fare_refund_amount + self.tax_refund_amount

    @property
    def settlement(self) -> Settlement:
        taxes: dict[str, Decimal] = {}
        for line in self.taxes:
            taxes[line["code"]] = taxes.get(line["code"], ZERO) - Decimal(line["amount"])
        fare = -self.fare_refund_amount - self.penalty_amount
        return Settlement(self.currency, fare, taxes, self.penalty_amount, self.kept_amount)


class Terms(NamedTuple):
    """What comes of several coupons that are given up."""

    currency: str
    coupons: list[CouponTerms]

    @property
    def fare_refund_amount(self) -> Decimal:
        return sum((coupon.fare_refund_amount for coupon in self.coupons), ZERO)

    @property
    def tax_refund_amount(self) -> Decimal:
        return sum((coupon.tax_refund_amount for coupon in self.coupons), ZERO)

    @property
    def penalty_amount(self) -> Decimal:
        return sum((coupon.penalty_amount for coupon in self.coupons), ZERO)

    @property
    def kept_amount(self) -> Decimal:
        return sum((coupon.kept_amount for coupon in self.coupons), ZERO)

    @property
    def refund_amount(self) -> Decimal:
        return self.fare_refund_amount + self.tax_refund_amount

    @property
    def settlement(self) -> Settlement:
        return together(self.currency, (coupon.settlement for coupon in self.coupons))


# --- From a booking ---


def sold_coupons(view: BookingView) -> list[SoldCoupon]:
    """Return the coupons of a booking that still count, in order of passengers and travel."""
    return [sold_coupon(view, ticket, coupon) for ticket, coupons in view.tickets for coupon in coupons]


def sold_coupon(view: BookingView, ticket: TicketFacts, coupon: CouponFacts) -> SoldCoupon:
    flight = view.flights.get(coupon.flight_id) if coupon.flight_id else None
    first, free_until = coupon.fare_rules.get(FIRST_ISSUED), coupon.fare_rules.get(FREE_UNTIL)
    return SoldCoupon(
        coupon.id,
        ticket.id,
        coupon.currency,
        coupon.fare_amount,
        coupon.taxes,
        FareRules.of(coupon.fare_rules),
        datetime.fromisoformat(first) if first else ticket.issued_at,
        flight.departs_at if flight else None,
        is_sold=view.booking.status == Booking.Status.CONFIRMED,
        is_flight_cancelled=flight is not None and flight.status == Flight.Status.CANCELLED,
        involuntary_until=datetime.fromisoformat(free_until) if free_until else None,
    )


def is_involuntary(view: BookingView) -> bool:
    """Tell whether the airline has cancelled a flight of the booking: then all of it goes back without a penalty."""
    return any(flight.status == Flight.Status.CANCELLED for flight in view.flights.values())


# --- The rules ---


def cancellation_terms(coupons: Sequence[SoldCoupon], at: datetime, *, involuntary: bool = False) -> Terms:
    """Return what comes of giving coupons of one currency up; a disrupted flight among them makes it involuntary."""
    involuntary = involuntary or any(coupon.is_involuntary(at) for coupon in coupons)
    currency = coupons[0].currency if coupons else ""
    return Terms(currency, [coupon_terms(coupon, basis_of(coupon, at, involuntary)) for coupon in coupons])


def basis_of(coupon: SoldCoupon, at: datetime, involuntary: bool) -> Basis:
    if not coupon.is_sold:
        return Basis.NOT_SOLD
    if involuntary:
        return Basis.INVOLUNTARY
    if coupon.issued_at is None or (coupon.rules.void_same_day and is_same_day(coupon.issued_at, at)):
        return Basis.VOID
    if is_within_free_hours(coupon.rules, coupon.issued_at, coupon.departs_at, at):
        return Basis.FREE
    return Basis.REFUNDABLE if coupon.rules.is_refundable else Basis.NOT_REFUNDABLE


def is_same_day(issued_at: datetime, at: datetime) -> bool:
    return issued_at.astimezone(UTC).date() == at.astimezone(UTC).date()


def is_within_free_hours(rules: FareRules, issued_at: datetime, departs_at: datetime | None, at: datetime) -> bool:
    hours = rules.free_hours(departs_at, issued_at)
    return hours > 0 and at <= issued_at + timedelta(hours=hours)


def coupon_terms(coupon: SoldCoupon, basis: Basis) -> CouponTerms:
    """Divide a coupon's value: what goes back, the penalty and what is kept add up to what was paid."""
    fare, penalty = ZERO, ZERO
    taxes: list[dict[str, Any]] = []
    if basis in WHOLE:
        fare, taxes = coupon.fare_amount, list(coupon.taxes)
    elif basis == Basis.REFUNDABLE:
        penalty = min(coupon.rules.cancel_fee_amount, coupon.fare_amount)
        fare, taxes = coupon.fare_amount - penalty, list(coupon.taxes)
    elif basis == Basis.NOT_REFUNDABLE:
        taxes = [line for line in coupon.taxes if line["refundable"]]
    kept = coupon.paid_amount - fare - sum_of(taxes) - penalty
    return CouponTerms(coupon.coupon_id, coupon.ticket_id, coupon.currency, basis, fare, taxes, penalty, kept)


def purchase(coupons: Iterable[CouponFacts]) -> Settlement:
    """Return what new coupons cost."""
    return together("", (Settlement(k.currency, k.fare_amount, tax_amounts(k.taxes)) for k in coupons))


def exchange_settlement(
    exchanges: Sequence[tuple[SoldCoupon, CouponFacts]], at: datetime, *, involuntary: bool = False
) -> Settlement:
    """Return what it costs to exchange sold coupons for new ones of the same currency."""
    involuntary = involuntary or any(old.is_involuntary(at) for old, _ in exchanges)
    return together("", (exchange_of(old, new, basis_of(old, at, involuntary)) for old, new in exchanges))


def exchange_of(old: SoldCoupon, new: CouponFacts, basis: Basis) -> Settlement:
    if basis == Basis.NOT_SOLD:
        return Settlement(old.currency)
    gives_back = basis in WHOLE or basis == Basis.REFUNDABLE
    refundable = {line["code"] for line in old.taxes if line["refundable"] or gives_back}
    before, after = tax_amounts(old.taxes), tax_amounts(new.taxes)
    changes = {code: after.get(code, ZERO) - before.get(code, ZERO) for code in {**before, **after}}
    taxes = {code: change for code, change in changes.items() if change > 0 or code in refundable}
    difference = new.fare_amount - old.fare_amount
    fare = difference if difference > 0 or gives_back else ZERO
    penalty = ZERO if basis in WHOLE else old.rules.change_fee_amount
    kept = fare - difference + sum(taxes.values(), ZERO) - sum(changes.values(), ZERO)
    return Settlement(old.currency, fare, taxes, penalty, kept)


def is_changeable(coupon: SoldCoupon, at: datetime, involuntary: bool) -> bool:
    involuntary = involuntary or coupon.is_involuntary(at)
    return coupon.rules.is_changeable or basis_of(coupon, at, involuntary) in (*WHOLE, Basis.NOT_SOLD)


def carried_over(old: SoldCoupon, rules: dict[str, Any]) -> dict[str, Any]:
    """Return the rules that a coupon of an exchanged ticket is kept under."""
    rules = rules or FareRules.of(rules).snapshot(old.currency)
    first = {FIRST_ISSUED: old.issued_at.isoformat()} if old.issued_at else {}
    return {**rules, **first, "is_refundable": rules["is_refundable"] and old.rules.is_refundable}


def tax_amounts(taxes: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    amounts: dict[str, Decimal] = {}
    for line in taxes:
        amounts[line["code"]] = amounts.get(line["code"], ZERO) + Decimal(line["amount"])
    return amounts
