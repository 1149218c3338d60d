"""The rules that every call shares: the error body, request ids, versions, idempotency keys, strict input."""

import json
import re
import sys

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from bookings import viewsets
from skybridge.idempotency import Claim
from skybridge.models import IdempotencyKey
from tests.contract.operations import OPERATIONS, UNSAFE, Subject, make_subject, refusal, snapshot

BOOKINGS = "/api/v1/bookings"
each_unsafe = pytest.mark.parametrize("operation", UNSAFE, ids=str)


@pytest.fixture
def subject(acme, flight) -> Subject:
    return make_subject(acme, flight)


@pytest.fixture
def book(acme, flight):
    """Return a function that books two seats through document 002."""
    body = {"userId": "12345", "flightId": "FL123", "seats": 2, "departureDate": str(flight.departure_date)}
    return lambda **headers: acme.post("/bookFlight", body, **headers)


# --- The error body ---


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nothing", "/bookFlight/1", "/api/v1/bookings/1", "/%00", "/%FF"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404(method, path, acme, nobody):
    for caller in (acme, nobody):
        assert refusal(caller.call(method, path), 404, "not_found")["title"] == "Not Found"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_other_methods_are_405_and_named(operation, caller, subject):
    before = snapshot()
    path = operation.url(subject).partition("?")[0]
    own = {o.method for o in OPERATIONS if o.path == operation.path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - own:
        answer = caller.call(method, path, "{}")
        refusal(answer, 405, "method_not_allowed")
        assert own <= set(answer["Allow"].split(", "))
    assert snapshot() == before


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json"])
def test_pages_refuse_other_methods_in_the_same_body(path, nobody):
    for method in ("POST", "PUT", "DELETE"):
        answer = nobody.call(method, path)
        refusal(answer, 405, "method_not_allowed")
        assert "GET" in answer["Allow"]


def test_a_format_that_we_do_not_speak_is_406(nobody):
    refusal(nobody.get("/openapi.json", Accept="text/html"), 406, "not_acceptable")


def session_client(user_id: str) -> Client:
    """Return a client with a session's cookie that has to show a CSRF token, as a browser does."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(User.objects.get(pk=user_id))
    return client


def test_a_session_needs_a_csrf_token(agent, subject):
    before = snapshot()
    client = session_client(agent.id)
    assert client.get(BOOKINGS).status_code == 200
    for path in ("/cancel", f"{BOOKINGS}/{subject.booking_id}/cancel"):
        refusal(client.post(path, {"bookingId": subject.booking_id}, content_type="application/json"), 403, "forbidden")
    assert snapshot() == before


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ("--x", "multipart/form-data; boundary=x", 415),
        ("{", "application/json", 400),
        ("[" * 5000, "application/json", 400),
        ("csrfmiddlewaretoken=x", "application/x-www-form-urlencoded", 400),
    ],
)
def test_hostile_bodies_with_a_csrf_token(body, media_type, status, agent, subject):
    before = snapshot()
    client, token = session_client(agent.id), {"X-CSRFToken": "x" * 32}
    client.cookies["csrftoken"] = "x" * 32
    refusal(client.post("/cancel", body, content_type=media_type, headers=token), status)
    assert snapshot() == before


@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_session_with_a_csrf_token(media_type, agent, subject):
    client, token = session_client(agent.id), {"X-CSRFToken": "x" * 32}
    client.cookies["csrftoken"] = "x" * 32
    body = json.dumps({"bookingId": subject.booking_id})
    assert client.post("/cancel", body, content_type=media_type, headers=token).json()["status"] == "canceled"


def test_a_page_without_its_csrf_token_refuses_in_the_same_body(db):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    refusal(client.post("/admin/login/", {"username": "x"}), 403, "forbidden")


def test_an_unexpected_error_tells_nothing(acme, subject, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(viewsets, "read_booking", broken)
    answer = acme.get(f"{BOOKINGS}/{subject.booking_id}")
    problem = refusal(answer, 500, "internal_error")
    assert problem["message"] == problem["error"] == "Internal server error"
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content
    [logged] = [record for record in caplog.records if record.exc_info]
    assert "the secret cause" in str(logged.exc_info[1])


def test_an_error_outside_the_api_tells_nothing(nobody, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("skybridge.views.render", broken)
    answer = nobody.get("/")
    assert refusal(answer, 500, "internal_error")["message"] == "Internal server error"
    assert b"secret" not in answer.content
    assert "the secret cause" in caplog.text


def test_a_problem_points_at_each_bad_field(acme, flight):
    body = {"event_id": "x", "ticket_quantity": 0, "passengers": [{"surname": 1}], "surprise~/1": 1}
    problem = refusal(acme.post("/api/v1/mgmt/bookings", body), 400)
    assert [error["pointer"] for error in problem["errors"]] == ["/surprise~0~11"]
    del body["surprise~/1"]
    problem = refusal(acme.post("/api/v1/mgmt/bookings", body), 400)
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointers == ["/event_id", "/ticket_quantity", "/passengers/0/surname"]
    assert problem["instance"] == "/api/v1/mgmt/bookings"


def test_a_problem_is_said_in_the_words_of_json_and_the_calendar(acme):
    listed = refusal(acme.post(BOOKINGS, [1]), 400)
    assert listed["message"] == "Expected a JSON object."
    dated = refusal(acme.get("/api/v1/statement?from=2026-02-31&to=tomorrow"), 400)
    assert [(one["pointer"], one["code"]) for one in dated["errors"]] == [("/from", "invalid"), ("/to", "invalid")]
    assert dated["errors"][0]["message"] == "There is no 2026-02-31 in the calendar."
    assert "YYYY-MM-DD" in dated["errors"][1]["message"]


# --- Request ids and headers ---


def test_a_request_id_is_given_or_kept(acme):
    given = acme.get("/livez")["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", given)
    assert acme.get("/livez")["X-Request-ID"] != given
    assert acme.get("/livez", X_Request_ID="abc.DEF-123_4")["X-Request-ID"] == "abc.DEF-123_4"


@pytest.mark.parametrize("insane", ["short", "x" * 65, "with blanks in it", 'quote"quote', "semi;colon;"])
def test_an_insane_request_id_is_replaced(insane, nobody):
    answer = nobody.get("/nowhere", X_Request_ID=insane)
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])
    refusal(answer, 404)


def test_the_request_id_is_in_the_events(acme, subject):
    acme.post(f"{BOOKINGS}/{subject.booking_id}/cancel", X_Request_ID="request-one")
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT action FROM skybridge_event WHERE request_id = 'request-one' ORDER BY 1")
        assert cursor.fetchall() == [("booking.canceled",), ("coupon.void",)]


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.caller != "staff"], ids=str)
def test_rate_limit_headers_on_every_answer(operation, caller, subject):
    for answer in (operation.call(caller, subject), caller.call(operation.method, operation.url(subject), "[")):
        assert re.fullmatch(r'"fast";q=100000;w=1', answer["RateLimit-Policy"])
        assert re.fullmatch(r'"fast";r=\d+;t=\d+', answer["RateLimit"])
        assert "default-src 'self'" in answer["Content-Security-Policy"]


# --- Versions ---


def test_an_etag_per_version(acme, subject):
    path = f"{BOOKINGS}/{subject.booking_id}"
    assert acme.get(path)["ETag"] == '"1"'
    changed = acme.patch(path, {"seats": 3}, If_Match='"1"')
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    assert acme.get(path)["ETag"] == '"2"'


@pytest.mark.parametrize("stale", ['"1"', '"3"', "2", 'W/"2"', '"x"', "", '"1", "3"'])
def test_a_stale_version_is_412(stale, acme, subject):
    path = f"{BOOKINGS}/{subject.booking_id}"
    acme.patch(path, {"seats": 3})
    before = snapshot()
    for answer in (
        acme.patch(path, {"seats": 1}, If_Match=stale),
        acme.post(f"{path}/cancel", If_Match=stale),
        acme.put(f"/api/v1/mgmt/bookings/{subject.booking_id}/confirm", If_Match=stale),
        acme.post("/cancel", {"bookingId": subject.booking_id}, If_Match=stale),
        acme.post("/update", {"bookingId": subject.booking_id, "seats": 1}, If_Match=stale),
    ):
        refusal(answer, 412, "stale_version")
    assert snapshot() == before


@pytest.mark.parametrize("fresh", ['"1"', "*", '"7", "1"'])
def test_a_fresh_version_goes_through(fresh, acme, subject):
    assert acme.post(f"{BOOKINGS}/{subject.booking_id}/cancel", If_Match=fresh).status_code == 200


# --- Idempotency keys ---


@pytest.mark.django_db(transaction=True)
@each_unsafe
def test_a_repeated_call_gets_the_first_answer_byte_for_byte(operation, caller, acme, flight):
    subject = make_subject(acme, flight, operation)
    first = operation.call(caller, subject, Idempotency_Key="k" * 255)
    assert first.status_code in (200, 201)
    assert not first.has_header("Idempotent-Replayed")
    after = snapshot()
    again = operation.call(caller, subject, Idempotency_Key="k" * 255)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (again["Content-Type"], again.get("ETag")) == (first["Content-Type"], first.get("ETag"))
    assert again["Idempotent-Replayed"] == "true"
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert snapshot() == after


@pytest.mark.django_db(transaction=True)
@each_unsafe
def test_a_key_for_another_request_is_422(operation, caller, acme, flight):
    subject = make_subject(acme, flight, operation)
    assert operation.call(caller, subject, Idempotency_Key="one").status_code in (200, 201)
    after = snapshot()
    other_body = json.dumps(operation.valid_body(subject) or {}) + " "
    for path, body in ((operation.url(subject), other_body), (operation.url(subject) + "?", other_body)):
        refusal(caller.call(operation.method, path, body, Idempotency_Key="one"), 422, "idempotency_key_reused")
    refusal(caller.post("/booking", {}, Idempotency_Key="one"), 422, "idempotency_key_reused")
    assert snapshot() == after


@each_unsafe
def test_a_call_still_running_is_409(operation, caller, acme, flight):
    """Another connection holds the key's lock, as the first request would."""
    subject = make_subject(acme, flight, operation)
    before = snapshot()
    kind = "staff" if operation.caller == "staff" else "agency"
    lock = Claim(f"{kind}:{caller.id}", "one", b"").lock
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s::bigint)", [lock])
        answer = operation.call(caller, subject, Idempotency_Key="one")
        cursor.execute("SELECT pg_advisory_unlock(%s::bigint)", [lock])
    other.close()
    refusal(answer, 409, "request_in_progress")
    assert int(answer["Retry-After"]) >= 1
    assert snapshot() == before
    assert operation.call(caller, subject, Idempotency_Key="one").status_code in (200, 201)


@each_unsafe
def test_a_refusal_is_replayed_too(operation, caller, acme, flight):
    subject = make_subject(acme, flight, operation)
    first = caller.call(operation.method, operation.url(subject), {"surprise": 1}, Idempotency_Key="one")
    refusal(first, 400, "invalid_input")
    before = snapshot()
    again = caller.call(operation.method, operation.url(subject), {"surprise": 1}, Idempotency_Key="one")
    assert (again.status_code, again.content) == (400, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_a_refusal_by_the_state_of_things_is_replayed_after_they_change(flight, book):
    flight.cabins.update(free=1, sold=99)
    first = book(Idempotency_Key="one")
    refusal(first, 409, "not_enough_seats")
    flight.cabins.update(free=100, sold=0)
    assert book(Idempotency_Key="one").content == first.content
    assert flight.cabins.get().held == 0
    assert book(Idempotency_Key="two").status_code == 200


@pytest.mark.parametrize("operation", [o for o in UNSAFE if o.noun], ids=str)
def test_an_error_after_the_effect_leaves_neither_effect_nor_claim(operation, acme, flight, caller, monkeypatch):
    subject = make_subject(acme, flight, operation)
    before = snapshot()
    with monkeypatch.context() as patched:
        for name, module in list(sys.modules.items()):
            if "viewsets" in name and hasattr(module, "reply"):
                patched.setattr(module, "reply", broken_document)
        refusal(operation.call(caller, subject, Idempotency_Key="one"), 500, "internal_error")
    assert snapshot() == before
    answer = operation.call(caller, subject, Idempotency_Key="one")
    assert answer.status_code in (200, 201)
    assert not answer.has_header("Idempotent-Replayed")


def broken_document(*args):
    raise RuntimeError


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", [o for o in UNSAFE if o.creates], ids=str)
def test_what_is_made_and_its_claim_commit_together(operation, acme, flight, refuse_claims):
    """The claim is the last thing that is written; where that fails, no seat is taken and nothing is sold."""
    subject = make_subject(acme, flight)
    before = snapshot()
    with refuse_claims:
        refusal(operation.call(acme, subject, Idempotency_Key="one"), 500, "internal_error")
    assert snapshot() == before
    assert operation.call(acme, subject, Idempotency_Key="one").status_code in (200, 201)
    assert IdempotencyKey.objects.count() == 1


@pytest.fixture
def refuse_claims():
    """A context in which the database refuses to write a claim."""

    class Refusing:
        def __enter__(self):
            self.run("ALTER TABLE skybridge_idempotencykey ADD CONSTRAINT refused CHECK (false) NOT VALID")

        def __exit__(self, *exc_info):
            self.run("ALTER TABLE skybridge_idempotencykey DROP CONSTRAINT refused")

        @staticmethod
        def run(sql: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(sql)

    return Refusing()


@pytest.mark.parametrize("path", ["/api/v1/mgmt/bookings", "/booking"])
def test_keys_of_two_callers_do_not_meet(path, acme, zenith, traveller, staff, flight):
    body = {} if path == "/booking" else {"event_id": str(flight.pk), "ticket_quantity": 1}
    callers = (acme, zenith, traveller, staff)
    answers = [caller.post(path, body, Idempotency_Key="one") for caller in callers]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["booking_id"] for answer in answers}) == 4
    assert not any(answer.has_header("Idempotent-Replayed") for answer in answers)


def test_a_key_on_a_safe_call_means_nothing(acme, subject):
    for _ in range(2):
        answer = acme.get(f"{BOOKINGS}/{subject.booking_id}", Idempotency_Key="x" * 300)
        assert (answer.status_code, answer.has_header("Idempotent-Replayed")) == (200, False)
    assert not IdempotencyKey.objects.exists()


def test_a_call_refused_at_the_door_keeps_no_claim(nobody, zenith, subject):
    refusal(nobody.post(f"{BOOKINGS}/{subject.booking_id}/cancel", Idempotency_Key="one"), 403)
    refusal(zenith.delete(BOOKINGS, Idempotency_Key="one"), 405)
    assert not IdempotencyKey.objects.exists()
