"""Pages of flights in an order that needs a date, and cursors that we never gave."""

import pytest

from skybridge.pagination import encode_cursor


@pytest.mark.parametrize("sort", ["price", "duration"])
def test_sorting_without_a_date_is_refused_and_says_what_is_missing(acme, flight, sort):
    answer = acme.get(f"/api/v1/flights?origin=JFK&sort={sort}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/sort")
    assert acme.get(f"/api/v1/flights?origin=JFK&sort={sort}&departure_date={flight.departure_date}").status_code == 200


@pytest.mark.parametrize("moment", ["2026-12-01T10:00:00", "2026-12-01", "soon", "9999-12-31T23:59:59+00:00"])
def test_a_cursor_without_a_zone_is_refused(acme, flight, moment):
    cursor = encode_cursor(moment, flight.pk)
    assert acme.get(f"/api/v1/flights?cursor={cursor}").status_code == (200 if moment.startswith("9999") else 400)
