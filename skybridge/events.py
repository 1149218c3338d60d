"""The event log: whatever happens writes one event, and nothing changes or removes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from skybridge import context
from skybridge.models import Event


@dataclass(frozen=True)
class Actor:
    """Who acts, and by which door: `api`, `admin`, `page`, `task` or `command`."""

    kind: str
    id: str
    door: str


def system(task: str) -> Actor:
    return Actor("system", task, "task")


@dataclass(frozen=True)
class Happening:
    """What happened to one subject: `action` such as `booking.confirmed`, the state before and after."""

    action: str
    subject_id: UUID
    before: dict | None = None
    after: dict | None = None
    reason: str = ""


def record(happenings: Iterable[Happening], *, actor: Actor, at: datetime | None = None) -> None:
    """Write one event per happening, in one statement."""
    at = at or timezone.now()
    Event.objects.bulk_create(
        Event(
            at=at,
            actor_kind=actor.kind,
            actor_id=actor.id,
            door=actor.door,
            action=h.action,
            subject_id=h.subject_id,
            before=h.before,
            after=h.after,
            reason=h.reason or context.reason.get(),
            request_id=context.request_id.get(),
        )
        for h in happenings
    )
