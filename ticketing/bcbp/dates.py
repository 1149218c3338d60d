"""Days of a year without their year, and how the year is found."""

from datetime import date, timedelta

from ticketing.bcbp.layout import Undatable

ISSUE_SLACK = timedelta(days=2)  # clocks and time zones of the issuer
PAST = timedelta(days=90)  # how old a flight may be whose pass does not tell its date of issue
LEAP_YEARS_APART = 8  # around a century year without one


def day_of_year(day: date) -> str:
    return f"{day.timetuple().tm_yday:03}"


def issue_day(day: date) -> str:
    """Return a date of issue as its field has it: the last digit of the year and the day of the year."""
    return f"{day.year % 10}{day_of_year(day)}"


def issue_date(text: str, *, reference: date) -> date:
    """Return the latest date with this digit and day that is not after the reference date and two days.

    Raises Undatable for a day that no such year has, and for anything but four digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise Undatable(f"{text!r} is not a date of issue")
    latest = reference + ISSUE_SLACK
    years = range(latest.year, max(latest.year - 40, 0), -1)
    for year in (year for year in years if year % 10 == int(text[0])):
        day = date_in(year, int(text[1:]))
        if day and day <= latest:
            return day
    raise Undatable(f"there is no day {text[1:]} in years ending in {text[0]}")


def flight_date(day: str, *, reference: date, issued: date | None = None) -> date:
    """Return the date of a flight: the first such day on or after the date of issue.

    Without that, the first one from 90 days before the reference date on. The date is that of the leg's origin.
    Raises Undatable for a day that no near year has, and for anything but one to three digits.
    """
    if not (day.isascii() and day.isdigit() and len(day) <= 3):
        raise Undatable(f"{day!r} is not a day of the year")
    earliest = issued or reference - PAST
    years = range(earliest.year, min(earliest.year + LEAP_YEARS_APART, 9999) + 1)
    for candidate in (date_in(year, int(day)) for year in years):
        if candidate and candidate >= earliest:
            return candidate
    raise Undatable(f"there is no day {day} after {earliest}")


def date_in(year: int, day: int) -> date | None:
    """Return a day of a year, None if the year does not have it."""
    if not 1 <= day <= 366:
        return None
    found = date(year, 1, 1) + timedelta(days=day - 1) if year < 9999 or day < 366 else None
    return found if found and found.year == year else None
