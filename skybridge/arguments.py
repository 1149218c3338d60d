"""What commands are given in words."""

from argparse import ArgumentTypeError
from datetime import date


def day_of(text: str) -> date:
    """Return the day that a command is given. Raises ArgumentTypeError, which says how to write one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a date; write one as 2026-12-01") from None
