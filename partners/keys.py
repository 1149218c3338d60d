"""API keys: their text, and who shows one.

A key is `sb_test_` or `sb_live_` and 160 random bits in base32. A process remembers the keys it has seen for
`API_KEY_CACHE_SECONDS`, so a warm key costs no database round trip, and a revoked key, a deactivated agency or a
changed plan takes effect within that time everywhere. Expiry is checked at every call.
"""

import base64
import hashlib
import math
import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from partners.caches import BoundedCache
from partners.callers import Caller
from partners.models import ApiKey, Plan

PREFIXES = {"test": "sb_test_", "live": "sb_live_"}
SHOWN = 12  # characters of a key that lists show: its prefix and 20 of its 160 bits
LAST_USE_PRECISION = timedelta(minutes=1)

has_key_shape = re.compile(r"sb_(?:test|live)_[a-z2-7]{32}").fullmatch


@dataclass(frozen=True, slots=True)
class SeenKey:
    """What the database said about a key at `read_at` (of the monotonic clock); `caller` is None for a bad one."""

    caller: Caller | None
    expires: float
    read_at: float


# Two caches: a flood of bad keys must not push out the good ones.
good_keys: BoundedCache = BoundedCache(10_000)
bad_keys: BoundedCache = BoundedCache(1_000)


def new_key(mode: str) -> str:
    return PREFIXES[mode] + base64.b32encode(secrets.token_bytes(20)).decode().lower()


def mode_of(key: str) -> str:
    """Return `test` or `live` for a key or its first characters."""
    return next(mode for mode, prefix in PREFIXES.items() if key.startswith(prefix))


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def caller_with(key: str) -> Caller | None:
    """Return the agency that shows this key, or None for a bad key.

    A key seen less than `API_KEY_CACHE_SECONDS` ago costs no query, another one query, and once a minute its last use
    is written too.
    """
    if not has_key_shape(key):
        return None
    digest = digest_of(key)
    seen = good_keys.get(digest) or bad_keys.get(digest)
    if seen is None or time.monotonic() - seen.read_at > settings.API_KEY_CACHE_SECONDS:
        seen = look_up(digest)
    return seen.caller if seen.expires > time.time() else None


def look_up(digest: bytes) -> SeenKey:
    read_at = time.monotonic()
    found = ApiKey.objects.filter(digest=digest, revoked_at=None, agency__is_active=True)
    api_key = found.select_related("agency__plan").first()
    good_keys.drop(digest)
    if api_key is None:
        seen = SeenKey(None, 0, read_at)
        bad_keys.put(digest, seen)
        return seen
    note_use(api_key)
    expires = api_key.expires_at.timestamp() if api_key.expires_at else math.inf
    seen = SeenKey(caller_of(api_key), expires, read_at)
    bad_keys.drop(digest)
    good_keys.put(digest, seen)
    return seen


def caller_of(api_key: ApiKey) -> Caller:
    agency = api_key.agency
    return Caller(
        kind="agency",
        id=str(agency.id),
        door="api",
        agency_id=agency.id,
        agency_name=agency.name,
        is_ground_handler=agency.is_ground_handler,
        plan=terms_of(agency.plan),
    )


def terms_of(plan: Plan) -> tuple[str, float, int, int | None, str]:
    return (plan.name, float(plan.rate), plan.burst, plan.quota, str(plan.quota_period))


def note_use(api_key: ApiKey) -> None:
    """Write the last use, at most once per LAST_USE_PRECISION over all processes."""
    now = timezone.now()
    before = now - LAST_USE_PRECISION
    if api_key.last_used_at is None or api_key.last_used_at < before:
        noted_long_ago = Q(last_used_at=None) | Q(last_used_at__lt=before)
        ApiKey.objects.filter(noted_long_ago, pk=api_key.pk).update(last_used_at=now)


def forget(api_key: ApiKey) -> None:
    """Forget a key in this process; the others follow within `API_KEY_CACHE_SECONDS`."""
    good_keys.drop(bytes(api_key.digest))
