"""Hostile input to every operation: always a refusal of the 4xx kind in the one body, and nothing changes."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.contract.operations import (
    CUSTOMER,
    OPERATIONS,
    PRODUCT,
    UNSAFE,
    make_subject,
    refusal,
    resolved,
    snapshot,
)

# Bodies that no operation takes, as they go over the wire.
BODIES = {
    "array": b"[]",
    "array of objects": b"[{}]",
    "text": b'"text"',
    "number": b"1",
    "true": b"true",
    "null": b"null",
    "infinity": b"Infinity",
    "not a number": b'{"seats": NaN}',
    "5,000 arrays deep": b"[" * 5000 + b"]" * 5000,
    "5,000 objects deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "100,000 open brackets": b"[" * 100_000,
    "a number of 5,000 digits": b'{"seats": ' + b"9" * 5000 + b"}",
    "unknown field": b'{"surprise": 1}',
    "unknown field of 100,000 characters": b'{"' + b"x" * 100_000 + b'": 1}',
    "field twice": b'{"seats": 1, "seats": 1}',
    "field twice, once by escape": b'{"seats": 1, "\\u0073eats": 1}',
    "NUL in a name": b'{"\\u0000": 1}',
    "NUL in a text": b'{"userId": "a\\u0000b"}',
    "raw NUL": b'{"userId": "a\0b"}',
    "lone surrogate in a name": b'{"\\ud800": 1}',
    "lone surrogate in a name, twice": b'{"\\ud800": 1, "\\ud800": 1}',
    "lone surrogate in a text": b'{"userId": "\\udfff"}',
    "lone surrogate in UTF-8": b'{"userId": "\xed\xa0\x80"}',
    "invalid UTF-8": b'{"userId": "\xff\xfe"}',
    "UTF-16": '{"seats": 1}'.encode("utf-16"),
    "UTF-8 with a byte order mark": b'\xef\xbb\xbf{"seats": 1}',
    "cut short": b'{"seats": 1',
    "two documents": b"{}{}",
    "a form": b"seats=1&userId=1",
    "control characters": b"\x00\x01\x02",
    "blanks": b"   ",
    "single quotes": b"{'seats': 1}",
}
HUGE = {"10**400": 10**400, "-10**400": -(10**400), "10**19": 10**19}
NOT_TEXT = {"true": True, "number": 1, "fraction": 1.5, "null": None, "array": [], "object": {}, "array of text": ["a"]}
TOO_LONG = {"100,000 characters": "x" * 100_000, "300 accents": "é" * 300}
WRONG = {
    "integer": {
        "text": "2", "true": True, "false": False, "fraction": 2.5, "whole fraction": 2.0, "null": None, "array": [1],
        "object": {"value": 1}, "negative": -1, "zero": 0, "ten": 10, "empty": "", **HUGE,
    },
    "double": {
        "text": "2", "true": True, "null": None, "array": [1], "object": {"value": 1}, "negative": -1, "zero": 0,
        "too fine": 0.00001, "empty": "", **HUGE,
    },
    "string": {**NOT_TEXT, **TOO_LONG, **HUGE},
    "uuid": {**NOT_TEXT, **TOO_LONG, **HUGE, "not one": "123", "almost": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b1g"},
    "date": {
        **NOT_TEXT, **TOO_LONG, **HUGE, "no such day": "2026-02-30", "no such month": "2026-13-01",
        "day first": "20.12.2026", "year zero": "0000-01-01", "five digits": "10000-01-01", "empty": "",
        "with a time": "2026-12-20T10:00:00Z",
    },
    "array": {
        "text": "x", "number": 1, "true": True, "object": {}, "null": None, "numbers": [1], "nulls": [None],
        "texts": ["x"], "arrays": [[]], "a hundred": [{}] * 100, "unknown field": [{"surprise": 1}],
    },
    "date-time": {
        **NOT_TEXT, **TOO_LONG, **HUGE, "no such day": "2026-02-30T10:00:00Z", "no such hour": "2026-12-20T25:00:00Z",
        "day first": "20.12.2026 10:00", "words": "tomorrow", "empty": "",
    },
    "boolean": {
        "text": "true", "yes": "yes", "one": 1, "zero": 0, "null": None, "array": [True], "object": {}, "empty": "",
    },
    "object": {
        "text": "x", "number": 1, "true": True, "array": [], "null": None, "unknown field": {"surprise": 1},
    },
    "email": {**NOT_TEXT, **TOO_LONG, **HUGE, "no address": "x", "two lines": "a@b.example\nBcc: c@d.example"},
}  # fmt: skip
FLIGHT_ID = "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"
TAKING = [operation for operation in UNSAFE if operation.body]
ASKING = [operation for operation in OPERATIONS if operation.query]
WITH_CURSOR = [operation for operation in OPERATIONS if "cursor" in operation.query]
each_asking = pytest.mark.parametrize("operation", ASKING, ids=str)


def kind_of(schema: dict) -> str:
    """Return the row of WRONG for a field."""
    schema = resolved(schema.get("oneOf", [schema])[0])
    return "string" if "enum" in schema else schema.get("format", schema.get("type"))


def wrong_values(schema: dict) -> dict:
    """Return what a field must not take; a long text that it has room for is not wrong."""
    schema = schema.get("oneOf", [schema])[0]
    values, room = WRONG[kind_of(schema)], resolved(schema).get("maxLength", 0)
    return {name: value for name, value in values.items() if name not in TOO_LONG or len(value) > room}


def check_refused(response, name: str) -> None:
    assert 400 <= response.status_code < 500, (name, response.status_code, response.content[:500])
    refusal(response, response.status_code)


def refuses_bodies_that_no_operation_takes(operation, subject, caller):
    for name, body in BODIES.items():
        check_refused(caller.call(operation.method, operation.url(subject), body), name)


def refuses_a_body_over_one_megabyte(operation, subject, caller):
    body = b'{"a": "' + b"x" * 1_000_000 + b'"}'
    for key in ({}, {"Idempotency_Key": "once"}):
        refusal(caller.call(operation.method, operation.url(subject), body, **key), 413, "too_large")


def refuses_wrong_values_of_each_field(operation, subject, caller):
    """Each wrong value stands alone in a body that is right otherwise."""
    for field, schema in operation.body["properties"].items():
        for name, value in wrong_values(schema).items():
            body = operation.valid_body(subject) | {field: value}
            response = caller.call(operation.method, operation.url(subject), body)
            check_refused(response, f"{field}: {name}")
            assert any(e["pointer"].startswith(f"/{field}") for e in response.json()["errors"]), (field, name)


def refuses_what_json_can_write_but_nobody_can_hold(operation, subject, caller):
    numbers = ("9" * 5000, "-" + "9" * 5000, "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity")
    texts = (r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"a\udfffb"', r'["\ud800"]', r'[{"surname": "\udfff"}]')
    for field in operation.body["properties"]:
        for value in (*numbers, *texts):
            valid = json.dumps(operation.valid_body(subject) | {field: "HERE"})
            response = caller.call(operation.method, operation.url(subject), valid.replace('"HERE"', value))
            check_refused(response, f"{field}: {value[:20]}")


def names_a_missing_field(operation, subject, caller):
    for field in operation.body.get("required", ()):
        body = operation.valid_body(subject)
        del body[field]
        problem = refusal(caller.call(operation.method, operation.url(subject), body), 400, "missing_fields")
        assert problem["errors"] == [{"pointer": f"/{field}", "code": "required", "message": "This field is required."}]


PASSENGERS = {
    "unknown field": {"age": 3},
    "unknown type": {"passenger_type": "DOG"},
    "number as a name": {"surname": 5},
    "name too long": {"surname": "x" * 61},
    "no such birthday": {"birth_date": "1990-02-30"},
    "birthday as a number": {"birth_date": 19900228},
    "nested": {"surname": {"surname": "x"}},
}


def takes_names(operation) -> bool:
    passengers = operation.body["properties"].get("passengers", {})
    return "surname" in resolved(passengers.get("items", {})).get("properties", {})


def names_a_bad_passenger(operation, subject, caller):
    for name, passenger in PASSENGERS.items():
        body = operation.valid_body(subject) | {"passengers": [{"surname": "Lovelace"}, passenger]}
        problem = refusal(caller.call(operation.method, operation.url(subject), body), 400)
        assert [error["pointer"] for error in problem["errors"]] == [f"/passengers/1/{next(iter(passenger))}"], name


ITEMS = {
    "nothing in it": ({}, "/product_id"),
    "no quantity": ({"product_id": PRODUCT}, "/quantity"),
    "no product": ({"quantity": 1}, "/product_id"),
    "none of it": ({"product_id": PRODUCT, "quantity": 0}, "/quantity"),
    "less than none": ({"product_id": PRODUCT, "quantity": -1}, "/quantity"),
    "half a piece": ({"product_id": PRODUCT, "quantity": 0.5}, "/quantity"),
    "a number as text": ({"product_id": PRODUCT, "quantity": "1"}, "/quantity"),
    "true pieces": ({"product_id": PRODUCT, "quantity": True}, "/quantity"),
    "more than anybody carries": ({"product_id": PRODUCT, "quantity": 10**19}, "/quantity"),
    "a number as product": ({"product_id": 1, "quantity": 1}, "/product_id"),
    "a long product": ({"product_id": "x" * 51, "quantity": 1}, "/product_id"),
    "its own price": ({"product_id": PRODUCT, "quantity": 1, "price": 0.01}, "/price"),
    "a booking and a product": ({"product_id": PRODUCT, "quantity": 1, "booking_id": FLIGHT_ID}, ""),
    "a quantity of a booking": ({"quantity": 1, "booking_id": FLIGHT_ID}, ""),
    "a booking that is no UUID": ({"booking_id": "x"}, "/booking_id"),
    "a booking as a number": ({"booking_id": 1}, "/booking_id"),
}


def names_a_bad_item(operation, subject, caller):
    for name, (item, pointer) in ITEMS.items():
        body = operation.valid_body(subject)
        body["items"].append(item)
        problem = refusal(caller.call(operation.method, operation.url(subject), body), 400)
        assert problem["errors"][0]["pointer"] == f"/items/1{pointer}", name


@each_asking
def test_wrong_values_of_each_query_parameter(operation, caller, acme, flight):
    subject = make_subject(acme, flight, operation)
    for name in operation.query:
        for value in ("%00", "a%00b", "9" * 2000, "x" * 2000, "%ff%fe" * 500):
            response = caller.call(operation.method, with_query(operation, subject, name, value))
            check_refused(response, f"{name}={value[:20]}")
            assert response.json()["errors"][0]["pointer"] == f"/{name}"


@each_asking
def test_odd_numbers_in_each_query_parameter(operation, caller, acme, flight):
    """A text may look like this, a number, date or choice may not."""
    subject = make_subject(acme, flight, operation)
    texts = (
        "departureCity", "destinationCity", "origin", "destination", "carrier", "user_id", "record_locator",
        "customer_id", "product_id",
    )  # fmt: skip
    odd = ("NaN", "sNaN", "Infinity", "-Infinity", "1e400", "1e-400", "-1", "0x10", "true1", "%F0%9F%9B%AB")
    for name in set(operation.query) - set(texts):
        for value in odd:
            check_refused(caller.call(operation.method, with_query(operation, subject, name, value)), f"{name}={value}")
    for name in set(operation.query) & set(texts):
        for value in odd:
            assert caller.call(operation.method, with_query(operation, subject, name, value)).status_code < 500


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if not o.is_unsafe], ids=str)
def test_unknown_and_repeated_parameters_are_named(operation, caller, acme, flight):
    subject = make_subject(acme, flight)
    unknown = refusal(caller.get(with_query(operation, subject, "surprise", "1")), 400, "invalid_input")
    assert unknown["errors"][0] | {"message": ""} == {"pointer": "/surprise", "code": "unknown_field", "message": ""}
    for name in operation.query:
        repeated = with_query(operation, subject, name, "1") + f"&{name}=1"
        problem = refusal(caller.get(repeated), 400, "invalid_input")
        assert {"pointer": f"/{name}", "code": "duplicate"}.items() <= problem["errors"][0].items()


def with_query(operation, subject, name: str, value: str) -> str:
    """Return the operation's address with one parameter set raw, beside those that it needs."""
    path, _, query = operation.url(subject).partition("?")
    others = [pair for pair in query.split("&") if pair and not pair.startswith(f"{name}=")]
    return f"{path}?{'&'.join([*others, f'{name}={value}'])}"


def cursor_of(*values) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


CURSORS = {
    "one character": "x",
    "not base64": "%25%25%25",
    "not JSON": "eHh4",
    "nothing": cursor_of(),
    "null": cursor_of(None),
    "two nulls": cursor_of(None, None),
    "too many values": cursor_of(FLIGHT_ID, FLIGHT_ID, FLIGHT_ID),
    "text": cursor_of("\0"),
    "object": base64.urlsafe_b64encode(b'{"a": 1, "b": 2}').decode(),
    "an array for the id": cursor_of("2026-12-01T00:00:00+00:00", []),
    "no id": cursor_of("2026-12-01T00:00:00+00:00", "x"),
    "an infinite value": cursor_of(float("inf"), FLIGHT_ID),
    "not a number": cursor_of("NaN", FLIGHT_ID),
    "a signalling one": cursor_of("sNaN", FLIGHT_ID),
    "a huge exponent": cursor_of("1E+1000000", FLIGHT_ID),
    "a long number": cursor_of("9" * 300, FLIGHT_ID),
    "words": cursor_of("words", FLIGHT_ID),
    "an array of numbers": cursor_of([1, 2, 3], FLIGHT_ID),
    "true": cursor_of(True, FLIGHT_ID),
    "deep": base64.urlsafe_b64encode(b"[" * 370).decode().rstrip("="),
}


@pytest.mark.parametrize(
    ("operation", "sort"),
    [(o, sort) for o in WITH_CURSOR for sort in o.query.get("sort", {}).get("enum", [""])],
    ids=str,
)
def test_a_cursor_that_we_never_gave(operation, sort, caller, acme, flight):
    subject = make_subject(acme, flight)
    for name, cursor in CURSORS.items():
        address = (
            operation.url(subject)
            + f"?cursor={quote(cursor, safe='%')}"
            + (f"&sort={sort}&departure_date=2026-12-01" if sort else "")
        )
        problem = refusal(caller.get(address), 400, "invalid_input")
        assert problem["errors"] == [
            {"pointer": "/cursor", "code": "invalid", "message": "Not a cursor of this list."}
        ], name


SEGMENTS = {
    "NUL": "%00",
    "NUL inside": "a%00b",
    "not a UUID": "123",
    "half a UUID": "0190d3a8-6f7e-7c3c-9d55",
    "a surrogate": "%ED%A0%80",
    "invalid UTF-8": "%FF",
    "a slash": "%2F",
    "dots": "..%2F..%2Fetc",
    "quotes": "'%22;--",
    "256 characters": "x" * 256,
    "10,000 characters": "x" * 10_000,
    "a newline": "%0A",
}


PLACES = (
    "booking_id", "order_id", "identifier", "quote_id", "event_id", "flight_id", "ticket_id", "tag_number",
    "disruption_id", "user_id",
)  # fmt: skip


@pytest.mark.parametrize("name", ["acme", "traveller", "handler", "staff"])
@pytest.mark.parametrize("segment", SEGMENTS.values(), ids=SEGMENTS)
def test_odd_path_segments(segment, name, flight, request):
    """In place of an identifier they are 404; an agency may call a customer nearly anything."""
    api = request.getfixturevalue(name)
    before = snapshot()
    for operation in OPERATIONS:
        for place in PLACES:
            if f"{{{place}}}" in operation.path:
                ids = dict.fromkeys(PLACES, str(flight.pk)) | {"user_id": CUSTOMER, "tag_number": "0999000001"}
                response = api.call(operation.method, operation.path.format(**ids | {place: segment}))
                if place == "user_id" and name != "traveller" and response.status_code == 200:
                    assert response.json() == []
                else:
                    refusal(response, 404)
    assert snapshot() == before


def refuses_odd_idempotency_keys(operation, subject, caller):
    for key in ("", "x" * 256, "tab\tinside", "é", "\x7f"):
        problem = refusal(operation.call(caller, subject, Idempotency_Key=key), 400, "invalid_input")
        assert problem["message"].startswith("Idempotency-Key: ")


def refuses_other_media_types(operation, subject, caller):
    body, address = json.dumps(operation.valid_body(subject) or {}), operation.url(subject)
    for media_type in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = caller.client.generic(operation.method, address, body, media_type, headers=caller.headers)
        refusal(answer, 415, "unsupported_media_type")


EVERYWHERE = (
    refuses_bodies_that_no_operation_takes,
    refuses_a_body_over_one_megabyte,
    refuses_odd_idempotency_keys,
    refuses_other_media_types,
)
WITH_FIELDS = (
    refuses_wrong_values_of_each_field,
    refuses_what_json_can_write_but_nobody_can_hold,
    names_a_missing_field,
)


def checks_of(operation) -> list:
    checks = [*EVERYWHERE, *(WITH_FIELDS if operation in TAKING else ())]
    if operation in TAKING and takes_names(operation):
        checks.append(names_a_bad_passenger)
    if operation in TAKING and "items" in operation.body["properties"]:
        checks.append(names_a_bad_item)
    return checks


@pytest.mark.parametrize("operation", UNSAFE, ids=str)
def test_hostile_input_is_refused_and_changes_nothing(operation, caller, acme, flight, settings):
    settings.SESSION_PLAN = {"name": "session", "rate": 10_000, "burst": 20_000}  # more calls than a person makes
    subject = make_subject(acme, flight, operation)
    before = snapshot()
    for check in checks_of(operation):
        check(operation, subject, caller)
        assert snapshot() == before, check.__name__
