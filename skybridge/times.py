"""Times as text (ISO 8601 with a zone), and where days begin."""

from datetime import UTC, date, datetime, time


def utc_text(moment: datetime | None) -> str | None:
    """Return `2026-11-21T08:00:00.123456Z` for an aware UTC time."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def day_start(day: date) -> datetime:
    """Return the first moment of a day in UTC."""
    return datetime.combine(day, time.min, UTC)
