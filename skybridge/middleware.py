"""Middleware of our own: the request's id and log line, and what Django's own answers lack."""

import logging
import re
import time

from django.conf import settings

from skybridge import context, headers, pages, problems
from skybridge.exceptions import DomainError, Forbidden, LengthRequired, NotFound
from skybridge.identifiers import uuid7

access = logging.getLogger("skybridge.access")
# Refusals that Django answers itself (a missing CSRF token, a page's other methods); they get the one error body.
IN_DJANGO_WORDS = {403: Forbidden, 405: problems.MethodNotAllowed}
is_sane_request_id = re.compile(r"[A-Za-z0-9_.-]{8,64}").fullmatch


def request_context(get_response):
    """Give the request an id (the caller's own if it is sane), answer with it, and log one line."""

    def middleware(request):
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.id = given if is_sane_request_id(given) else uuid7().hex
        token = context.request_id.set(request.id)
        started = time.perf_counter()
        try:
            refusal = refusal_of(request)
            response = problems.problem(refusal, request.path) if refusal else get_response(request)
            headers.put(response, {"X-Request-ID": request.id})
            log_access(request, response, started)
            return response
        finally:
            context.request_id.reset(token)

    return middleware


def refusal_of(request) -> DomainError | None:
    if "\0" in request.path:
        return NotFound()  # no text of the database holds a NUL, so nothing has such a path
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return LengthRequired()  # without a length nobody knows whether it has come whole
    return None


def log_access(request, response, started: float) -> None:
    facts = {
        "method": request.method,
        "path": getattr(request, "logged_path", request.path),  # some paths hold a secret
        "status": response.status_code,
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "caller": getattr(request, "caller_name", ""),
    }
    access.info("request", extra={"facts": facts})


def own_refusals(get_response):
    """Put our refusal in place of Django's own words, whose answers carry no error code."""

    def middleware(request):
        response = get_response(request)
        refusal = IN_DJANGO_WORDS.get(response.status_code)
        if refusal and not getattr(response, "is_refusal", False) and response["Content-Type"] != problems.MEDIA_TYPE:
            headers = {name: response[name] for name in ("Allow",) if name in response}
            return pages.refuse(request, refusal(headers=headers))
        return response

    return middleware


def security_headers(get_response):
    def middleware(request):
        response = get_response(request)
        response.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        return response

    return middleware
