"""The sessions of people who sign in by browser: who sees them, when each was last used, and how they end.

Django keeps the session; a `StaffSession` beside it knows it by the SHA-256 of its key, and the session knows its row.
"""

import logging
import re
import time
from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, logout
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import Error, transaction
from django.db.models import F, Func, QuerySet, TextField
from django.utils import timezone

from skybridge.client_addresses import client_address
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import NotFound
from skybridge.models import StaffSession

logger = logging.getLogger(__name__)
MARK = "staff_session"  # in the session: its row
SEEN_EVERY_SECONDS = 60
MOST_REMEMBERED = 10_000
KEPT = timedelta(days=90)  # after a session has run out
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Version": "Safari",
    "curl": "curl",
}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
seen: OrderedDict[str, float] = OrderedDict()  # session digests that this process has written down, and when


def watch(get_response):
    """Middleware: note that a session is used, at most once a minute in each process."""

    def middleware(request):
        response = get_response(request)
        session = getattr(request, "session", None)
        try:
            if session is not None and session.accessed and session.session_key and SESSION_KEY in session:
                follow(request, at=timezone.now())
        except Error as error:  # the answer stands
            logger.warning("a session's last use is not written down: %s", error)
        return response

    return middleware


def follow(request, *, at: datetime) -> None:
    """Note that a session is used. One whose row has ended, under a key that was changed meanwhile, ends as well."""
    digest = digest_of(request.session.session_key)
    if is_fresh(digest):
        return
    row_id = request.session.get(MARK)
    rows = StaffSession.objects.filter(pk=row_id)
    if row_id and rows.filter(ended_at=None).update(session_digest=digest, **present(request, at)):
        remember(digest)
    elif row_id and rows.exists():
        logout(request)
    else:
        begin(request, request.user, at=at)


def begin(request, user, *, at: datetime) -> None:
    """Write a session down: at sign-in, or when one from before is first seen."""
    if request.session.session_key is None:
        request.session.create()
    digest = digest_of(request.session.session_key)
    facts = {
        "user_id": user.pk,
        "started_at": at,
        "address": client_address(request),
        "browser": browser_in(request.META.get("HTTP_USER_AGENT", "")),
        **present(request, at),
    }
    row, _ = StaffSession.objects.update_or_create(session_digest=digest, defaults=facts)
    request.session[MARK] = str(row.pk)
    remember(digest)


def begin_at_sign_in(sender, request, user, **_) -> None:
    begin(request, user, at=timezone.now())


def end_at_sign_out(sender, request, **_) -> None:
    if row_id := request.session.get(MARK):
        StaffSession.objects.filter(pk=row_id, ended_at=None).update(ended_at=timezone.now())


def present(request, at: datetime) -> dict:
    credentials = sha256(request.session.get(HASH_SESSION_KEY, "").encode()).hexdigest()
    expires_at = request.session.get_expiry_date()
    return {"last_used_at": at, "expires_at": expires_at, "credentials_digest": credentials}


def live_sessions(user: User, *, at: datetime) -> QuerySet[StaffSession]:
    """Return a user's sessions that go on, the last used first; another password has ended those from before it."""
    credentials = sha256(user.get_session_auth_hash().encode()).hexdigest()
    rows = StaffSession.objects.filter(user=user, ended_at=None, expires_at__gt=at, credentials_digest=credentials)
    return rows.order_by("-last_used_at")


@transaction.atomic
def revoke(session_id: UUID, user: User, *, actor: Actor, at: datetime) -> StaffSession:
    """End a session of a user at once, in every process. Raises NotFound."""
    row = StaffSession.objects.filter(pk=session_id, user=user).first()
    if row is None:
        raise NotFound
    end([row], user, actor=actor, at=at)
    return row


@transaction.atomic
def revoke_all(user: User, *, actor: Actor, at: datetime, keep: UUID | None = None) -> int:
    """End all sessions of a user but the one to keep, and return how many."""
    rows = [row for row in StaffSession.objects.filter(user=user, ended_at=None) if row.pk != keep]
    end(rows, user, actor=actor, at=at)
    return len(rows)


def end(rows: list[StaffSession], user: User, *, actor: Actor, at: datetime) -> None:
    ended = StaffSession.objects.filter(pk__in=[row.pk for row in rows], ended_at=None).update(ended_at=at)
    key = Func(F("session_key"), template="encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')")
    key.output_field = TextField()
    Session.objects.alias(digest=key).filter(digest__in=[row.session_digest for row in rows]).delete()
    if ended:
        after = {"sessions": [str(row.pk) for row in rows]}
        record([Happening("staff_session.revoked", subject_of(user), after=after)], actor=actor, at=at)


def forget_old(*, at: datetime) -> int:
    """Delete the rows of sessions that have been over for long, and return how many."""
    return StaffSession.objects.filter(expires_at__lt=at - KEPT).delete()[0]


def current_id(request) -> UUID | None:
    mark = request.session.get(MARK)
    return UUID(mark) if mark else None


def subject_of(user) -> UUID:
    """Return the id under which a user's events are recorded."""
    return uuid5(NAMESPACE_URL, f"urn:skybridge:user:{user.pk}")


def digest_of(session_key: str) -> str:
    return sha256(session_key.encode()).hexdigest()


def is_fresh(digest: str) -> bool:
    return seen.get(digest, -SEEN_EVERY_SECONDS) > time.monotonic() - SEEN_EVERY_SECONDS


def remember(digest: str) -> None:
    seen[digest] = time.monotonic()
    seen.move_to_end(digest)
    while len(seen) > MOST_REMEMBERED:
        seen.popitem(last=False)


def browser_in(agent: str) -> str:
    """Return a browser's name in short, such as `Firefox 140 on Linux`."""
    found = next(
        ((name, hit[1]) for word, name in BROWSERS.items() if (hit := re.search(rf"{word}/(\d+)", agent))), None
    )
    system = next((system for system in SYSTEMS if system in agent), "")
    if found is None:
        return "".join(c for c in agent if c.isprintable())[:60]
    return " ".join(found) + (f" on {system}" if system else "")
