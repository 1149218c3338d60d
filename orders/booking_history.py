"""What happened to a booking, its tickets, coupons, EMDs and bags, read from the event log."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from partners.callers import Caller

PAGE = 100
INTERNAL = "approval."  # what staff settle among themselves
PRIVATE = {"to"}  # addresses that others have mailed to
# Staff and agents by their name, agencies by theirs; of an agent also whose it is.
EVENTS = """
WITH parts (id, name) AS (
    SELECT %(id)s::uuid, '' UNION ALL
    SELECT t.id, concat_ws(' ', NULLIF(t.given_name, ''), NULLIF(t.surname, ''))
        FROM ticketing_ticket t WHERE t.booking_id = %(id)s UNION ALL
    SELECT k.id, concat_ws(' ', NULLIF(t.given_name, ''), NULLIF(t.surname, ''))
        FROM ticketing_ticket t JOIN ticketing_coupon k ON k.ticket_id = t.id WHERE t.booking_id = %(id)s UNION ALL
    SELECT e.id, e.description FROM ticketing_ticket t JOIN ticketing_emd e ON e.ticket_id = t.id
        WHERE t.booking_id = %(id)s UNION ALL
    SELECT g.id, g.tag_number FROM ticketing_ticket t JOIN ticketing_coupon k ON k.ticket_id = t.id
        JOIN ticketing_bag g ON g.coupon_id = k.id WHERE t.booking_id = %(id)s UNION ALL
    SELECT d.id, '' FROM orders_disruptedbooking d WHERE d.booking_id = %(id)s
), found AS (
    SELECT e.*, p.name FROM parts p CROSS JOIN LATERAL (
        SELECT * FROM skybridge_event e WHERE e.subject_id = p.id AND (%(before)s::bigint IS NULL OR e.id < %(before)s)
        ORDER BY e.id DESC LIMIT %(limit)s
    ) e ORDER BY e.id DESC LIMIT %(limit)s
)
SELECT e.id, e.at, e.actor_kind, e.actor_id, e.door, e.action, e.before, e.after, e.reason, e.name,
    COALESCE(u.username, a.name, ''), COALESCE(g.agency_id, a.id)
FROM found e
LEFT JOIN auth_user u ON e.actor_kind IN ('staff', 'agent')
    AND u.id = CASE WHEN e.actor_id ~ '^[0-9]{1,9}$' THEN e.actor_id::int END
LEFT JOIN partners_agent g ON e.actor_kind = 'agent' AND g.user_id = u.id
LEFT JOIN partners_agency a ON e.actor_kind = 'agency'
    AND a.id = CASE WHEN e.actor_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN e.actor_id::uuid END
ORDER BY e.id DESC
"""


class LoggedEvent(NamedTuple):
    id: int
    at: datetime
    actor_kind: str
    actor_id: str
    door: str
    action: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    part: str
    actor_name: str
    agency_id: UUID | None


@dataclass(frozen=True)
class Entry:
    """What happened at one moment: one action by one actor, to one thing or to several parts of it.

    `who` is the actor's name as far as the reader may know it, "" where it is told by kind only; `is_own` is what the
    reader has done. `reason` is "" where it is somebody else's business.
    """

    at: datetime
    action: str
    kind: str
    who: str
    is_own: bool
    door: str
    reason: str
    parts: list[str]
    before: dict[str, Any]
    after: dict[str, Any]


def read_history(booking_id: UUID, *, caller: Caller, before: int | None = None) -> tuple[list[Entry], int | None]:
    """Return what happened to a booking that was read for its caller, newest first, and where the next page begins.

    One statement, whose cost grows with the booking's parts, not with the log.
    """
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"id": booking_id, "before": before, "limit": PAGE + 1})
        events = [logged(row) for row in cursor.fetchall()]
    following = events[PAGE - 1].id if len(events) > PAGE else None
    seen = [event for event in events[:PAGE] if caller.is_staff or not event.action.startswith(INTERNAL)]
    return entries(seen, caller), following


def logged(row: tuple) -> LoggedEvent:
    return LoggedEvent(*row[:6], *(json.loads(facts) if facts else {} for facts in row[6:8]), *row[8:])


def entries(events: Iterable[LoggedEvent], caller: Caller) -> list[Entry]:
    """Return events as their reader sees them; those of one moment, action and actor are one."""

    def of_one_act(event: LoggedEvent) -> tuple:
        return event.at, event.action, event.actor_kind, event.actor_id

    return [entry_of(list(group), caller) for _, group in groupby(events, key=of_one_act)]


def entry_of(events: list[LoggedEvent], caller: Caller) -> Entry:
    event = events[0]
    is_colleague = caller.is_staff or (caller.agency_id is not None and event.agency_id == caller.agency_id)
    is_own = (event.actor_kind, event.actor_id) == (caller.kind, caller.id)
    parts = sorted({event.part for event in events if event.part})
    if not (is_colleague or is_own):
        event = event._replace(after={name: value for name, value in event.after.items() if name not in PRIVATE})
    return Entry(
        event.at, event.action, event.actor_kind, (event.actor_name or event.actor_id) if is_colleague else "", is_own,
        event.door, event.reason if is_colleague else "", parts,
        event.before if len(events) == 1 else {}, event.after if len(events) == 1 else {},
    )  # fmt: skip
