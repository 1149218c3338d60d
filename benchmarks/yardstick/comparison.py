"""Two servers that are asked the same, and where their answers differ."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

MADE_ANEW = {
    *("booking_id", "bookingId", "record_locator", "order_id", "execution_arn", "ticket_id", "coupon_id", "scan_id"),
    *("number", "displayed_number", "check_digit", "ticket_number", "nonce", "seat", "sequence_number"),
    *("created_at", "updated_at", "expires_at", "issued_at", "scanned_at", "received_at", "boarded_at"),
}
OF_A_REFUSAL = {
    *("type", "title", "status", "detail", "instance"),  # RFC 9457
    *("code", "message", "error", "errors", "request_id"),
}


class Answer(NamedTuple):
    status: int
    body: Any


class Side(NamedTuple):
    url: str
    key: str

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Answer:
        """Make a call; an empty key is not shown."""
        data = None if body is None else json.dumps(body).encode()
        shown = self.key if key is None else key
        headers = {"Content-Type": "application/json"} | ({"x-api-key": shown} if shown else {})
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, json.load(refusal))


class Comparison:
    """Asks both sides, prints a line for each call, and counts the calls whose answers differ."""

    def __init__(self, ours: Side, theirs: Side, rival_key: str):
        self.ours, self.theirs, self.rival_key = ours, theirs, rival_key
        self.different = 0

    def each(self, make: Callable[[Side], Any]) -> tuple[Any, Any]:
        return make(self.ours), make(self.theirs)

    def same(
        self, name: str, status: int, method: str, path: Any, body: Any = None, *, key: str | None = None
    ) -> tuple[Any, Any]:
        """Make a call to both and return both bodies; a pair of paths or bodies has one for each side."""
        paths, bodies = (one if isinstance(one, tuple) else (one, one) for one in (path, body))
        ours = self.ours.ask(method, paths[0], bodies[0], key=key)
        theirs = self.theirs.ask(method, paths[1], bodies[1], key=key)
        found = [] if ours.status == theirs.status == status else [f"statuses: {ours.status}, {theirs.status}"]
        found += refusals_differ(ours.body, theirs.body) if status >= 400 else differ(ours.body, theirs.body)
        self.different += bool(found)
        print(f"{'DIFFERENT' if found else 'same':9} {status} {name}", *found[:9], sep="\n    ", flush=True)
        return ours.body, theirs.body


def differ(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """Return where two bodies differ; a value that each call makes anew is None on both sides or on none."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = [f"{where}/{name} is in one only" for name in sorted(ours.keys() ^ theirs.keys())]
        for name in sorted(ours.keys() & theirs.keys()):
            pair = ours[name], theirs[name]
            if name in MADE_ANEW:
                pair = pair[0] is None, pair[1] is None
            found += differ(*pair, f"{where}/{name}")
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for place, pair in pairs for line in differ(*pair, f"{where}/{place}")]
    return [] if ours == theirs else [f"{where}: {ours!r}, {theirs!r}"]


def refusals_differ(ours: dict, theirs: dict) -> list[str]:
    """Return where two refusals differ: in their codes (but of bad input), or in what RFC 9457 and clients read."""
    found = [f"/{name} is missing" for name in sorted(OF_A_REFUSAL - ours.keys() | OF_A_REFUSAL - theirs.keys())]
    if ours.get("status") == 400:
        return found
    return found + differ(*({name: one.get(name) for name in ("type", "title", "code")} for one in (ours, theirs)))
