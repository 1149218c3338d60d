"""One version of a stream as an object of the store: its key, its bytes, and how they are read back.

The bytes follow from the version alone (canonical JSON: sorted keys, no blanks, UTF-8, numbers as PostgreSQL writes
them), so that whoever stores a version again stores the same. Each names the SHA-256 of the version before.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

FORMAT = 1
RESTORES = "restores/"
ARCHIVE = "flights/"  # of departed flights, see `orders/archives.py`
FOLDERS = {"order": "orders", "account": "accounts"}
KEY = re.compile(r"(?P<folder>(?P<kind>order|account)s/[^/]+)/(?P<version>\d{8})_(?P<taken_at>[\dT]+\.\d{6}Z)\.json")
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
MARKED = re.compile(r'"\\u0000([^"]*)"')


class Name(NamedTuple):
    """What a key says: the stream's folder, its kind, the version and when that was taken."""

    key: str
    folder: str
    kind: str
    version: int
    taken_at: datetime


class Version(NamedTuple):
    """What an object holds. `document` is JSON text."""

    kind: str
    stream: str
    version: int
    taken_at: datetime
    previous_sha256: str | None
    document: str


class Header(NamedTuple):
    """What an object says of itself; `key` is the one that it belongs under."""

    key: str
    kind: str
    stream: str
    version: int
    previous_sha256: str | None


class GivenUp(NamedTuple):
    """Versions that no longer count: those taken after `until`, up to the restore at `at` that took over from there."""

    until: datetime
    at: datetime

    @property
    def key(self) -> str:
        return f"{RESTORES}{stamp(self.at)}.json"

    @property
    def body(self) -> bytes:
        return canonical({"format": FORMAT, "until": self.until.isoformat(), "at": self.at.isoformat()}).encode()

    def holds(self, name: Name) -> bool:
        return self.until < name.taken_at <= self.at


def given_up_in(body: bytes) -> GivenUp:
    content = json.loads(body)
    return GivenUp(*(datetime.fromisoformat(content[name]) for name in ("until", "at")))


def key_of(kind: str, stream: str, version: int, taken_at: datetime) -> str:
    """Return a version's key: within a stream, keys sort by version."""
    return f"{FOLDERS[kind]}/{folder_of(stream)}/{version:08}_{stamp(taken_at)}.json"


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def folder_of(stream: str) -> str:
    """Return the stream's name, or its SHA-256 where the name is not fit for a key."""
    return stream if PLAIN.fullmatch(stream) else hashlib.sha256(stream.encode()).hexdigest()


def name_of(key: str) -> Name | None:
    """Return what a key says, None when it is none of ours."""
    match = KEY.fullmatch(key)
    if match is None:
        return None
    taken_at = datetime.strptime(match["taken_at"], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    return Name(key, match["folder"], match["kind"], int(match["version"]), taken_at)


def body_of(version: Version) -> bytes:
    """Return a version's bytes."""
    content = {
        "format": FORMAT,
        "kind": version.kind,
        "stream": version.stream,
        "version": version.version,
        "taken_at": version.taken_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "previous_sha256": version.previous_sha256,
        "document": json.loads(version.document, parse_float=Decimal),
    }
    return canonical(content).encode()


def header_of(body: bytes) -> Header:
    """Return what bytes say of the version that they hold. Raises ValueError for what is none, or of a later format."""
    content = json.loads(body)
    try:
        if content["format"] != FORMAT:
            raise ValueError(f"it is of format {content['format']}")
        taken_at = datetime.fromisoformat(content["taken_at"])
        key = key_of(content["kind"], content["stream"], content["version"], taken_at)
        return Header(key, content["kind"], content["stream"], content["version"], content["previous_sha256"])
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError("it is not a version of an order or account") from exc


def canonical(value: Any) -> str:
    """Return a value as canonical JSON. A Decimal keeps its places: no number passes through a float."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=marked)
    return MARKED.sub(itemgetter(1), text)


def marked(number: Any) -> str:
    """Return a Decimal as a string that no document has: PostgreSQL's JSON cannot hold U+0000."""
    if not isinstance(number, Decimal):
        raise TypeError(f"{number!r} has no place in a document")
    return f"\0{number:f}"
