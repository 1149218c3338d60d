from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flights.schedule_files import read_schedule
from flights.schedules import DatedFlight, Refused, Warned
from flights.ssim import read_configuration, read_ssim

SAMPLE = Path(__file__).parent.parent / "data" / "ssim-sample.ssim"
LEG = {
    "suffix": " ", "airline": "XX ", "number": " 123", "variation": "01", "leg": "01", "service": "J",
    "first": "01MAR27", "last": "31MAR27", "days": "1234567", "frequency": " ", "origin": "CDG", "std": "0700",
    "origin_utc": "+0100", "destination": "JFK", "sta": "0930", "destination_utc": "-0500", "aircraft": "772",
    "configuration": "J14W34Y316VV364", "departure_day": " ", "arrival_day": " ",
}  # fmt: skip


def leg(**changes: str) -> str:
    """Return a type 3 record: XX123, CDG 07:00 to JFK 09:30, daily in March 2027, but for the changes."""
    f = LEG | changes
    line = f"3{f['suffix']}{f['airline']}{f['number']}{f['variation']}{f['leg']}{f['service']}{f['first']}{f['last']}"
    line += f"{f['days']}{f['frequency']}{f['origin']}{f['std']}{f['std']}{f['origin_utc']}  "
    line += f"{f['destination']}{f['sta']}{f['sta']}{f['destination_utc']}  {f['aircraft']}"
    return line.ljust(172) + f["configuration"].ljust(20) + f["departure_day"] + f["arrival_day"] + "000003"


def read(zones, *lines: str) -> list:
    return list(read_ssim(enumerate(lines, start=1), zones))


def flights(zones, *lines: str) -> list[DatedFlight]:
    return [record for record in read(zones, *lines) if isinstance(record, DatedFlight)]


def test_the_sample_in_numbers(zones):
    records = list(read_schedule(SAMPLE, zones))
    assert all(isinstance(record, DatedFlight) for record in records)
    assert len(records) == 3_070
    assert len({record.line for record in records}) == 514
    assert Counter(f.aircraft_type for f in records) == {"735": 854, "AT7": 768, "772": 756, "733": 692}
    assert sum(f.cabins == (("J", 14), ("W", 34), ("Y", 316)) for f in records) == 756
    dates = [f.departure_date for f in records]
    assert (min(dates), max(dates)) == (date(2005, 5, 22), date(2005, 10, 30))


def test_the_first_leg_of_the_sample(zones):
    first = next(read_schedule(SAMPLE, zones))
    assert (first.carrier, first.flight_number, first.origin, first.destination) == ("XX", 41, "RUN", "DZA")
    assert first.departs_at == datetime(2005, 6, 9, 17, 30, tzinfo=UTC)
    assert first.arrives_at == datetime(2005, 6, 9, 19, 40, tzinfo=UTC)


def test_a_cargo_leg_is_not_on_sale(zones):
    assert [f.on_sale for f in flights(zones, leg(service="F", last="01MAR27"))] == [False]
    assert [f.on_sale for f in flights(zones, leg(last="01MAR27"))] == [True]


def test_a_period_over_two_clock_changes_keeps_local_times_and_reports_the_difference(zones):
    records = read(zones, leg())
    by_date = {r.departure_date.day: r for r in records if isinstance(r, DatedFlight)}
    assert len(by_date) == 31
    assert by_date[13].departs_at.hour == by_date[27].departs_at.hour == 6
    assert by_date[28].departs_at.hour == 5  # Europe's clocks have gone forward
    assert by_date[13].arrives_at == datetime(2027, 3, 13, 14, 30, tzinfo=UTC)
    assert by_date[14].arrives_at == datetime(2027, 3, 14, 13, 30, tzinfo=UTC)  # those of the US have
    assert [r.reason for r in records if isinstance(r, Warned)] == [
        "JFK: stated UTC variation -0500, but America/New_York has -0400",
        "CDG: stated UTC variation +0100, but Europe/Paris has +0200",
    ]


def test_days_of_the_week_and_every_second_week(zones):
    days = [f.departure_date.day for f in flights(zones, leg(days="1 3    "))]
    assert days == [1, 3, 8, 10, 15, 17, 22, 24, 29, 31]
    days = [f.departure_date.day for f in flights(zones, leg(days="1 3    ", frequency="2"))]
    assert days == [1, 3, 15, 17, 29, 31]


def test_times_in_utc(zones):
    header = "2UXX".ljust(200)
    (flight,) = flights(zones, header, leg(last="01MAR27", std="2330", sta="0700", arrival_day="1"))
    assert flight.departs_at == datetime(2027, 3, 1, 23, 30, tzinfo=UTC)
    assert flight.arrives_at == datetime(2027, 3, 2, 7, 0, tzinfo=UTC)
    assert flight.departure_date == date(2027, 3, 2)  # local to Paris


@pytest.mark.parametrize(
    ("departure_day", "arrival_day", "departs", "arrives"),
    [
        (" ", " ", 10, 10),
        ("0", "0", 10, 10),
        ("1", "1", 11, 11),
        ("J", "J", 9, 9),
        ("A", " ", 9, 9),
        ("1", " ", 11, 11),
    ],
)
def test_date_variations(zones, departure_day, arrival_day, departs, arrives):
    line = leg(first="10MAR27", last="10MAR27", departure_day=departure_day, arrival_day=arrival_day, sta="0500")
    (flight,) = flights(zones, line)
    assert (flight.departs_at.day, flight.arrives_at.day) == (departs, arrives)
    assert flight.departure_date.day == departs


def test_an_arrival_without_a_date_is_the_first_after_the_departure(zones):
    night = leg(last="01MAR27", origin="JFK", origin_utc="-0500", std="2200", destination="CDG",
                destination_utc="+0100", sta="1100")  # fmt: skip
    pacific = leg(last="01MAR27", origin="AKL", origin_utc="+1300", std="0100", destination="HNL",
                  destination_utc="-1000", sta="1000")  # fmt: skip
    assert flights(zones, night)[0].arrives_at == datetime(2027, 3, 2, 10, 0, tzinfo=UTC)
    assert flights(zones, pacific)[0].arrives_at == datetime(2027, 2, 28, 20, 0, tzinfo=UTC)


def test_an_open_period_ends_with_the_carriers_validity_or_after_a_year(zones):
    carrier = f"2LXX          01MAR2710MAR27{' ' * 172}"
    assert len(flights(zones, carrier, leg(last="00XXX00"))) == 10
    assert len(flights(zones, leg(last="00XXX00"))) == 365


def test_an_operational_suffix(zones):
    assert flights(zones, leg(last="01MAR27", suffix="Z"))[0].operational_suffix == "Z"


def test_zeros_and_other_records_are_skipped(zones):
    lines = ["1AIRLINE STANDARD SCHEDULE DATA SET", "0" * 200, "", "4 XX", leg(last="01MAR27"), "5 XX"]
    assert len(read(zones, *lines)) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (leg(origin="QQQ"), "unknown airport QQQ"),
        (leg(airline="?? "), "carrier '??' is not an airline designator"),
        (leg(number="00X1"), "flight_number '00X1' is not a number from 1 to 9999"),
        (leg(first="32MAR27"), "'32MAR27' is not a date like 09JUN05"),
        (leg(last="01FEB27"), "the period from 2027-03-01 to 2027-02-01 is not one of up to two years"),
        (leg(last="01MAR37"), "the period from 2027-03-01 to 2037-03-01 is not one of up to two years"),
        (leg(days="       "), "days of operation '       ' name no day from 1 to 7"),
        (leg(last="02MAR27", days="      7"), "no date from 2027-03-01 to 2027-03-02 is one of its days of operation"),
        (leg(std="2460"), "'2460' is not a time of day like 2130"),
        (leg(origin_utc="01:00"), "'01:00' is not a UTC variation like +0400"),
        (leg(configuration="VVCGO"), "no seats in the aircraft configuration 'VVCGO'"),
        (leg(configuration="U10VV"), "unknown class U in the aircraft configuration 'U10VV'"),
        (leg(departure_day="?"), "'?' is not a date variation"),
        ("3 XX", "flight_number '' is not a number from 1 to 9999"),
        ("9 what", "unknown record type '9'"),
    ],
)
def test_a_bad_leg_is_refused_with_its_reason_and_the_rest_goes_in(zones, line, reason):
    refused, flight = read(zones, line, leg(last="01MAR27"))
    assert refused == Refused(1, reason)
    assert flight.line == 2


def test_configurations():
    assert read_configuration("J14W34Y316VV364     ") == (("J", 14), ("W", 34), ("Y", 316))
    assert read_configuration("W18Y112VVCGO") == (("W", 18), ("Y", 112))
    assert read_configuration("P8C20M100") == (("F", 8), ("J", 20), ("Y", 100))
