"""Pages and documents beside the API."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from ticketing import signatures

JWK_SET = "application/jwk-set+json"  # Source: RFC 7517, section 8.5.2


def key_ids(request: HttpRequest) -> str:
    return f'"{".".join(signatures.current_keys().public)}"'


@require_safe
@cache_control(public=True, max_age=3600)
@condition(etag_func=key_ids)
def boarding_pass_keys(request: HttpRequest) -> JsonResponse:
    """Give anyone the public keys that verify our boarding passes."""
    return JsonResponse(signatures.public_keys(), content_type=JWK_SET)
