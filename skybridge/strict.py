"""Strict input: JSON without duplicate keys or strings that PostgreSQL cannot hold, no unknown fields."""

import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import django.core.exceptions
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty, get_error_detail
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from skybridge.exceptions import InvalidInput, InvalidJson, MissingFields, UnsupportedMediaType

# curl -d sends the second one; the founding documents' calls are made that way.
JSON_MEDIA_TYPES = ("", "application/json", "application/x-www-form-urlencoded")
MOST_PARAMETERS = 100
has_day_shape = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch


def json_body(request) -> Any:
    """Return the parsed JSON body of a Django request, {} for an empty one. Raises InvalidInput."""
    if not request.body:
        return {}
    if request.content_type not in JSON_MEDIA_TYPES:
        raise UnsupportedMediaType
    try:
        text = request.body.decode("utf-8")
        data = json.loads(text, object_pairs_hook=unique_keys, parse_constant=refuse_constant)
        if "\\u" in text:
            refuse_odd_strings(data)
    except (ValueError, RecursionError) as exc:
        raise InvalidJson(f"The body is not valid JSON: {json_error(exc)}") from exc
    return data


def json_error(exc: Exception) -> str:
    return "nested too deeply" if isinstance(exc, RecursionError) else str(exc).split(" (char")[0]


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            refuse_odd_strings(key)  # the refusal names it
            error = {"pointer": f"/{key}", "code": "duplicate", "message": "This field is given twice."}
            raise InvalidInput(f"Duplicate field: {key}", errors=[error])
        found[key] = value
    return found


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def refuse_odd_strings(data: Any) -> None:
    """Raise ValueError for a NUL or a lone surrogate, which only an escape can bring in."""
    if isinstance(data, dict):
        for key, value in data.items():
            refuse_odd_strings(key)
            refuse_odd_strings(value)
    elif isinstance(data, list):
        for value in data:
            refuse_odd_strings(value)
    elif isinstance(data, str):
        if "\0" in data:
            raise ValueError("a string contains a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in data):
            raise ValueError("a string contains a lone surrogate")


class StrictSerializer(serializers.Serializer):
    # A serializer of input; a field that it does not declare is an error. (A docstring would become every shape's.)
    missing_message = "Missing required field: {}"
    default_error_messages = {"invalid": "Expected a JSON object."}

    def to_internal_value(self, data):
        """Return what each field takes, as REST framework does; a field that is absent and may be costs nothing."""
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        if unknown := [name for name in data if name not in self.fields.fields]:
            detail = ErrorDetail("This field is unknown or cannot be set.", code="unknown_field")
            raise serializers.ValidationError({name: [detail] for name in unknown})
        values: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, field, check in self.takers:
            if name not in data and field.default is empty and not field.required:
                continue
            try:
                value = field.run_validation(data.get(name, empty))
                values[name] = check(value) if check else value
            except serializers.ValidationError as exc:
                errors[name] = exc.detail
            except django.core.exceptions.ValidationError as exc:
                errors[name] = get_error_detail(exc)
        if errors:
            raise serializers.ValidationError(errors)
        return values

    @cached_property
    def takers(self) -> list[tuple[str, serializers.Field, Callable[[Any], Any] | None]]:
        """Each field with its name and its `validate_<name>`, looked up once."""
        return [(name, field, getattr(self, f"validate_{name}", None)) for name, field in self.fields.items()]

    def run_validators(self, value):
        if self.validators:
            super().run_validators(value)


class StrictIntegerField(serializers.IntegerField):
    """A whole JSON number; text, a fraction and true are refused. In a query string its digits."""

    def to_internal_value(self, data):
        if isinstance(data, bool | float) or (isinstance(data, str) and not self.context.get("query")):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """A JSON string; a number in its place is refused rather than converted."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # It looks at each character; `json_body` has refused them, and no query string has them.
        self.validators = [one for one in self.validators if not isinstance(one, ProhibitSurrogateCharactersValidator)]

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON's true or false; words and numbers are refused."""

    def to_internal_value(self, data):
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictAmountField(serializers.DecimalField):
    """A positive amount of money as a JSON number, read as it was written; text and true are refused."""

    def __init__(self, **kwargs):
        super().__init__(max_digits=14, decimal_places=4, min_value=Decimal("0.0001"), coerce_to_string=False, **kwargs)

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictChoiceField(serializers.ChoiceField):
    """One of a few words; a refusal lists them."""

    def to_internal_value(self, data):
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            words = ", ".join(str(word) for word in self.choices)
            raise serializers.ValidationError(f"One of {words}.", code="invalid_choice") from None


class StrictDateField(serializers.DateField):
    """A day as YYYY-MM-DD; of one that the calendar does not have, a refusal says so."""

    def to_internal_value(self, data):
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            if isinstance(data, str) and has_day_shape(data):
                raise serializers.ValidationError(f"There is no {data} in the calendar.", code="invalid") from None
            raise


class StrictUUIDField(serializers.UUIDField):
    """A UUID as text; a number or true is refused rather than converted."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def validated(serializer_class: type[serializers.Serializer], data: Any, *, query: bool = False) -> dict:
    """Return the validated input. Raises InvalidInput with one entry per bad field."""
    serializer = shared_serializer(serializer_class, query)
    try:
        return serializer.run_validation(data)
    except serializers.ValidationError as exc:
        errors = list(field_errors(exc.detail))
    raise invalid_input(errors, getattr(serializer, "missing_message", "{}"))


@cache
def shared_serializer(serializer_class: type[serializers.Serializer], query: bool) -> serializers.Serializer:
    """Return the one serializer of a class: making its fields costs more than validating, which leaves no trace."""
    return serializer_class(context={"query": query})


def query_parameters(request) -> dict[str, str]:
    """Return the query parameters of a Django request. Raises InvalidInput for one given twice, or for too many."""
    text = request.META.get("QUERY_STRING")
    if not text:
        return {}
    try:
        pairs = parse_qsl(text.encode("latin-1").decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError as exc:
        raise InvalidInput("The query string is not UTF-8, or has too many parameters.") from exc
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        names = Counter(name for name, _ in pairs)
        errors = [
            {"pointer": f"/{name}", "code": "duplicate", "message": "This parameter is given twice."}
            for name, times in names.items()
            if times > 1
        ]
        raise invalid_input(errors)
    return {name: value for name, value in parameters.items() if value != ""}


def field_errors(errors: Any, pointer: str = ""):
    """Yield {pointer, code, message} from a serializer's nested errors."""
    if isinstance(errors, dict):
        for name, nested in errors.items():
            step = "" if name == "non_field_errors" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from field_errors(nested, pointer + step)
    elif isinstance(errors, list):
        for index, nested in enumerate(errors):
            yield from field_errors(nested, f"{pointer}/{index}" if isinstance(nested, dict) else pointer)
    else:
        yield {"pointer": pointer, "code": getattr(errors, "code", "invalid"), "message": str(errors)}


def invalid_input(errors: list[dict], missing_message: str = "Missing required field: {}") -> InvalidInput:
    missing = [e["pointer"][1:] for e in errors if e["code"] == "required"]
    if missing:
        return MissingFields(missing_message.format(", ".join(missing)), errors=errors)
    first = errors[0]
    where = first["pointer"][1:]
    return InvalidInput(f"{where}: {first['message']}" if where else first["message"], errors=errors)
