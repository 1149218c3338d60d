"""From refusal to HTTP: the one error body of every path (RFC 9457 and the founding documents' fields)."""

import logging
from http import HTTPStatus

import django.core.exceptions
import django.db
import django.http
import orjson
import psycopg
from rest_framework import exceptions as drf

from skybridge import context
from skybridge.exceptions import (
    Busy,
    ConcurrentChange,
    DomainError,
    Forbidden,
    IncompleteBody,
    InvalidInput,
    NotFound,
    TooLarge,
)

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status_code = 405
    message = "Method Not Allowed"


class NotAcceptable(DomainError):
    code = "not_acceptable"
    status_code = 406
    message = "Not Acceptable"


class InternalError(DomainError):
    code = "internal_error"
    status_code = 500
    message = "Internal server error"


BUSY_ERRORS = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
)


def refusal_from(exc: BaseException) -> DomainError:
    """Return the refusal that an exception stands for; an unknown one is a 500 and is logged with its traceback."""
    match exc:
        case DomainError():
            return exc
        case drf.MethodNotAllowed():
            return MethodNotAllowed()
        case drf.NotAcceptable():
            return NotAcceptable()
        case django.http.Http404():
            return NotFound()
        case drf.PermissionDenied() | drf.NotAuthenticated() | django.core.exceptions.PermissionDenied():
            return Forbidden()
        case django.http.UnreadablePostError():
            return IncompleteBody()
        case django.core.exceptions.RequestDataTooBig():
            return TooLarge()
        case django.core.exceptions.SuspiciousOperation():
            return InvalidInput("Bad Request")
        case django.db.IntegrityError(__cause__=psycopg.errors.UniqueViolation()):
            logger.warning("integrity error", exc_info=exc)
            return ConcurrentChange()
        case django.db.NotSupportedError(__cause__=psycopg.errors.FeatureNotSupported()):
            logger.warning("a statement was prepared before a migration", exc_info=exc)
            return Busy()
        case django.db.OperationalError() | django.db.InterfaceError():
            busy = isinstance(exc.__cause__, BUSY_ERRORS)
            logger.log(logging.INFO if busy else logging.ERROR, "database: %s", exc)
            return Busy()
    logger.error("internal error", exc_info=exc)
    return InternalError()


def problem_body(refusal: DomainError, path: str) -> dict:
    return {
        "type": f"urn:skybridge:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status_code).phrase,
        "status": refusal.status_code,
        "detail": refusal.message,
        "instance": path,
        "code": refusal.code,
        "message": refusal.message,
        "error": refusal.message,
        "errors": refusal.errors,
        "request_id": context.request_id.get(),
        **{name: value for name, value in refusal.details.items() if value is not None},
    }


def problem(refusal: DomainError, path: str) -> django.http.HttpResponse:
    body = orjson.dumps(problem_body(refusal, path), default=str)
    return django.http.HttpResponse(body, status=refusal.status_code, content_type=MEDIA_TYPE, headers=refusal.headers)


def problem_from_exception(exc: BaseException, where: dict) -> django.http.HttpResponse:
    """Return the answer to an exception: REST framework's exception handler."""
    return problem(refusal_from(exc), where["request"].path)
