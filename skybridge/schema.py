"""How the API's description is made, beyond what drf-spectacular does by itself."""

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="At most 255 characters. The same key and the same request get the first answer again.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the booking as it was read; 412 when it has changed since.",
)


class Schema(AutoSchema):
    """Adds the headers that every call of a kind takes."""

    def get_override_parameters(self):
        return [] if self.method in ("GET", "HEAD") else [IDEMPOTENCY_KEY]


def without_trailing_slash(endpoints: list[tuple]) -> list[tuple]:
    """Describe each path without the trailing slash that it also answers to."""
    return [(path.rstrip("/") or "/", regex, method, view) for path, regex, method, view in endpoints]
