"""Fares by a documented formula, their tax lines, and what each type of passenger pays.

An adult's base fare, one way, in settings.CURRENCY:

    (FIXED + RATE_NEAR x the first 1,500 miles + RATE_FAR x the rest) x cabin x day and time

The fare basis says cabin and day: `YXOW` is economy on a weekday, `W` a weekend (Friday to Sunday), `N` a departure at
night. Figures are a demo airline's, not any carrier's; an airline puts its own fares into `flights.Fare`.

Rules go with the fare basis too: economy is refundable at the weekend's dearer fare only (fee 75; change fee 50, else
99), premium economy the same, business for a fee of 25, first without any; the last two change without a fee. See
docs/fares.md.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from flights.models import Airport, Cabin, Fare
from skybridge.money import rounded

EARTH_RADIUS_MI = 3958.8
FIXED = Decimal("39")
RATE_NEAR = Decimal("0.08")
RATE_FAR = Decimal("0.05")
NEAR_MI = 1500
CABIN_FACTOR = {
    Cabin.FIRST: Decimal("4.5"),
    Cabin.BUSINESS: Decimal("2.8"),
    Cabin.PREMIUM: Decimal("1.6"),
    Cabin.ECONOMY: Decimal("1"),
}
MARK_FACTOR = {"X": Decimal("1"), "W": Decimal("1.2"), "N": Decimal("0.8")}

# --- Taxes. Source: domain notes on US taxes; amounts as of 2025, to be kept current by whoever sells for real. ---
DOMESTIC = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})
PERCENTAGE_TAXES = {"US": Decimal("0.075")}  # of the base fare; charged on domestic flights only
US_DOMESTIC = {"ZP": Decimal("5.20"), "AY": Decimal("5.60"), "XF": Decimal("4.50")}
FROM_US = {"AY": Decimal("5.60"), "XF": Decimal("4.50")}
TO_US = {"XY": Decimal("7.00"), "YC": Decimal("7.20"), "XA": Decimal("3.84")}
ELSEWHERE = {"XT": Decimal("18.00")}  # one flat line for the airport charges of any other country of departure
REFUNDABLE_TAXES = frozenset({"AY", "YC", "XY", "XA", "XT"})

# --- Rules by cabin and day: refundable, cancel fee, change fee. ---
REFUNDABLE_FOR_A_FEE = (True, Decimal("75"), Decimal("50"))
ECONOMY_RULES = {
    "X": (False, Decimal("99"), Decimal("99")),
    "W": REFUNDABLE_FOR_A_FEE,
    "N": (False, Decimal("99"), Decimal("99")),
}
CABIN_RULES = {
    Cabin.FIRST: (True, Decimal("0"), Decimal("0")),
    Cabin.BUSINESS: (True, Decimal("25"), Decimal("0")),
    Cabin.PREMIUM: REFUNDABLE_FOR_A_FEE,
}

# --- Passenger types: share of the adult's base fare. Percentage taxes follow it; fixed taxes are per seat. ---
BASE_SHARE = {"ADT": Decimal("1"), "CHD": Decimal("0.75"), "INF": Decimal("0.10"), "INS": Decimal("0.75")}
WITHOUT_FIXED_TAXES = frozenset({"INF"})


class Price(NamedTuple):
    """What one passenger pays for one flight; `total_amount` is exactly base plus the tax lines."""

    base_amount: Decimal
    taxes: list[dict]
    total_amount: Decimal


class FareRules(NamedTuple):
    """By which rules a fare is refunded and changed; fees are per passenger and flight, in the fare's currency."""

    is_refundable: bool
    is_changeable: bool
    change_fee_amount: Decimal
    cancel_fee_amount: Decimal
    free_cancel_hours: int
    free_cancel_days_ahead: int
    void_same_day: bool

    def snapshot(self, currency: str) -> dict[str, Any]:
        """Return the rules as a coupon keeps them from its sale on: money is text, as in tax lines."""
        return self._asdict() | {
            "change_fee_amount": str(rounded(self.change_fee_amount, currency)),
            "cancel_fee_amount": str(rounded(self.cancel_fee_amount, currency)),
        }

    def free_hours(self, departs_at: datetime | None, sold_at: datetime) -> int:
        """Return for how many hours after a sale all goes back; 0 if the flight leaves too soon for that."""
        soon = departs_at is not None and departs_at - sold_at < timedelta(days=self.free_cancel_days_ahead)
        return 0 if soon else self.free_cancel_hours

    @classmethod
    def of(cls, snapshot: dict[str, Any]) -> "FareRules":
        """Return the rules of a snapshot; an empty one is of a coupon that was sold when all were refunded whole."""
        if not snapshot:
            return REFUNDED_WHOLE
        fees = {name: Decimal(snapshot[name]) for name in ("change_fee_amount", "cancel_fee_amount")}
        return cls(**{name: snapshot[name] for name in cls._fields} | fees)


REFUNDED_WHOLE = FareRules(True, True, Decimal(0), Decimal(0), 24, 7, True)


class Priced(Protocol):
    """A fare, or an offer that carries one."""

    @property
    def base_amount(self) -> Decimal: ...
    @property
    def taxes(self) -> list: ...
    @property
    def currency(self) -> str: ...


def price_for(fare: Priced, passenger_type: str) -> Price:
    """Return what a passenger of a type (ADT, CHD, INF, INS) pays where an adult pays `fare`, in its currency."""
    base = rounded(fare.base_amount * BASE_SHARE[passenger_type], fare.currency)
    lines = []
    for line in fare.taxes:
        rate = PERCENTAGE_TAXES.get(line["code"])
        if rate is not None:
            lines.append({**line, "amount": str(rounded(base * rate, fare.currency))})
        elif passenger_type not in WITHOUT_FIXED_TAXES:
            lines.append(line)
    return Price(base, lines, base + sum_of(lines))


def sum_of(taxes: Iterable[dict]) -> Decimal:
    return sum((Decimal(line["amount"]) for line in taxes), Decimal(0))


def distance_mi(origin: Airport, destination: Airport) -> float:
    """Return the great-circle distance in statute miles. Source: haversine formula on a sphere."""
    lat1, lat2 = radians(origin.latitude), radians(destination.latitude)
    half_lat = (lat2 - lat1) / 2
    half_lon = radians(destination.longitude - origin.longitude) / 2
    chord = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_MI * asin(min(1.0, sqrt(chord)))


def day_mark(departs_locally_at: datetime) -> str:
    """Return N for a departure from 22:00 to 05:59 local time, else W for Friday to Sunday, else X."""
    if departs_locally_at.hour >= 22 or departs_locally_at.hour < 6:
        return "N"
    return weekend_mark(departs_locally_at.date())


def weekend_mark(day: date) -> str:
    return "W" if day.isoweekday() >= 5 else "X"


def fare_basis(cabin: str, mark: str) -> str:
    """Return a one-way fare basis such as YXOW: booking class, day mark, OW."""
    return f"{cabin}{mark}OW"


def base_fare(miles: int, cabin: str, mark: str, currency: str) -> Decimal:
    near, far = min(miles, NEAR_MI), max(miles - NEAR_MI, 0)
    amount = FIXED + RATE_NEAR * near + RATE_FAR * far
    return rounded(amount * CABIN_FACTOR[Cabin(cabin)] * MARK_FACTOR[mark], currency)


def tax_lines(origin_country: str, destination_country: str, base: Decimal, currency: str) -> list[dict]:
    """Return the tax lines of one flight: domestic US, from or to the US, or the flat default elsewhere."""
    leaves_us, reaches_us = origin_country in DOMESTIC, destination_country in DOMESTIC
    if leaves_us and reaches_us:
        amounts = {code: base * rate for code, rate in PERCENTAGE_TAXES.items()} | US_DOMESTIC
    else:
        amounts = (FROM_US if leaves_us else ELSEWHERE) | (TO_US if reaches_us else {})
    return [
        {"code": code, "amount": str(rounded(amount, currency)), "refundable": code in REFUNDABLE_TAXES}
        for code, amount in amounts.items()
    ]


def fare_for(origin: Airport, destination: Airport, cabin: str, mark: str) -> Fare:
    """Return the formula's fare, unsaved, in settings.CURRENCY."""
    currency = settings.CURRENCY
    base = base_fare(round(distance_mi(origin, destination)), cabin, mark, currency)
    is_refundable, cancel_fee, change_fee = CABIN_RULES.get(Cabin(cabin)) or ECONOMY_RULES[mark]
    taxes = tax_lines(origin.country, destination.country, base, currency)
    return Fare(
        origin=origin,
        destination=destination,
        cabin=cabin,
        fare_basis=fare_basis(cabin, mark),
        currency=currency,
        base_amount=base,
        taxes=taxes,
        total_amount=base + sum_of(taxes),
        is_refundable=is_refundable,
        cancel_fee_amount=rounded(cancel_fee, currency),
        change_fee_amount=rounded(change_fee, currency),
    )
