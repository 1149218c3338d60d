"""Keyset pages: a cursor names the last row of a page, so a page costs the same wherever it is."""

import base64
import binascii
import json
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from skybridge.exceptions import InvalidInput
from skybridge.strict import StrictCharField, StrictIntegerField, StrictSerializer

MAX_LIMIT = 100


class PageQuerySerializer(StrictSerializer):
    limit = StrictIntegerField(min_value=1, default=20, help_text="Rows of a page; above 100 is served as 100.")
    cursor = StrictCharField(required=False, max_length=500, help_text="`next` of the page before.")

    def validate_limit(self, value: int) -> int:
        return min(value, MAX_LIMIT)


@extend_schema_serializer(many=False)  # a page is one object, also as the answer of a list
class PageSerializer(serializers.Serializer):
    """`next` is the cursor of the next page, null on the last one."""

    limit = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)


def encode_cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *readers: Any) -> list[Any]:
    """Return the values of a cursor, each read by its function. Raises InvalidInput for one we never gave."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [read(value) for read, value in zip(readers, values, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as exc:
        error = {"pointer": "/cursor", "code": "invalid", "message": "Not a cursor of this list."}
        raise InvalidInput("cursor: Not a cursor of this list.", errors=[error]) from exc


def page(rows: list[dict], limit: int, *key: str) -> tuple[list[dict], str | None]:
    """Cut `limit + 1` rows into a page and the cursor of the next one, built from the named fields."""
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor(*(last[name] for name in key))
