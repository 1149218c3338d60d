from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flights.demo import SAMPLE
from flights.localtime import local_date
from flights.schedule_files import read_schedule
from flights.schedules import DatedFlight, Refused, UnreadableFile, Warned, read_csv, split_seats
from tests.flights.conftest import numbered, row


@pytest.fixture(scope="module")
def week(zones) -> list[DatedFlight]:
    return list(read_schedule(SAMPLE, zones))


def test_the_real_week_in_numbers(week, zones):
    assert len(week) == 4_677
    days = Counter(flight.departure_date for flight in week)
    assert [days[date(2017, 3, 10) + timedelta(n)] for n in range(7)] == [750, 561, 683, 733, 493, 706, 751]
    assert len({airport for flight in week for airport in (flight.origin, flight.destination)}) == 100
    assert len({flight.carrier for flight in week}) == 12
    assert sum(seats for flight in week for _, seats in flight.cabins) == 722_340
    next_day = [f for f in week if local_date(f.arrives_at, zones[f.destination]) > f.departure_date]
    assert len(next_day) == 161


@pytest.mark.parametrize(
    ("flight", "day", "departs", "arrives"),
    [
        (("UA", 15), 11, "2017-03-11T13:00", "2017-03-12T00:09"),
        (("UA", 15), 12, "2017-03-12T13:15", "2017-03-13T00:24"),
        (("B6", 745), 11, "2017-03-12T03:30", "2017-03-12T07:30"),
        (("UA", 44), 11, "2017-03-12T02:00", "2017-03-12T05:01"),
    ],
)
def test_times_over_the_clock_change_of_12_march_2017(week, flight, day, departs, arrives):
    (found,) = [f for f in week if (f.carrier, f.flight_number) == flight and f.departure_date == date(2017, 3, day)]
    assert found.departs_at == datetime.fromisoformat(departs).replace(tzinfo=UTC)
    assert found.arrives_at == datetime.fromisoformat(arrives).replace(tzinfo=UTC)


def test_a_flight_over_the_european_clock_change_to_come(zones):
    line = row(
        flight_date="2027-03-27", origin="CDG", origin_tz="Europe/Paris", sched_dep_local="2027-03-27T23:30",
        destination="IST", destination_tz="Europe/Istanbul", sched_arr_local="2027-03-28T04:00",
    )  # fmt: skip
    (flight,) = read_csv(numbered(line), zones)
    assert flight.departs_at == datetime(2027, 3, 27, 22, 30, tzinfo=UTC)
    assert flight.arrives_at == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seats", "cabins"),
    [
        (1, (("Y", 1),)),
        (76, (("Y", 76),)),
        (77, (("J", 6), ("Y", 71))),
        (100, (("J", 8), ("Y", 92))),
        (200, (("J", 16), ("Y", 184))),
    ],
)
def test_one_seat_count_is_split_by_the_economy_share(seats, cabins):
    assert split_seats(seats) == cabins


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seats": "many"}, "seats 'many' is not a whole number"),
        ({"seats": "-5"}, "seats '-5' is not a whole number"),
        ({"seats": "0"}, "seats 0 is not from 1 to 1000"),
        ({"seats": "99999"}, "seats 99999 is not from 1 to 1000"),
        ({"carrier": "zz"}, "carrier 'zz' is not an airline designator"),
        ({"flight_number": "0"}, "flight_number '0' is not a number from 1 to 9999"),
        ({"flight_number": "12345"}, "flight_number '12345' is not a number from 1 to 9999"),
        ({"origin": "QQQ"}, "unknown airport QQQ"),
        ({"origin": "J"}, "'J' is not an IATA airport code"),
        ({"destination": "JFK"}, "origin and destination are both JFK"),
        ({"flight_date": "soon"}, "flight_date 'soon' is not a date like 2017-03-10"),
        ({"flight_date": "2027-06-02"}, "flight_date 2027-06-02 is not the date of departure 2027-06-01T10:00"),
        ({"sched_dep_local": "2027-06-01"}, "sched_dep_local '2027-06-01' is not a local time like 2017-03-10T05:00"),
        ({"sched_dep_local": "10:00"}, "sched_dep_local '10:00' is not a local time like 2017-03-10T05:00"),
        (
            {"sched_arr_local": "2027-06-01T06:00"},
            "arrives at 2027-06-01 13:00Z, not after its departure at 2027-06-01 14:00Z",
        ),
        ({"sched_arr_local": "2027-06-03T06:00"}, "takes longer than 24 hours"),
        ({"origin_tz": "America/Chicago"}, "JFK is in America/New_York, not in 'America/Chicago'"),
        ({"origin_tz": "../../etc/passwd"}, "JFK is in America/New_York, not in '../../etc/passwd'"),
        ({"origin_tz": ""}, "JFK is in America/New_York, not in ''"),
        ({"tail_number": "N\0"}, r"tail_number 'N\x00' is not at most 10 plain characters"),
        ({"aircraft_model": "A" * 33}, f"aircraft_model '{'A' * 33}' is not at most 32 plain characters"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_the_rest_goes_in(zones, changes, reason):
    refused, flight = read_csv(numbered(row(**changes), row()), zones)
    assert refused == Refused(2, reason)
    assert flight.line == 3


@pytest.mark.parametrize("line", ["", "a,b", row() + ",more", 'ZZ,"unclosed', "\ufffd"])
def test_a_broken_line_takes_no_other_with_it(zones, line):
    records = list(read_csv(numbered(line, row()), zones))
    assert [record.line for record in records if isinstance(record, DatedFlight)] == [3]


def test_another_name_of_the_same_zone_is_accepted(zones):
    (flight,) = read_csv(numbered(row(origin_tz="US/Eastern")), zones)
    assert flight.departs_at == datetime(2027, 6, 1, 14, tzinfo=UTC)


def test_a_time_that_does_not_occur_is_used_and_reported(zones):
    line = row(flight_date="2027-03-14", sched_dep_local="2027-03-14T02:30", sched_arr_local="2027-03-14T06:00")
    warned, flight = read_csv(numbered(line), zones)
    assert isinstance(warned, Warned)
    assert flight.departs_at == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)


def test_a_header_without_our_columns_makes_the_file_unreadable(zones):
    with pytest.raises(UnreadableFile, match="the header lacks carrier, flight_number"):
        list(read_csv([(1, "flight_date,origin")], zones))


def read(path: Path, zones) -> list:
    return list(read_schedule(path, zones))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5000), "neither our CSV"),
        (b"hello\n", "neither our CSV"),
        (SAMPLE.read_bytes()[:40_000], "end-of-stream"),
        (b"\x1f\x8bnot gzip at all", "compression"),
        (b"1" + b" " * 199 + b"\n", "no flight leg"),
    ],
)
def test_a_file_that_is_no_schedule_is_unreadable(tmp_path, zones, content, reason):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=reason):
        read(path, zones)


def test_a_file_that_is_not_there_is_unreadable(tmp_path, zones):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UnreadableFile):
            read(path, zones)


def test_a_very_long_line_is_one_bad_line(tmp_path, zones):
    path = tmp_path / "long.csv"
    path.write_text("\n".join([numbered()[0][1], "x" * 1_000_000, row(), ""]))
    refused, flight = read(path, zones)
    assert (refused.line, flight.line) == (2, 3)
