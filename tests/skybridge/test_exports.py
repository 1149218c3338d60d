"""Lists as files: what they hold, who gets them, and that they cost the same however many rows there are."""

import csv
import gc
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import md5
from io import BytesIO, StringIO

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from skybridge import spreadsheets
from skybridge.exports import WRITERS, csv_pieces
from skybridge.models import Event
from skybridge.spreadsheets import begins_formula, workbook_pieces
from tests import factories
from tests.conftest import session_api
from tests.skybridge.office import fill
from tests.skybridge.staff import with_role
from ticketing.models import Ticket

BOOKINGS = "/admin/bookings/booking/export"


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-office")).client


def body_of(response) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def csv_of(response) -> list[dict]:
    return list(csv.DictReader(StringIO(body_of(response).decode("utf-8-sig"))))


def workbook(headings: list[str], rows: list[list]):
    return load_workbook(BytesIO(b"".join(workbook_pieces(headings, iter(rows)))))


def exports() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export_csv") for model in admin.site._registry
    ]


def test_a_list_is_a_csv_of_its_columns(office):
    fill(2)
    (first, second) = csv_of(office.get(f"{BOOKINGS}.csv"))
    assert list(first) == [
        "record locator", "status", "created at", "agency", "user id", "seats", "total", "order", "currency",
    ]  # fmt: skip
    assert (first["agency"], first["status"], first["total"]) == ("Agency 001", "confirmed", "80.00")
    assert first["created at"].endswith("Z")
    assert second["agency"] == "Agency 000"


def test_a_list_is_a_workbook_with_types(office):
    fill(1)
    response = office.get(f"{BOOKINGS}.xlsx")
    assert response["Content-Disposition"].startswith('attachment; filename="bookings-booking-')
    (headings, row) = load_workbook(BytesIO(body_of(response))).active.values
    cells = dict(zip(headings, row, strict=True))
    assert (cells["total"], cells["seats"], cells["currency"]) == (80, 1, "USD")
    assert isinstance(cells["created at"], datetime)


def test_an_export_has_the_rows_of_the_filter_and_the_search(office):
    fill(3)
    assert len(csv_of(office.get(f"{BOOKINGS}.csv"))) == 3
    assert csv_of(office.get(f"{BOOKINGS}.csv?status__exact=canceled")) == []
    assert [row["agency"] for row in csv_of(office.get(f"{BOOKINGS}.csv?q=Agency 002"))] == ["Agency 002"]


def test_a_list_leads_to_its_files_as_it_is_filtered(office):
    page = office.get("/admin/bookings/booking/?status__exact=canceled&p=1").content.decode()
    assert f'href="{BOOKINGS}.csv?status__exact=canceled"' in page
    assert f'href="{BOOKINGS}.xlsx?status__exact=canceled"' in page


def test_more_rows_take_no_more_statements(office):
    fill(2)
    few = {path: statements(office, path) for path in exports()}
    fill(20, start=2)
    assert {path: (few[path], n) for path in exports() if (n := statements(office, path)) > few[path] + 1} == {}


def statements(office, path: str) -> int:
    with CaptureQueriesContext(connection) as counted:
        rows = csv_of(office.get(path))
    assert not any("–" in row.values() for row in rows), path
    assert not any("<" in str(cell) for row in rows for cell in row.values()), path
    return len(counted)


def test_no_secret_is_exported(office):
    fill(2)
    everything = b"".join(body_of(office.get(path)) for path in exports()).decode()
    for secret in ("c2VhbGVk", "M1", "pbkdf2", "md5$"):
        assert secret not in everything.replace("XM1", "")


def test_an_export_is_recorded(office):
    fill(2)
    body_of(office.get(f"{BOOKINGS}.csv?q=Agency 001"))
    begun, ended = Event.objects.filter(action__startswith="export.").order_by("id")
    assert begun.after["filters"] == {"q": "Agency 001"}
    assert (ended.action, ended.after["rows"], ended.after["list"]) == ("export.ended", 1, "bookings.Booking")
    assert ended.request_id == begun.request_id != ""


def test_an_export_that_is_broken_off_is_recorded(office):
    fill(1)
    response = office.get(f"{BOOKINGS}.xlsx")
    next(iter(response.streaming_content))
    for close in response._resource_closers:  # what `close` does before it gives the connection back
        close()
    assert Event.objects.filter(action="export.broken_off").count() == 1


def test_a_file_that_nobody_fetches_or_closes_makes_room(office):
    fill(1)
    response = office.get(f"{BOOKINGS}.csv")
    del response
    gc.collect()
    assert len(csv_of(office.get(f"{BOOKINGS}.csv"))) == 1


def test_a_process_writes_one_file_at_a_time(office):
    fill(1)
    first = office.get(f"{BOOKINGS}.csv")
    page = office.get(f"{BOOKINGS}.csv", follow=True)
    assert page.redirect_chain == [("/admin/bookings/booking/", 302)]
    assert "Another list is being exported." in page.content.decode()
    body_of(first)
    assert len(csv_of(office.get(f"{BOOKINGS}.csv"))) == 1


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("reservations", 403), ("supervisor", 200)])
def test_who_may_export(db, role, status):
    client = with_role(role)
    response = client.get(f"{BOOKINGS}.csv")
    assert response.status_code == status
    assert b"".join(response)
    assert ("Export CSV" in client.get("/admin/bookings/booking/").content.decode()) == (status == 200)


def test_nobody_exports_what_they_may_not_see(db):
    assert with_role("supervisor").get("/admin/partners/apikey/export.csv").status_code == 403
    assert Event.objects.filter(action="export.begun").count() == 0


def test_a_bad_filter_leads_back_to_the_list(office):
    assert office.get(f"{BOOKINGS}.csv?nonsense=1").status_code == 302


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"])
def test_a_formula_is_a_text_in_a_csv(text):
    piece = b"".join(csv_pieces(["name"], iter([[text]])))
    (_, row) = csv.reader(StringIO(piece.decode("utf-8-sig"), newline=""))
    assert row == [f"'{text}"]


@pytest.mark.parametrize("text", ["Ada", "O'Neill", "a=b", "1-2", "Ü", ""])
def test_other_texts_stay_as_they_are(text):
    assert not begins_formula(text)


def test_numbers_stay_numbers_in_a_csv():
    piece = b"".join(csv_pieces(["a", "b"], iter([[-5, Decimal("-1.50")]])))
    assert piece.decode().splitlines()[1] == "-5,-1.50"


def test_a_workbook_holds_texts_as_texts():
    texts = ["=1+1", "{=1}", "http://x.test", "12", "\x01\x0b<&", "x" * 40_000]
    cells = next(workbook([str(n) for n in range(6)], [texts]).active.iter_rows(min_row=2))
    assert [cell.data_type for cell in cells] == ["s"] * 6
    assert [cell.value for cell in cells][:4] == texts[:4]
    assert [cell.hyperlink for cell in cells] == [None] * 6
    assert cells[4].value == "_x0001__x000B_<&"  # so is what XML cannot hold written
    assert len(cells[5].value) == 32_767


@pytest.mark.parametrize(("text", "is_quoted"), [("=1+1", True), (" @x", True), ("-1", True), ("Ada", False)])
def test_a_text_that_looks_like_a_formula_stays_one_when_it_is_edited(text, is_quoted):
    [[_], [cell]] = workbook(["name"], [[text]]).active.iter_rows()
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", is_quoted)


def test_what_looks_like_an_escape_is_none():
    assert workbook(["name"], [["_x0041_"]]).active["A2"].value == "_x005F_x0041_"


def test_a_full_sheet_is_followed_by_another(monkeypatch):
    monkeypatch.setattr(spreadsheets, "SHEET_ROWS", 3)
    sheets = [list(sheet.values) for sheet in workbook(["n"], [[n] for n in range(7)])]
    assert sheets == [[("n",), (0,), (1,), (2,)], [("n",), (3,), (4,), (5,)], [("n",), (6,)]]
    assert [list(sheet.values) for sheet in workbook(["n"], [])] == [[("n",)]]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_is_sent_while_its_rows_are_read(kind):
    taken = []
    pieces = WRITERS[kind](["n"], (taken.append(n) or [f"row {md5(b'%d' % n).hexdigest()}"] for n in range(100_000)))
    next(pieces), next(pieces)
    assert 0 < len(taken) < 20_000
    longest = max(len(piece) for piece in pieces)
    assert longest < 2 * spreadsheets.PIECE
    assert len(taken) == 100_000


def test_a_workbook_keeps_numbers_that_a_spreadsheet_would_round():
    at = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    row = [Decimal("1234567890123456.78"), Decimal("0.1"), True, date(2026, 1, 2), at, date(1850, 1, 1), None]
    cells = list(workbook(list("abcdefg"), [row]).active.values)[1]
    assert cells == (
        "1234567890123456.78",
        0.1,
        True,
        datetime(2026, 1, 2),
        at.replace(tzinfo=None),
        "1850-01-01",
        None,
    )


def test_a_name_that_is_a_formula_does_nothing(office):
    ticket = Ticket.objects.create(booking=factories.booking(), position=1, surname='=HYPERLINK("x")', given_name="A")
    (row,) = csv_of(office.get("/admin/ticketing/ticket/export.csv"))
    assert row["passenger"] == f"'{ticket.surname}/A"
