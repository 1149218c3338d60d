"""Times as text: ISO 8601 with a zone."""

from datetime import datetime


def utc_text(moment: datetime | None) -> str | None:
    """Return `2026-11-21T08:00:00.123456Z` for an aware UTC time."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
