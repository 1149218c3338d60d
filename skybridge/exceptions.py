"""Refusals. A service raises one, nobody in between catches it, `skybridge.problems` turns it into an answer."""


class DomainError(Exception):
    """A refusal that the caller can act on.

    `code` is stable and for programs, the message is a sentence for people, `details` become members of the answer's
    body.
    """

    code = "conflict"
    status_code = 409
    message = "The request conflicts with the present state."

    def __init__(self, message: str = "", *, errors=(), headers=None, **details):
        self.message = message or self.message
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.details = details
        super().__init__(self.message)


class InvalidInput(DomainError):
    """Bad input. `errors` lists {pointer, code, message} per field."""

    code = "invalid_input"
    status_code = 400
    message = "The request is not valid."


class InvalidJson(InvalidInput):
    code = "invalid_json"


class MissingFields(InvalidInput):
    code = "missing_fields"


class NotFound(DomainError):
    code = "not_found"
    status_code = 404
    message = "Not found"


class Forbidden(DomainError):
    code = "forbidden"
    status_code = 403
    message = "Forbidden"


class Unauthorized(DomainError):
    code = "invalid_token"
    status_code = 401
    message = "The token is not valid."

    def __init__(self, message: str = "", **details):
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}, **details)


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    status_code = 415
    message = "Send the body as application/json."


class TooLarge(DomainError):
    code = "too_large"
    status_code = 413
    message = "The body is larger than one megabyte."


class IncompleteBody(InvalidInput):
    code = "incomplete_body"
    message = "The body ends before its Content-Length."


class LengthRequired(DomainError):
    code = "length_required"
    status_code = 411
    message = "Send the body with its Content-Length, not in chunks."


class StaleVersion(DomainError):
    code = "stale_version"
    status_code = 412
    message = "The object has changed since you read it; read it again and decide anew."


class IllegalTransition(DomainError):
    code = "illegal_transition"


class ConcurrentChange(DomainError):
    code = "concurrent_change"
    message = "Somebody else changed this at the same moment; read it again."


class Busy(DomainError):
    code = "busy"
    status_code = 503
    message = "Busy at the moment; try again."

    def __init__(self, message: str = "", **details):
        super().__init__(message, headers={"Retry-After": "1"}, **details)


class RateExceeded(DomainError):
    code = "too_many_requests"
    status_code = 429
    message = "Too Many Requests"


class QuotaExceeded(RateExceeded):
    code = "limit_exceeded"
    message = "Limit Exceeded"


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    status_code = 422
    message = "This Idempotency-Key was used for another request; use a new one."


class StillRunning(DomainError):
    code = "request_in_progress"
    message = "The first request with this Idempotency-Key is still running."

    def __init__(self, message: str = "", **details):
        super().__init__(message, headers={"Retry-After": "1"}, **details)
