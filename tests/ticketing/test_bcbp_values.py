"""What goes into single fields of a boarding pass: names in twenty places, numbers, days of the year."""

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticketing.bcbp_vectors import VECTORS
from ticketing import bcbp

patient = settings(deadline=None)
ADA = bcbp.BoardingPass("LOVELACE/ADA MS", (bcbp.Leg(),))


# --- Names and numbers ---


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("Lovelace", "Ada"), "LOVELACE/ADA"),
        (("Lovelace", "Ada", "Ms"), "LOVELACE/ADA MS"),
        (("Lovelace", ""), "LOVELACE"),
        (("Lovelace", "Augusta Ada", "Ms"), "LOVELACE/AUGUSTA ADA"),
        (("Lovelace", "Augusta Adelaide"), "LOVELACE/AUGUSTA ADE"),
        (("Lovelacelovelacelovelace", "Ada"), "LOVELACELOVELACELO/A"),
        (("Lovelacelovelacelovelace", ""), "LOVELACELOVELACELOVE"),
        (("Lovelace-Byron", "Ada"), "LOVELACEBYRON/ADA"),
        (("O'Lovelace", "A. d’a"), "OLOVELACE/A DA"),
        (("  Love  lace ", " Ada "), "LOVE LACE/ADA"),
        (("Löveläce", "Áda"), "LOEVELAECE/ADA"),
        (("Lo\u0308velace", "Ådå"), "LOEVELACE/AADAA"),
        (("Großlovelace", "Ñandú"), "GROSSLOVELACE/NANDU"),
        (("Łovelacę", "Æda Þøß"), "LOVELACE/AEDA THOESS"),
    ],
)
def test_a_name_in_twenty_places(parts, expected):
    assert bcbp.passenger_name(*parts) == expected
    assert len(expected) <= 20


@pytest.mark.parametrize(
    "parts", [("", "Ada"), ("'", "Ada"), ("Лавлейс", "Ада"), ("Lovelace/", "Ada"), ("Lovelace2", "")]
)
def test_a_name_that_no_pass_holds(parts):
    with pytest.raises(bcbp.Unencodable, match="passenger_name"):
        bcbp.passenger_name(*parts)


@patient
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=8))
def test_any_name_fits_or_is_refused(surname, given_name, title):
    try:
        name = bcbp.passenger_name(surname, given_name, title)
    except bcbp.Unencodable:
        return
    assert bcbp.decode(bcbp.encode(ADA._replace(passenger_name=name))).passenger_name == name


def test_numbers_and_seats_have_leading_zeros():
    assert (bcbp.flight_number(117), bcbp.flight_number(117, "A")) == ("0117", "0117A")
    assert (bcbp.seat("1A"), bcbp.seat("12C"), bcbp.seat("INF"), bcbp.seat("")) == ("001A", "012C", "INF", "")
    assert bcbp.sequence_number(25) == "0025"


# --- Dates ---


def reference_of(vector: dict) -> date:
    if "reference_date" in vector:
        return date.fromisoformat(vector["reference_date"])
    year = vector.get("reference_year") or vector["year"]
    return date(year, 12, 31) if "issue" in vector else date(year, 1, 1)


@pytest.mark.parametrize("vector", VECTORS["dates"], ids=lambda vector: vector["expected"])
def test_the_year_of_a_date(vector):
    reference, issued = reference_of(vector), None
    if "issue" in vector:
        issued = bcbp.issue_date(vector["issue"], reference=reference)
        assert issued.isoformat() == vector["expected_issue"]
        assert bcbp.issue_day(issued) == vector["issue"]
    found = bcbp.flight_date(f"{vector['day_of_year']:03}", reference=reference, issued=issued)
    assert found.isoformat() == vector["expected"]
    assert bcbp.day_of_year(found) == f"{vector['day_of_year']:03}"


KDE = [vector for vector in VECTORS["strict"] if "KDE/kitinerary" in json.dumps(vector.get("asserted_dates", {}))]


@pytest.mark.parametrize("vector", KDE, ids=lambda vector: vector["id"])
def test_the_dates_that_another_parser_gives_to_its_messages(vector):
    reference, boarding_pass = date(2018, 4, 2), bcbp.decode(vector["string"])
    asserted = {name: dates["KDE/kitinerary"] for name, dates in vector["asserted_dates"].items()}
    issued = bcbp.issue_date(boarding_pass.issue_day, reference=reference) if boarding_pass.issue_day else None
    assert (issued.isoformat() if issued else "") == asserted.pop("issue")
    for position, expected in asserted.items():
        day = boarding_pass.legs[int(position)].day_of_year
        assert bcbp.flight_date(day, reference=reference, issued=issued).isoformat() == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("2026-08-14", "2026-08-14"),
        ("2026-11-12", "2026-08-14"),
        ("2026-11-13", "2027-08-14"),
        ("2026-01-01", "2026-08-14"),
    ],
)
def test_a_flight_without_a_date_of_issue_is_at_most_90_days_old(reference, expected):
    assert bcbp.flight_date("226", reference=date.fromisoformat(reference)).isoformat() == expected


def test_the_issuers_clock_may_be_two_days_ahead():
    assert bcbp.issue_date("6226", reference=date(2026, 8, 12)) == date(2026, 8, 14)
    assert bcbp.issue_date("6226", reference=date(2026, 8, 11)) == date(2016, 8, 13)


def test_day_366_waits_for_a_leap_year():
    assert bcbp.issue_date("6366", reference=date(2026, 8, 14)) == date(2016, 12, 31)
    assert bcbp.flight_date("366", reference=date(2026, 8, 14)) == date(2028, 12, 31)
    assert bcbp.flight_date("366", reference=date(2097, 8, 14)) == date(2104, 12, 31)


@pytest.mark.parametrize("text", ["", "   ", "1", "12345", "a226", "٦٢٢٦", "6000", "6367", "5366"])
def test_a_date_of_issue_that_no_year_has(text):
    with pytest.raises(bcbp.Undatable):
        bcbp.issue_date(text, reference=date(2026, 8, 14))


@pytest.mark.parametrize("day", ["", " 1", "000", "367", "1234", "x", "²"])
def test_a_day_that_no_year_has(day):
    with pytest.raises(bcbp.Undatable):
        bcbp.flight_date(day, reference=date(2026, 8, 14))


@patient
@given(st.dates(), st.dates(), st.from_regex(r"\d{3}", fullmatch=True) | st.text(max_size=4))
def test_any_day_has_a_date_or_is_refused(reference, issued, day):
    for known in (None, issued):
        try:
            found = bcbp.flight_date(day, reference=reference, issued=known)
        except bcbp.Undatable:
            continue
        assert int(bcbp.day_of_year(found)) == int(day)


@patient
@given(st.dates(date(1990, 1, 1)), st.integers(0, 365))
def test_a_pass_shown_after_its_issue_dates_itself(issued, days):
    reference = date.fromordinal(min(issued.toordinal() + days, date.max.toordinal() - 10))
    assert bcbp.issue_date(bcbp.issue_day(issued), reference=max(reference, issued)) == issued
