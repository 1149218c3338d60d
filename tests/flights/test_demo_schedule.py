from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from flights.demo import OWN_FLIGHTS, SAMPLE, add_demo_schedule, flights_on, missing_days, week_of_patterns
from flights.models import Carrier, Flight
from flights.schedule_files import read_schedule

FRIDAY = datetime(2027, 3, 12, 12, tzinfo=UTC)  # two days before the clocks go forward in the US
PER_WEEKDAY = {1: 733, 2: 493, 3: 706, 4: 751, 5: 750, 6: 561, 7: 683}


@pytest.fixture(scope="module")
def week(zones):
    return week_of_patterns(zones)


def test_the_real_week_on_its_own_weekdays(week, zones):
    days = [date(2027, 3, 8) + timedelta(n) for n in range(7)]
    flights = Counter(f.departure_date.isoweekday() for f in flights_on(days, week, zones) if f.carrier != "FL")
    assert flights == PER_WEEKDAY


def test_local_times_stay_across_the_clock_change_to_come(week, zones):
    days = [date(2027, 3, 13), date(2027, 3, 14), date(2027, 3, 15)]
    ours = [f for f in flights_on(days, week, zones) if (f.carrier, f.flight_number) == ("FL", 123)]
    assert [f.departs_at for f in ours] == [
        datetime(2027, 3, 13, 15, tzinfo=UTC),
        datetime(2027, 3, 14, 14, tzinfo=UTC),
        datetime(2027, 3, 15, 14, tzinfo=UTC),
    ]


def test_the_original_dates_give_the_original_instants(week, zones):
    """The template loses nothing: repeated on its own week, it is the sample again."""
    days = [date(2017, 3, 10) + timedelta(n) for n in range(7)]
    repeated = {
        (f.carrier, f.flight_number, f.departure_date, f.origin): (f.departs_at, f.arrives_at, f.cabins)
        for f in flights_on(days, week, zones)
    }
    for original in read_schedule(SAMPLE, zones):
        key = (original.carrier, original.flight_number, original.departure_date, original.origin)
        assert repeated[key] == (original.departs_at, original.arrives_at, original.cabins)


def test_the_schedule_runs_from_yesterday_through_28_days_and_grows_by_the_day(
    airports, actor, django_assert_num_queries
):
    summary = add_demo_schedule(actor=actor, now=FRIDAY)
    days = Counter(Flight.objects.values_list("departure_date", flat=True))
    assert (min(days), max(days), len(days)) == (date(2027, 3, 11), date(2027, 4, 9), 30)
    assert days == {day: PER_WEEKDAY[day.isoweekday()] + len(OWN_FLIGHTS) for day in days}
    assert (summary.new, summary.refused, summary.warned) == (sum(days.values()), 0, 0)
    with django_assert_num_queries(1):
        assert add_demo_schedule(actor=actor, now=FRIDAY).read == 0
    assert missing_days(date(2027, 3, 13)) == [date(2027, 4, 10)]
    assert add_demo_schedule(actor=actor, now=FRIDAY + timedelta(days=1)).new == PER_WEEKDAY[6] + len(OWN_FLIGHTS)


def test_carriers_have_names_and_accounting_codes(airports, actor, monkeypatch):
    monkeypatch.setattr("flights.demo.week_of_patterns", lambda zones: dict.fromkeys(range(1, 8), OWN_FLIGHTS))
    Carrier.objects.create(iata="UA")
    Carrier.objects.create(iata="DL", name="Our own name")
    add_demo_schedule(actor=actor, now=FRIDAY)
    united, delta = Carrier.objects.get(iata="UA"), Carrier.objects.get(iata="DL")
    assert (united.name, united.accounting_code) == ("United Airlines", "016")
    assert (delta.name, delta.accounting_code) == ("Our own name", "")
    assert not Carrier.objects.filter(name="").exists()


def test_our_own_flights_cross_a_border_and_connect(zones):
    week = dict.fromkeys(range(1, 8), OWN_FLIGHTS)
    ours = {f.flight_number: f for f in flights_on([date(2027, 3, 1)], week, zones)}
    assert OWN_FLIGHTS[-1].flight_number == 123
    assert ours[125].departs_at - ours[123].arrives_at == timedelta(minutes=90)
    assert (ours[126].origin, ours[126].destination, ours[127].origin) == ("JFK", "LHR", "LHR")
    assert ours[126].arrives_at - ours[126].departs_at == timedelta(hours=7)
    assert ours[127].arrives_at - ours[127].departs_at == timedelta(hours=8)
