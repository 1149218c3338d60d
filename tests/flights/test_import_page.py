"""A schedule is uploaded, rehearsed and confirmed in the back office."""

import gzip
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from flights.models import Flight
from flights.schedules import EXAMPLE
from skybridge.models import Event
from tests.flights.conftest import HEADER, row
from tests.skybridge.staff import signed_in, user_with, with_role

PAGE = "/admin/flights/flight/import/"
pytestmark = pytest.mark.usefixtures("airports")


@pytest.fixture(autouse=True)
def uploads(settings, tmp_path):
    settings.UPLOAD_DIRECTORY = tmp_path / "uploads"
    return settings.UPLOAD_DIRECTORY


@pytest.fixture
def supervisor(db):
    return with_role("supervisor")


def content(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def upload(client, body: bytes, name: str = "winter.csv"):
    return client.post(PAGE, {"file": SimpleUploadedFile(name, body)})


def token_in(response) -> str:
    return re.search(r'name="token" value="([^"]+)"', response.content.decode())[1]


def counts(response) -> dict:
    summary = response.context["summary"]
    return {name: getattr(summary, name) for name in ("new", "changed", "unchanged", "refused")}


def nothing_changed() -> bool:
    return not Flight.objects.exists() and not Event.objects.filter(action__contains="schedule").exists()


def test_a_rehearsal_shows_what_would_change_and_changes_nothing(supervisor):
    response = upload(supervisor, content(row(), row(seats="x")))
    assert counts(response) == {"new": 1, "changed": 0, "unchanged": 0, "refused": 1}
    page = response.content.decode()
    assert "seats &#x27;x&#x27; is not a whole number" in page
    assert "destination LAX" in page
    assert "Import: add 1, change 0" in page
    assert nothing_changed()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_confirmed_file_is_imported(supervisor, uploads, pack):
    rehearsal = upload(supervisor, pack(content(row())), "winter <b>.csv")
    response = supervisor.post(PAGE, {"token": token_in(rehearsal)}, follow=True)
    assert "The file winter &lt;b&gt;.csv is imported: read 1, new 1, changed 0" in response.content.decode()
    assert Flight.objects.get().designator == "ZZ100"
    event = Event.objects.get(action="schedule.imported")
    assert (event.actor_kind, event.door, event.after["new"]) == ("staff", "admin", 1)
    assert list(uploads.iterdir()) == []


def test_the_page_shows_a_file_that_can_be_imported(supervisor):
    page = supervisor.get(PAGE).content.decode()
    assert "\n".join(EXAMPLE) in page
    assert counts(upload(supervisor, "\n".join(EXAMPLE).encode()))["new"] == 1


def test_a_change_is_shown_with_what_was_before(supervisor):
    supervisor.post(PAGE, {"token": token_in(upload(supervisor, content(row())))})
    other = content(row(aircraft_model="A321", seats=300), row(flight_number=101))
    response = upload(supervisor, other)
    assert counts(response) == {"new": 1, "changed": 1, "unchanged": 0, "refused": 0}
    page = response.content.decode()
    assert "aircraft type <del>A320-232</del> <ins>A321</ins>" in page
    assert "seats <del>J 16, Y 184</del> <ins>J 24, Y 276</ins>" in page
    assert Flight.objects.get().aircraft_type == "A320-232"


def test_a_rehearsal_shows_fifty_of_each(supervisor):
    response = upload(supervisor, content(*[row(flight_number=n) for n in range(1, 80)]))
    assert counts(response)["new"] == 79
    assert len(response.context["tables"][0]["rows"]) == 50
    assert "the first 50 of 79" in response.content.decode()


def test_a_file_that_changes_nothing_is_not_offered(supervisor):
    supervisor.post(PAGE, {"token": token_in(upload(supervisor, content(row())))})
    page = upload(supervisor, content(row())).content.decode()
    assert "There is nothing to import." in page


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html><script>alert(1)</script>", "unreadable_schedule"),
        (b"\0" * 10_000, "unreadable_schedule"),
        (gzip.compress(content(row()))[:-30], "unreadable_schedule"),
        (gzip.compress(content(row()) + b"\0" * 30_000_000), "unreadable_schedule"),
        (b"x" * 1_100_000, "upload_too_large"),
    ],
    ids=["page", "nul", "cut off", "bomb", "large"],
)
def test_a_hostile_file_is_refused(supervisor, settings, uploads, body, code):
    settings.MOST_UPLOADED_BYTES, settings.MOST_UNPACKED_BYTES = 1_000_000, 10_000_000
    response = upload(supervisor, body)
    assert response.status_code in (400, 413)
    assert f"({code}) Nothing was changed." in response.content.decode()
    assert nothing_changed()
    assert not uploads.exists() or list(uploads.iterdir()) == []


def test_no_file_is_refused(supervisor):
    response = supervisor.post(PAGE)
    assert response.status_code == 400
    assert "Choose a file." in response.content.decode()


@pytest.mark.parametrize("token", ["", "forged", "WyJ4Il0:1abc:def"])
def test_a_forged_confirmation_is_refused(supervisor, token):
    response = supervisor.post(PAGE, {"token": token})
    assert response.status_code == 409
    assert "(upload_gone)" in response.content.decode()


def test_a_confirmation_is_for_who_has_rehearsed(supervisor):
    token = token_in(upload(supervisor, content(row())))
    other = signed_in(user_with("supervisor", name="another"))
    assert other.post(PAGE, {"token": token}).status_code == 409
    assert nothing_changed()


def test_a_rehearsal_expires(supervisor, uploads, settings):
    first = token_in(upload(supervisor, content(row())))
    settings.UPLOAD_LIFETIME *= 0
    assert supervisor.post(PAGE, {"token": first}).status_code == 409
    upload(supervisor, b"nothing")
    assert list(uploads.iterdir()) == []
    assert nothing_changed()


def test_a_second_confirmation_finds_the_file_gone(supervisor):
    token = token_in(upload(supervisor, content(row())))
    assert supervisor.post(PAGE, {"token": token}).status_code == 302
    assert supervisor.post(PAGE, {"token": token}).status_code == 409
    assert Flight.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "reservations", "check-in", "finance", "administrator"])
def test_other_roles_import_nothing(db, role):
    client = with_role(role)
    assert client.get(PAGE).status_code == 403
    assert upload(client, content(row())).status_code == 403
    assert "Import a schedule" not in client.get("/admin/flights/flight/").content.decode()
    assert nothing_changed()


def test_a_stranger_is_refused_before_the_file_is_read(db):
    client = Client()
    assert upload(client, content(row())).status_code == 403
    assert client.get(PAGE).status_code == 302


def test_the_form_needs_its_csrf_token(supervisor):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = supervisor.cookies
    assert upload(strict, content(row())).status_code == 403
    assert nothing_changed()


def test_the_file_is_for_its_owner_alone(supervisor, uploads):
    upload(supervisor, content(row()))
    (kept,) = uploads.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
