"""What happened to one thing, read from the event log and put into words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import models
from django.db.models import Value
from django.db.models.functions import Cast

from skybridge.models import Event

PAGE = 50
DOORS = {"api": "API", "admin": "Back office", "page": "Website", "task": "System task", "command": "Command line"}
# Words for what the log calls by a state's name.
WORDS = {
    "booking.pending": "Seats held",
    "booking.ticketed": "Tickets issued",
    "coupon.lifted": "Boarded",
    "coupon.open": "Coupon open again",
    "coupon.checked_in": "Checked in",
    "order.pending": "Order placed",
    "order.completed": "Order completed, customer told",
    "payment.pending": "Payment started",
    "refund.pending": "Refund started",
    "schedule.imported": "Schedule imported",
}


@dataclass(frozen=True)
class Change:
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    """One event as people read it. `subject` says what it happened to where that is not the thing itself."""

    event: Event
    subject: str
    words: str
    who: str
    door: str
    changes: list[Change]


def subject_of(row: models.Model) -> UUID:
    """Return the id under which a row's events are recorded: its own where that is a UUID, else one made of its key."""
    own = getattr(row, "subject_id", None) or row.pk
    return own if isinstance(own, UUID) else uuid5(NAMESPACE_URL, f"urn:skybridge:{row._meta.model_name}:{row.pk}")


def parts_of(*parts: tuple[str, models.QuerySet, str]) -> dict[UUID, str]:
    """Return the ids and names of a thing's parts; each is a noun, the rows, and the column that tells them apart.

    One statement.
    """
    queries = [
        rows.order_by().values_list(Value(noun), "pk", Cast(column, models.CharField())) for noun, rows, column in parts
    ]
    return {pk: f"{noun} {text or ''}".strip() for noun, pk, text in queries[0].union(*queries[1:], all=True)}


def page_of(subjects: Iterable[UUID], before: int | None) -> tuple[list[Event], int | None]:
    """Return a page of subjects' events, newest first, and the id that the next page comes before. One statement."""
    events = Event.objects.filter(subject_id__in=list(subjects)).order_by("-id")
    found = list((events.filter(id__lt=before) if before else events)[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def line_of(event: Event, subject: str, names: Mapping[tuple[str, str], str]) -> Line:
    who = names.get((event.actor_kind, event.actor_id), event.actor_id)
    kind = "" if event.actor_kind == "system" else f" ({event.actor_kind})"
    door = DOORS.get(event.door, event.door)
    return Line(event, subject, words_of(event.action), f"{who}{kind}", door, changes_of(event))


def words_of(action: str) -> str:
    """Return an action in words: `booking.confirmed` is "Booking confirmed"."""
    return WORDS.get(action) or action.replace(".", " ").replace("_", " ").capitalize()


def changes_of(event: Event) -> list[Change]:
    """Return what differs between before and after, a row per name."""
    before, after = event.before or {}, event.after or {}
    names = {**before, **after}
    return [
        Change(name.replace("_", " "), text_of(before.get(name)), text_of(after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def text_of(value: Any) -> str:
    """Return a value of an event's JSON as text; lists and objects in one line."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text_of(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(text_of(part) for part in value) or "–"
    return str(value)
