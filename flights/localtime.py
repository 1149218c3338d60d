"""Local wall-clock times to instants, right across clock changes.

A time that does not occur (clocks go forward) is read with the offset before the gap, so 02:30 becomes the instant of
03:30; a time that occurs twice (clocks go back) means its first occurrence unless a stated offset picks the second.
Source: RFC 5545, section 3.3.5.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

zone = cache(ZoneInfo)


class Instant(NamedTuple):
    """A moment in UTC, and a note where the wall-clock time was none or two."""

    at: datetime
    note: str = ""


@lru_cache(maxsize=65_536)
def offset_on(zone_name: str, day: date) -> timedelta | None:
    """Return a zone's offset from UTC on a day, or None on a day when it changes."""
    midnight = datetime.combine(day, time(), zone(zone_name))
    offset = midnight.utcoffset()
    return offset if offset == (midnight + timedelta(days=1)).utcoffset() else None


def to_instant(wall: datetime, zone_name: str, stated: timedelta | None = None) -> Instant:
    """Return the instant of a naive wall-clock time; `stated` is the offset that its source gives, if any."""
    offset = offset_on(zone_name, wall.date())
    if offset is not None:
        return Instant((wall - offset).replace(tzinfo=UTC))
    return across_clock_change(wall, zone_name, stated)


def across_clock_change(wall: datetime, zone_name: str, stated: timedelta | None) -> Instant:
    first = wall.replace(tzinfo=zone(zone_name))
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return Instant(first.astimezone(UTC))
    instant = first.astimezone(UTC)
    shown = instant.astimezone(first.tzinfo)
    if shown.replace(tzinfo=None) != wall:
        return Instant(instant, f"{wall:%H:%M} does not occur in {zone_name} on {wall:%Y-%m-%d}: read as {shown:%H:%M}")
    if stated == second.utcoffset():
        return Instant(second.astimezone(UTC))
    return Instant(instant, f"{wall:%H:%M} occurs twice in {zone_name} on {wall:%Y-%m-%d}: read as the first")


def local_date(at: datetime, zone_name: str) -> date:
    return at.astimezone(zone(zone_name)).date()
