"""Amounts are Decimal beside an ISO 4217 currency; this module is the only place that rounds or splits them."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

# Source: ISO 4217 minor units; every currency that is not listed has two.
MINOR_UNITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


@cache
def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency, such as 0.01 for USD and 1 for JPY."""
    return Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def split(amount: Decimal, weights: Sequence[Decimal | int], currency: str) -> list[Decimal]:
    """Split an amount in proportion to weights so that the parts add up to it exactly (largest remainder).

    All weights zero splits evenly. Raises ValueError without weights, for a negative weight, or for an amount that
    has more places than its currency.
    """
    unit = minor_unit(currency)
    units = amount / unit
    if not weights or min(weights) < 0 or units != units.to_integral_value():
        raise ValueError(f"cannot split {amount} {currency} by {list(weights)}")
    total = sum(weights)
    shares = [units * w / total if total else units / len(weights) for w in weights]
    parts = [share.to_integral_value("ROUND_FLOOR") for share in map(Decimal, shares)]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - shares[i], i))
    for i in by_remainder[: int(units - sum(parts))]:
        parts[i] += 1
    return [(part * unit).quantize(unit) for part in parts]


def as_number(amount: Decimal) -> float | int:
    """Return the JSON number of an amount: the shortest decimal that reads back as the same amount."""
    text = str(amount)
    return float(text) if "." in text or "E-" in text else int(amount)
