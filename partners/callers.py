"""The caller of a request, whatever door and credentials it came with."""

from dataclasses import dataclass
from uuid import UUID

from skybridge.events import Actor


@dataclass(frozen=True)
class Caller(Actor):
    """Kind is `agency`, `agent`, `traveller` or `staff`; id is the agency's, the user's or the traveller's.

    An agency and its agents have `agency_id`; a traveller has `user_id`, or on the website the one `booking_id` whose
    locator and surname it has shown; staff see all. `plan` is what throttling reads: (name, rate per second, burst,
    quota or None, quota period). A ground handler is an agency that boards our flights. A manager is an agent who sees
    the agency's API keys.
    """

    agency_id: UUID | None = None
    agency_name: str = ""
    user_id: str = ""
    booking_id: UUID | None = None
    is_staff: bool = False
    is_ground_handler: bool = False
    is_manager: bool = False
    plan: tuple[str, float, int, int | None, str] = ("", 0, 0, None, "day")

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def sees(self, agency_id: UUID | None, user_id: str, booking_id: UUID) -> bool:
        """Tell whether a booking, of this agency and user, is the caller's; `BookingQuerySet.visible_to` is its SQL."""
        if self.is_staff:
            return True
        if self.booking_id:
            return self.booking_id == booking_id
        if self.agency_id:
            return self.agency_id == agency_id
        return agency_id is None and bool(user_id) and self.user_id == user_id

    @property
    def works_at_gates(self) -> bool:
        return self.is_staff or self.is_ground_handler

    def may_name(self, user_id: str) -> bool:
        """Tell whether the caller may ask about a user: a traveller only about itself."""
        return self.is_staff or bool(self.agency_id) or self.user_id == user_id
