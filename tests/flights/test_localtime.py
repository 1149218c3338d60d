from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flights.localtime import local_date, offset_on, to_instant


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("wall", "zone", "instant"),
    [
        (datetime(2017, 3, 11, 8), "America/New_York", utc(2017, 3, 11, 13)),
        (datetime(2017, 3, 12, 1, 59), "America/New_York", utc(2017, 3, 12, 6, 59)),
        (datetime(2017, 3, 12, 3), "America/New_York", utc(2017, 3, 12, 7)),
        (datetime(2027, 3, 14, 1, 59), "America/New_York", utc(2027, 3, 14, 6, 59)),
        (datetime(2027, 3, 14, 3), "America/New_York", utc(2027, 3, 14, 7)),
        (datetime(2027, 3, 28, 1, 59), "Europe/Paris", utc(2027, 3, 28, 0, 59)),
        (datetime(2027, 3, 28, 3), "Europe/Paris", utc(2027, 3, 28, 1)),
        (datetime(2027, 3, 28, 0, 30), "Europe/London", utc(2027, 3, 28, 0, 30)),
        (datetime(2027, 10, 31, 3), "Europe/Paris", utc(2027, 10, 31, 2)),
        (datetime(2027, 7, 1, 12), "Asia/Kathmandu", utc(2027, 7, 1, 6, 15)),
    ],
)
def test_wall_clock_times_around_a_clock_change(wall, zone, instant):
    assert to_instant(wall, zone) == (instant, "")


def test_a_time_that_does_not_occur_is_an_hour_later():
    instant = to_instant(datetime(2027, 3, 14, 2, 30), "America/New_York")
    assert instant.at == to_instant(datetime(2027, 3, 14, 3, 30), "America/New_York").at
    assert instant.note == "02:30 does not occur in America/New_York on 2027-03-14: read as 03:30"


def test_a_time_that_occurs_twice_is_the_first():
    instant = to_instant(datetime(2027, 10, 31, 2, 30), "Europe/Paris")
    assert instant.at == utc(2027, 10, 31, 0, 30)
    assert "occurs twice" in instant.note


def test_a_stated_offset_picks_the_second():
    wall = datetime(2027, 10, 31, 2, 30)
    assert to_instant(wall, "Europe/Paris", timedelta(hours=1)) == (utc(2027, 10, 31, 1, 30), "")


def test_an_offset_is_known_only_for_days_without_a_change():
    days = [datetime(2027, 3, day).date() for day in (13, 14, 15)]
    offsets = [offset_on("America/New_York", day) for day in days]
    assert offsets == [timedelta(hours=-5), None, timedelta(hours=-4)]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Paris", "America/Havana", "America/Sao_Paulo", "Asia/Beirut"]
)
@pytest.mark.parametrize("year", [2017, 2027])
def test_every_hour_of_a_year_is_the_instant_that_the_zone_says(zone, year):
    """Havana, Beirut and, until 2019, Sao Paulo change their clocks at or around midnight."""
    wall = datetime(year, 1, 1)
    while wall.year == year:
        assert to_instant(wall, zone).at == wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        wall += timedelta(hours=1)


def test_local_date():
    assert local_date(utc(2027, 3, 14, 2), "America/New_York").isoformat() == "2027-03-13"
