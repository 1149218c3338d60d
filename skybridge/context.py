"""The request (or task) that is being served, for logs, errors and events, and why somebody has asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
reason: ContextVar[str] = ContextVar("reason", default="")


@contextmanager
def saying(why: str) -> Iterator[None]:
    """Let every event that is recorded within have a person's reason, after the one that a service gives."""
    token = reason.set(why)
    try:
        yield
    finally:
        reason.reset(token)


def reason_with(own: str) -> str:
    """Return the reason of an event: a service's own, and what the person has said if that is something else."""
    said = reason.get()
    return f"{own}: {said}" if own and said and said not in own else own or said
