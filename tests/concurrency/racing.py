"""Racing: many threads that start at one moment, and an HTTP client that they can use."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, TypeVar

from django.core.management import call_command
from django.db import connection

Result = TypeVar("Result")
PATIENCE = 60


def together(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """Make all calls at one moment, each in a thread of its own; return the results in order, or raise the first error.

    Threads are joined and their database connections closed.
    """
    calls = list(calls)
    start = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)
    errors: list[BaseException] = []

    def run(place: int, call: Callable[[], Result]) -> None:
        try:
            start.wait(PATIENCE)
            results[place] = call()
        except BaseException as exc:
            errors.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a call does not end"
    if errors:
        raise errors[0]
    return results


@dataclass(frozen=True)
class Reply:
    status_code: int
    headers: http.client.HTTPMessage
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class HttpApi:
    """`tests.conftest.Api` for a real server; safe to use from many threads, a connection per call."""

    port: int
    headers: dict[str, str]
    timeout: float = 30
    id: str = field(default="")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = None if body is None else json.dumps(body)
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            link.request(method, path, raw, {"Content-Type": "application/json", **self.headers, **named})
            answer = link.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            link.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("PATCH", path, body, **headers)


def outcomes(replies: Iterable[Reply]) -> Counter:
    """Count the answers: by status, and by code where it is a refusal."""
    return Counter(
        reply.status_code if reply.status_code < 400 else (reply.status_code, reply.json()["code"]) for reply in replies
    )


def verify_invariants() -> None:
    """Assert that the whole database keeps its invariants."""
    out = StringIO()
    try:
        call_command("verify_invariants", stdout=out)
    except SystemExit:
        raise AssertionError(out.getvalue()) from None
