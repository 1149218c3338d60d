"""The request (or task) that is being served, for logs, errors and events, and why somebody has asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
reason: ContextVar[str] = ContextVar("reason", default="")


@contextmanager
def saying(why: str) -> Iterator[None]:
    """Give a person's reason to every event that is recorded within and has none of its service's."""
    token = reason.set(why)
    try:
        yield
    finally:
        reason.reset(token)


def reason_with(own: str) -> str:
    """Return a service's reason and what a person has said; for reasons that no program reads."""
    said = reason.get()
    return f"{own}: {said}" if said else own
