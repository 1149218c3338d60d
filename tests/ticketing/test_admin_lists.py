"""What the back office's lists of departure control and disruption say in each row."""

from html.parser import HTMLParser

import pytest

from flights.models import Flight
from tests.skybridge.staff import with_role
from tests.ticketing import gates
from tests.ticketing.desk import check_in, sold, soon


class Cells(HTMLParser):
    """The text of a list's rows, a list of cells each."""

    def __init__(self, page: str):
        super().__init__()
        self.rows, self.is_in_cell = [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.is_in_cell = True

    def handle_endtag(self, tag):
        self.is_in_cell = self.is_in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self.is_in_cell:
            self.rows[-1][-1] += data.strip()


@pytest.fixture
def boss(db):
    return with_role("supervisor", name="boss")


@pytest.fixture
def flight(db):
    return soon(hours=3)


@pytest.fixture
def boarding_pass(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    return gates.passes_of(booking)[0]


def rows_of(client, model: str, query: str = "") -> list[list[str]]:
    answer = client.get(f"/admin/{model}/{query}")
    assert answer.status_code == 200
    _, _, table = answer.content.decode().partition('id="result_list"')
    return [[cell for cell in row if cell] for row in Cells(table.partition("</table>")[0]).rows[1:]]


def test_a_conflict_is_a_word_and_can_be_looked_for(boss, staff, flight, boarding_pass):
    gates.leave_in(flight, 40)
    gates.scanned(staff, flight, boarding_pass)
    [row] = rows_of(boss, "ticketing/scan")
    assert "conflict" not in row
    assert rows_of(boss, "ticketing/scan", "?attempts=conflict") == []
    gates.scanned(staff, flight, boarding_pass, nonce="again", device_result="accepted")
    [row] = rows_of(boss, "ticketing/scan", "?attempts=conflict")
    assert "conflict" in row
    assert len(rows_of(boss, "ticketing/scan", "?attempts=board")) == 2
    assert rows_of(boss, "ticketing/scan", "?attempts=look") == []


@pytest.mark.parametrize("model", ["ticketing/boardingpass", "ticketing/coupon"])
def test_lists_lead_with_passenger_flight_and_seat(boss, flight, boarding_pass, model):
    [row] = rows_of(boss, model)
    seat = boarding_pass.seat
    assert row[row.index("Lovelace/Ada") :][:3] == ["Lovelace/Ada", str(flight), seat]


@pytest.mark.parametrize("status", ["cancelled", "departed"])
def test_the_departure_of_a_flight_that_does_not_board_is_not_open(boss, flight, boarding_pass, status):
    [row] = rows_of(boss, "ticketing/departure")
    assert (row[0], "open" in row) == (str(flight), True)
    Flight.objects.filter(pk=flight.pk).update(status=status)
    [row] = rows_of(boss, "ticketing/departure")
    assert ("open" in row, status in row) == (False, True)


def test_a_disruption_says_by_whom(boss, staff, flight, django_user_model):
    body = {"kind": "cancellation", "reason": "storm"}
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 201
    [row] = rows_of(boss, "orders/disruption")
    assert row[-1] == django_user_model.objects.get(pk=staff.id).username


def test_a_flights_cabins_are_named(boss, flight):
    page = boss.get(f"/admin/flights/flight/{flight.pk}/change/").content.decode()
    assert f"{flight.pk} Y" not in page
    assert "Economy" in page
