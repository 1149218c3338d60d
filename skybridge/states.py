"""State machines: a table of transitions on the model, and the one function that writes a status."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models

from skybridge import events
from skybridge.exceptions import ConcurrentChange, IllegalTransition


class StateMachine(models.Model):
    """A model with `status` and `TRANSITIONS` (status -> statuses it may move to; without a row it is final)."""

    TRANSITIONS: ClassVar[Mapping[str, Sequence[str]]]
    status: Any

    class Meta:
        abstract = True

    @classmethod
    def allowed_from(cls, status: str) -> list[str]:
        return [str(target) for target in cls.TRANSITIONS.get(status, ())]

    def move_to(self, status: str, *, actor: events.Actor, reason="", at: datetime | None = None, **changes):
        """Move to a status, set further columns in the same UPDATE, and record the event.

        Raises IllegalTransition (naming the allowed statuses) or ConcurrentChange when the row has moved meanwhile.
        """
        self.move_all([self], status, actor=actor, reason=reason, at=at, **changes)

    @classmethod
    def move_all(
        cls,
        rows: Sequence[Self],
        status: str,
        *,
        actor: events.Actor,
        reason="",
        at: datetime | None = None,
        **changes,
    ) -> None:
        """Move several rows to one status, all or nothing: one UPDATE per present status, one INSERT of events."""
        by_status: dict[str, list[Self]] = {}
        for row in rows:
            by_status.setdefault(row.status, []).append(row)
        for old, group in by_status.items():
            if status not in cls.TRANSITIONS.get(old, ()):
                raise cls.refusal(old, status)
            moved = cls._base_manager.filter(pk__in=[row.pk for row in group], status=old)
            if moved.update(status=status, **changes) != len(group):
                raise ConcurrentChange
        noun = cls._meta.model_name
        events.record(
            [
                events.Happening(
                    f"{noun}.{cls.Status(status).name.lower()}",  # type: ignore[attr-defined]
                    row.pk,
                    {"status": row.status},
                    {"status": status},
                    reason,
                )
                for row in rows
            ],
            actor=actor,
            at=at,
        )
        for row in rows:
            row.status = status
            for name, value in changes.items():
                if not hasattr(value, "resolve_expression"):
                    setattr(row, name, value)

    @classmethod
    def refusal(cls, old: str, new: str) -> IllegalTransition:
        allowed = cls.allowed_from(old)
        noun = str(cls._meta.verbose_name)
        article = "An" if noun[0] in "aeiou" else "A"
        return IllegalTransition(
            f"{article} {noun} that is {old} cannot become {new}; allowed: {', '.join(allowed) or 'none'}.",
            status_now=str(old),  # `status` is the answer's own
            allowed=allowed,
        )


def status_check(name: str, statuses: str) -> models.CheckConstraint:
    """Return the constraint that repeats a machine's statuses (one text, blanks between) in the database."""
    return models.CheckConstraint(condition=models.Q(status__in=statuses.split()), name=name)
