"""The short way of API calls: from their path straight to a viewset, past the middleware that only pages need."""

import re
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from skybridge.api import ApiViewSet
from skybridge.paths import UUID_PATTERN

SOME_ID = "00000000-0000-0000-0000-000000000000"
with_some_id = re.compile(UUID_PATTERN).sub


def api_lane(get_response):
    """Answer a call of the API that comes without a session by its viewset alone, which refuses what it cannot do."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.META.get("HTTP_COOKIE", ""):
            route = api_route(with_some_id(SOME_ID, request.path_info))
            if route:
                view, parts = route
                return view(request, **parts(request.path_info[1:]).groupdict())
        return get_response(request)

    return middleware


@lru_cache(maxsize=1024)
def api_route(path: str) -> tuple[Callable, Callable] | None:
    """Return the view of an API path and what takes its parts out of it; None for a page, or nothing.

    Django tries its hundreds of patterns one after the other; here paths that differ by their ids alone share a line.
    """
    try:
        found = resolve(path)
    except Resolver404:
        return None
    if not issubclass(getattr(found.func, "cls", object), ApiViewSet):
        return None
    return found.func, re.compile(found.route).search
