"""The public keys of the identity provider (JSON Web Key Set, RFC 7517), kept in the process.

They are read again every five minutes, in the background, and at once when a token names a key that we do not have (its
issuer has rotated), at most once per `RETRY_AFTER`. When the provider cannot be reached, the keys read last stay; when
none have ever been read, callers get `Busy`, since nobody can tell whether their token is good.
"""

import functools
import json
import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

from skybridge.exceptions import Busy

logger = logging.getLogger(__name__)

REFRESH_AFTER = 300.0  # seconds
RETRY_AFTER = 3.0  # seconds between two attempts
FETCH_TIMEOUT = 3.0  # seconds
WAIT_FOR_OTHER = 1.0  # seconds that a request waits for another one's fetch
MAX_BYTES = 262_144
MIN_KEY_BITS = 2048
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class KeySetUnusable(Exception):
    """A document that is not a key set, or one without a key that we may use."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key set is where its address says: a redirect could lead to plain HTTP or to somebody else."""

    def redirect_request(self, *args, **kwargs):
        return None


opener = urllib.request.build_opener(NoRedirect)


class KeySet:
    """The keys at one address."""

    def __init__(self, url: str):
        self.url = url
        self.keys: dict[str, RSAPublicKey] = {}
        self.read_at = -REFRESH_AFTER
        self.tried_at = -REFRESH_AFTER
        self.fetching = threading.Lock()

    def key(self, kid: str) -> RSAPublicKey | None:
        """Return the key of that id, or None when the provider has none. Raises Busy when nobody can tell."""
        found = self.keys.get(kid)
        if found is None:
            self.fetch_now(kid)
            found = self.keys.get(kid)
            if not self.keys:
                raise Busy
        elif self.is_due(self.read_at + REFRESH_AFTER):
            self.fetch_in_background()
        return found

    def is_due(self, from_time: float) -> bool:
        now = time.monotonic()
        return now >= from_time and now >= self.tried_at + RETRY_AFTER

    def fetch_now(self, kid: str) -> None:
        if not self.fetching.acquire(timeout=WAIT_FOR_OTHER):
            raise Busy
        try:
            if kid not in self.keys and self.is_due(0):
                self.fetch()
        finally:
            self.fetching.release()

    def fetch_in_background(self) -> None:
        """Read the keys again while requests go on with the present ones."""
        if self.fetching.acquire(blocking=False):
            threading.Thread(target=self.fetch_and_release, name="jwks", daemon=True).start()

    def fetch_and_release(self) -> None:
        try:
            self.fetch()
        finally:
            self.fetching.release()

    def fetch(self) -> None:
        """Replace the keys by what the provider says now; when it says nothing useful, keep them."""
        self.tried_at = time.monotonic()
        try:
            self.keys = usable_keys(read_document(self.url))
        except (OSError, ValueError, RecursionError, KeySetUnusable) as exc:
            logger.warning("key set not read from %s: %s", self.url, exc)
        else:
            self.read_at = self.tried_at


@functools.lru_cache(maxsize=4)
def key_set(url: str) -> KeySet:
    return KeySet(url)


def read_document(url: str) -> bytes:
    """Return the document at an https or file address. Plain HTTP is for this machine only."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("https", "file") and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise KeySetUnusable("JWT_JWKS_URL must begin with https:// or file://")
    with opener.open(url, timeout=FETCH_TIMEOUT) as answer:
        document = answer.read(MAX_BYTES + 1)
    if len(document) > MAX_BYTES:
        raise KeySetUnusable("larger than 256 KB")
    return document


def usable_keys(document: bytes) -> dict[str, RSAPublicKey]:
    """Return the RSA signature keys of a key set by their id. Raises KeySetUnusable when there is none."""
    data = json.loads(document)
    entries = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise KeySetUnusable("not a key set")
    keys = {entry["kid"]: key for entry in entries if (key := public_key(entry))}
    if not keys:
        raise KeySetUnusable("no RSA signature key of 2048 bits or more")
    return keys


def public_key(entry) -> RSAPublicKey | None:
    """Return an entry's key if it may verify RS256 signatures, else None."""
    if not isinstance(entry, dict) or entry.get("kty") != "RSA" or "d" in entry:
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    if not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return None
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS else None
