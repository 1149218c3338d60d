"""The request (or task) that is being served, for logs, errors and events."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
