"""Dates, times and money of the pages in the visitor's language, by the CLDR's rules (Babel).

Times are aware; give them in the zone that they are to be read in (an airport's).
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

from babel import Locale, dates, numbers
from babel.units import format_unit
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext

from skybridge import sending
from skybridge.exceptions import DomainError
from skybridge.refusals import advice_on

register = template.Library()

# Right-to-left words around an amount: its sign stays before the number, the dollar with its letters, as in US$.
NUMBER = re.compile(r"-?\d[\d.,]*")
NUMBER_ALONE = "\N{LEFT-TO-RIGHT ISOLATE}\\g<0>\N{POP DIRECTIONAL ISOLATE}"
AMOUNT_ALONE = "\N{RIGHT-TO-LEFT ISOLATE}%s\N{LEFT-TO-RIGHT MARK}\N{POP DIRECTIONAL ISOLATE}"


def locale() -> Locale:
    return Locale.parse(get_language() or "en", sep="-")


@register.filter
def money(amount: Decimal | float | None, currency: str) -> str:
    """Write an amount with its currency."""
    if amount is None:
        return ""
    here = locale()
    written = numbers.format_currency(amount, currency or "USD", locale=here)
    return written if here.text_direction == "ltr" else AMOUNT_ALONE % NUMBER.sub(NUMBER_ALONE, written)


def decimal(amount: Decimal | str) -> str:
    """Write an amount whose currency is known from beside."""
    return numbers.format_decimal(amount, format="#,##0.00", locale=locale())


@register.filter
def day(value: date | datetime | None) -> str:
    """Write a day with its weekday: Sat, Nov 21."""
    return "" if value is None else dates.format_skeleton("MMMEd", value, tzinfo=zone(value), locale=locale())


@register.filter
def full_day(value: date | datetime | None) -> str:
    """Write a day with its year."""
    return "" if value is None else dates.format_skeleton("yMMMEd", value, tzinfo=zone(value), locale=locale())


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """Write a time of day as a `<time>`, on 24 hours, as airports do."""
    if value is None:
        return ""
    text = dates.format_skeleton("Hm", value, tzinfo=zone(value), locale=locale())
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="minutes"), text)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """Write a day and a time with its zone's name."""
    if value is None:
        return ""
    here, written = locale(), []
    for skeleton in ("Hm", "yMMMd"):
        written.append(dates.format_skeleton(skeleton, value, tzinfo=zone(value), locale=here))
    name = dates.format_time(value, "z", tzinfo=zone(value), locale=here)
    if name.startswith(("+", "-")):  # the CLDR has no short name here, as for New York in Spanish
        name = dates.get_timezone_gmt(value, width="long", locale=here)
    text = f"{here.datetime_formats['medium'].format(*written)} {name}"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="minutes"), text)


@register.filter
def lasting(value: timedelta | None) -> str:
    """Write a duration in hours and minutes: 6h 10m."""
    if value is None:
        return ""
    minutes = int(value.total_seconds()) // 60
    parts = [(minutes // 60, "hour"), (minutes % 60, "minute")]
    written = [numbers_unit(number, unit) for number, unit in parts if number]
    return " ".join(written) or numbers_unit(0, "minute")


@register.filter
def advice(refusal: DomainError | None) -> str:
    """Write what to do after a refusal, "" where nobody knows."""
    return advice_on(refusal) if refusal else ""


def numbers_unit(number: int, unit: str) -> str:
    name, here = f"duration-{unit}", locale()
    written = format_unit(number, name, length="narrow", locale=here)
    # Where the CLDR has no narrow form, as in Arabic, Babel writes the unit's name.
    return written if name not in written else format_unit(number, name, length="short", locale=here)


def zone(value: date | datetime):
    return value.tzinfo if isinstance(value, datetime) else None


@register.simple_tag
def sent_once() -> SafeString:
    """Write the field by which a form is carried out once, see `skybridge/sending.py`."""
    return format_html('<input type="hidden" name="{}" value="{}">', sending.FIELD, sending.new_token())


@register.simple_tag
def comma() -> str:
    """Write the comma between two parts of a line, which Arabic writes otherwise."""
    return pgettext("between the parts of a seat's name, such as 12A, window, free", ", ")


@register.filter
def country(code: str) -> str:
    """Write a country's name from its two letters."""
    return locale().territories.get(code, code)


@register.filter
def until(value: datetime | None) -> str:
    """Write how long it is until a moment, to the minute."""
    return "" if value is None else lasting(max(value - timezone.now(), timedelta(0)))
