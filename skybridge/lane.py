"""The short way of API calls: from their path straight to a viewset, past the middleware that only pages need."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import Resolver404, resolve

from skybridge import headers
from skybridge.api import ApiViewSet
from skybridge.middleware import request_context, security_headers
from skybridge.paths import UUID_PATTERN

SOME_ID = "00000000-0000-0000-0000-000000000000"
LONGEST_PATH = 300  # of one that is remembered
with_some_id = re.compile(UUID_PATTERN).sub


class Route(NamedTuple):
    """A viewset's view, and what takes the parts out of a path that leads there."""

    view: Callable[..., HttpResponse]
    match: Callable[[str], re.Match[str] | None]


def api_lane(get_response):
    """Answer a call of the API that comes without a session by its viewset alone.

    All else goes the long way, and what is refused there (another host, http where https is wanted) too.
    """
    answer = request_context(convert_exception_to_response(answer_call))

    def middleware(request):
        request.api_route = route_of(request) if may_be_short(request) else None
        return answer(request) if request.api_route else get_response(request)

    return middleware


def may_be_short(request: HttpRequest) -> bool:
    if settings.SESSION_COOKIE_NAME in request.META.get("HTTP_COOKIE", ""):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    host = request.META.get("HTTP_HOST") or request.META["SERVER_NAME"]
    return is_known_host(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=64)
def is_known_host(host: str, known: tuple[str, ...]) -> bool:
    """Tell whether Django accepts a `Host` while these are allowed; anew, it looks at each of its characters."""
    request = HttpRequest()
    request.META = {"HTTP_HOST": host}
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


def answer_call(request):
    view, match = request.api_route
    response = view(request, **match(request.path_info[1:]).groupdict())
    if not response.streaming:
        headers.put(response, {"Content-Length": str(len(response.content))})
    response.headers._store = safe_headers(request.is_secure()) | response.headers._store
    return response


def route_of(request: HttpRequest) -> Route | None:
    path = with_some_id(SOME_ID, request.path_info)
    return api_route(path) if len(path) <= LONGEST_PATH else None


@lru_cache(maxsize=1024)
def api_route(path: str) -> Route | None:
    """Return where an API path leads; None for a page, or nothing.

    Django tries its hundreds of patterns one after the other; here paths that differ by their ids alone share a line.
    """
    try:
        found = resolve(path)
    except Resolver404:
        return None
    if not issubclass(getattr(found.func, "cls", object), ApiViewSet):
        return None
    return Route(found.func, re.compile(found.route).search)


@cache
def safe_headers(is_secure: bool) -> dict[str, tuple[str, str]]:
    """Return what the middleware for browsers' safety adds to every answer, as its headers keep it."""
    request = HttpRequest()
    request.META = {settings.SECURE_PROXY_SSL_HEADER[0]: settings.SECURE_PROXY_SSL_HEADER[1] if is_secure else ""}
    answer: Any = HttpResponse()
    del answer.headers["Content-Type"]
    for middleware in (security_headers, XFrameOptionsMiddleware):
        answer = middleware(lambda _, answer=answer: answer)(request)
    answer = SecurityMiddleware(lambda _: answer).process_response(request, answer)
    return answer.headers._store
