"""`Idempotency-Key`: a repeated request gets the first answer, and claim and effect commit together.

`once` serves every unsafe call. A hot operation that is a single SQL statement takes the `Claim` along instead and
writes it in that statement.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from skybridge.exceptions import InvalidInput, KeyReused, StillRunning
from skybridge.models import IdempotencyKey

KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Allow")
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class Claim:
    """A caller's claim on a key for one request."""

    caller: str
    key: str
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """Return the advisory lock that whoever is carrying out the request holds."""
        digest = hashlib.blake2b(f"{self.caller}\0{self.key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def replay(self) -> HttpResponse | None:
        """Return the first answer, or None. Raises KeyReused for another request. One statement."""
        kept = IdempotencyKey.objects.filter(caller=self.caller, key=self.key).first()
        if kept is None:
            return None
        if bytes(kept.fingerprint) != self.fingerprint:
            raise KeyReused
        response = HttpResponse(bytes(kept.body), status=kept.status, headers=kept.headers)
        response["Idempotent-Replayed"] = "true"
        return response

    def keep(self, response: HttpResponse) -> None:
        """Keep the answer for the key, in the caller's transaction."""
        IdempotencyKey.objects.create(
            caller=self.caller,
            key=self.key,
            fingerprint=self.fingerprint,
            status=response.status_code,
            headers=kept_headers(response),
            body=response.content,
        )


def kept_headers(response: HttpResponse) -> dict[str, str]:
    return {name: response[name] for name in KEPT_HEADERS if name in response}


def claim_of(request, caller: str) -> Claim | None:
    """Return the claim that a Django request makes, or None without the header or for a safe method."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise InvalidInput(f"Idempotency-Key: 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
    parts = (request.method.encode(), request.get_full_path().encode(), request.body)
    return Claim(caller, key, hashlib.sha256(b"\0".join(parts)).digest())


def once(claim: Claim, answer: Callable[[], HttpResponse], refuse: Callable[[Exception], HttpResponse]) -> HttpResponse:
    """Carry out `answer` once per claim; a refusal undoes its effect and is kept as the answer too.

    Answers of 500 and above, and StillRunning, are not kept, so that the caller may try again. Raises KeyReused and
    StillRunning.
    """
    with transaction.atomic():
        if not try_lock(claim.lock):
            raise StillRunning
        if replayed := claim.replay():
            return replayed
        try:
            with transaction.atomic():
                response = answer()
        except StillRunning:
            raise
        except Exception as exc:
            response = refuse(exc)
        if response.status_code < 500:
            claim.keep(response)
        return response


def try_lock(lock: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s::bigint)", [lock])
        return cursor.fetchone()[0]


def purge(now=None) -> int:
    """Delete answers older than `IDEMPOTENCY_KEY_LIFETIME`."""
    before = (now or timezone.now()) - settings.IDEMPOTENCY_KEY_LIFETIME
    return IdempotencyKey.objects.filter(created_at__lt=before).delete()[0]
