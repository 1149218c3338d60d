"""New names for passengers, and who may give them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bookings.exceptions import NameChangeNotAllowed
from partners.callers import Caller
from ticketing.documents import TicketFacts


@dataclass(frozen=True)
class Names:
    """New names for one passenger, by ticket or by place in the booking; empty ones stay as they are."""

    ticket_id: UUID | None = None
    fields: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Names":
        names = tuple((name, value) for name, value in fields.items() if name != "ticket_id")
        return cls(fields.get("ticket_id"), names)


def check_renaming(ticket: TicketFacts, fields: dict[str, Any], caller: Caller) -> None:
    """Refuse another name on an issued ticket to all but staff; a missing one may be given.

    Raises NameChangeNotAllowed.
    """
    for present, name in ((ticket.surname, "surname"), (ticket.given_name, "given_name")):
        if ticket.number and not caller.is_staff and present and fields.get(name, present) != present:
            raise NameChangeNotAllowed(ticket_id=ticket.id)
