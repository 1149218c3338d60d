"""The API's description is whole and true: no warnings, examples everywhere, and the answers are as described."""

from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.contract.operations import OPERATIONS, make_subject, resolved

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_in_json = pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if not o.path.endswith((".csv", ".pdf"))], ids=str
)
JSON_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


def differences(value: Any, schema: dict, where: str = "") -> list[str]:
    """Return where a value is not as the schema says: its fields, their types, null."""
    nullable = schema.get("nullable", False)
    schema = resolved(schema) | ({"nullable": True} if nullable else {})
    if value is None:
        return [] if schema.get("nullable") else [f"{where} is null"]
    if "type" not in schema:
        return []  # an enumeration by reference
    right_type = isinstance(value, JSON_TYPES[schema["type"]]) and not (
        isinstance(value, bool) and schema["type"] != "boolean"
    )
    if not right_type or ("enum" in schema and value not in schema["enum"]):
        return [f"{where} is {value!r}"]
    if schema["type"] == "array":
        return [text for i, one in enumerate(value) for text in differences(one, schema["items"], f"{where}[{i}]")]
    if schema["type"] != "object" or "properties" not in schema:
        return []
    found = [f"{where}.{name} is missing" for name in set(schema.get("required", ())) - value.keys()]
    found += [f"{where}.{name} is not described" for name in value.keys() - schema["properties"].keys()]
    for name in value.keys() & schema["properties"].keys():
        found += differences(value[name], schema["properties"][name], f"{where}.{name}")
    return found


def answers_of(operation) -> dict[str, dict]:
    """Return the described answers of success, by status."""
    responses = operation.description["responses"].items()
    return {status: answer["content"]["application/json"] for status, answer in responses if status.startswith("2")}


def test_the_schema_is_made_without_warnings():
    GENERATOR_STATS.reset()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    validate_schema(schema)


def test_every_call_of_the_documents_is_described():
    described = {str(operation) for operation in OPERATIONS}
    documented = ["POST /booking", "GET /searchFlights", "POST /bookFlight", "POST /cancel", "POST /update"]
    documented += [f"{m} /api/v1/mgmt/bookings/{{booking_id}}/{a}" for m in ("PUT", "POST") for a in ("confirm",)]
    assert set(documented) <= described
    assert len(described) == len(OPERATIONS) >= 27


@each_operation
def test_every_operation_is_documented(operation):
    description = operation.description
    assert description["summary"]
    assert description["description"]
    assert description["tags"]
    assert description["security"]
    assert {"400", "401", "403", "429"} <= description["responses"].keys()
    assert ("404" in description["responses"]) >= ("{" in operation.path or operation.is_unsafe)


def test_operation_ids_are_unique():
    ids = [operation.description["operationId"] for operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@each_operation
def test_exactly_unsafe_operations_take_an_idempotency_key(operation):
    headers = [p["name"] for p in operation.description.get("parameters", ()) if p["in"] == "header"]
    assert ("Idempotency-Key" in headers) == operation.is_unsafe


@each_in_json
def test_every_operation_has_a_true_example(operation):
    answers = answers_of(operation)
    assert answers
    for answer in answers.values():
        assert answer["examples"]
        for example in answer["examples"].values():
            assert differences(example["value"], answer["schema"]) == []


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=str)
def test_every_body_has_a_true_example(operation):
    content = operation.description["requestBody"]["content"]["application/json"]
    assert content["examples"]
    for example in content["examples"].values():
        assert differences(example["value"], content["schema"]) == []


@each_in_json
def test_the_answer_is_as_described(operation, acme, flight, request):
    answer = operation.call(request.getfixturevalue(operation.caller), make_subject(acme, flight, operation))
    described = answers_of(operation)[str(answer.status_code)]
    assert answer["Content-Type"] == "application/json"
    assert answer.json()
    assert differences(answer.json(), described["schema"]) == []


@each_operation
def test_the_refusal_is_as_described(operation, nobody, acme, flight):
    answer = operation.call(nobody, make_subject(acme, flight))
    described = operation.description["responses"]["403"]["content"]["application/problem+json"]
    assert differences(answer.json(), described["schema"]) == []
