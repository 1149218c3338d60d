"""Forms that are sent once: a second press of the button, or the same page sent again, gets the first answer.

The form carries a token of its own (`{% sent_once %}`). Answer and effect are kept together, as those of an
`Idempotency-Key` are (`skybridge/idempotency.py`). Another content under the same token is another sending.
"""

import hashlib
import secrets
from collections.abc import Callable

from django.db import connection, transaction
from django.http import HttpResponse

from skybridge.idempotency import Claim

FIELD = "sending"
ASIDE = ("csrfmiddlewaretoken",)


def new_token() -> str:
    return secrets.token_urlsafe(12)


def claim_of(request) -> Claim:
    """Return the claim that a posted form makes; it is the caller's own (`request.caller`)."""
    fields = sorted((name, values) for name, values in request.POST.lists() if name not in ASIDE)
    digest = hashlib.sha256(repr((request.get_full_path(), fields)).encode()).digest()
    caller = request.caller
    return Claim(f"{caller.kind}:{caller.id}", f"page:{digest.hex()}", digest)


def once(request, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Carry out what a form asks for once and return the answer; a refusal is raised and can be tried again.

    For what may be within a transaction. Who presses twice waits: a browser shows the answer to the second press.
    """
    claim = claim_of(request)
    with transaction.atomic():
        wait_for(claim.lock)
        if first := claim.replay():
            return first
        response = act()
        claim.keep(response)
        return response


def wait_for(lock: int) -> None:
    """Take an advisory lock until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [lock])
