"""Every act of the back office as an errand: who does what to which thing, what is said then, and what is refused."""

from dataclasses import dataclass, field

from django.contrib import admin

from skybridge.acts import ActsAdmin


@dataclass(frozen=True)
class Errand:
    """`thing` and `refused` are of the world's things; in forms, what is in braces is one too.

    `refused`: what the act is refused for afterwards, with `refused_form` and this `code` ("": nothing is).
    """

    model: str
    act: str
    who: str
    thing: str
    says: str
    code: str = ""
    form: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    refused_form: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.model}-{self.act}"


BOOKING, FLIGHT, ORDER, EXECUTION, BACKUP = (
    "bookings/booking", "flights/flight", "orders/order", "orders/execution", "orders/backup",
)  # fmt: skip
AGENCY, KEY, TICKET, COUPON, PASS = (
    "partners/agency", "partners/apikey", "ticketing/ticket", "ticketing/coupon", "ticketing/boardingpass",
)  # fmt: skip
MADE, BLOCKED = {"mode": "test", "name": "Till 1"}, {"seats": "3A 3C"}
LATER = {"departs": "{departs}", "arrives": "{arrives}"}
ERRANDS = [
    Errand(BOOKING, "confirm", "reservations", "held", "is confirmed", "action_not_allowed"),
    Errand(BOOKING, "change", "reservations", "changed", "is confirmed", "flight_not_found", {"seats": "2"},
           refused_form={"departure_date": "2031-01-31"}),
    Errand(BOOKING, "extend_hold", "reservations", "lasting", "is held until", "invalid_input", {"minutes": "45"},
           refused_form={"minutes": "1440"}),
    Errand(BOOKING, "check_in", "check-in", "leaving", "boarding passes are good", "check_in_not_open",
           refused="kept"),
    Errand(BOOKING, "offload", "check-in", "leaving", "is off its flights", "not_checked_in"),
    Errand(BOOKING, "cancel", "reservations", "unwanted_one", "is canceled", "action_not_allowed"),
    Errand(BOOKING, "refund", "finance", "refunded", "is refunded", "action_not_allowed"),
    Errand(FLIGHT, "delay", "supervisor", "delayed", "is delayed", "flight_cancelled", {"minutes": "45"}, "grounded"),
    Errand(FLIGHT, "retime", "supervisor", "retimed", "is retimed", "flight_cancelled", LATER, "grounded"),
    Errand(FLIGHT, "aircraft", "supervisor", "refitted", "has another aircraft", "flight_cancelled",
           {"aircraft_type": "E75"}, "grounded"),
    Errand(FLIGHT, "block_seats", "supervisor", "seated", "keeps 3A, 3C from passengers", "unknown_seat", BLOCKED,
           refused_form={"seats": "99Z"}),
    Errand(FLIGHT, "unblock_seats", "supervisor", "blocked", "gives 3A, 3C", "seat_not_blocked", BLOCKED),
    Errand(FLIGHT, "close", "check-in", "closed", "is closed out", "boarding_not_open", refused="seated"),
    Errand(FLIGHT, "reopen", "supervisor", "reopened", "is open again", "flight_cancelled", refused="grounded"),
    Errand(FLIGHT, "cancel", "supervisor", "cancelled", "is cancelled", "flight_departed", refused="flown"),
    Errand(ORDER, "cancel", "reservations", "unwanted", "is cancelled", "action_not_allowed"),
    Errand(EXECUTION, "redrive", "supervisor", "failed", "is RUNNING", "not_redrivable"),
    Errand(EXECUTION, "stop", "administrator", "running", "is ABORTED", "not_running"),
    Errand(BACKUP, "store", "supervisor", "backup", "stored"),
    Errand(AGENCY, "create_key", "administrator", "agency", "sb_test_", "too_many_api_keys", MADE),
    Errand(AGENCY, "change_plan", "administrator", "agency", "is on browser", form={"plan": "{plan}"}),
    Errand(KEY, "rotate", "administrator", "key", "sb_test_", "api_key_not_live", {"hours": "0"}),
    Errand(KEY, "revoke", "administrator", "lost_key", "is revoked"),
    Errand(TICKET, "check_in", "check-in", "ticket_0", "is checked in", "check_in_not_open", refused="early_ticket"),
    Errand(TICKET, "reissue", "check-in", "ticket_1", "1 new boarding pass", "not_checked_in", refused="early_ticket"),
    Errand(TICKET, "offload", "supervisor", "ticket_2", "is off the flight", "not_checked_in"),
    Errand(COUPON, "check_in", "supervisor", "coupon_3", "is checked in", "check_in_not_open", refused="early_coupon"),
    Errand(COUPON, "reissue", "check-in", "coupon_4", "1 new boarding pass", "not_checked_in", refused="early_coupon"),
    Errand(COUPON, "offload", "check-in", "coupon_5", "is off the flight", "not_checked_in"),
    Errand(PASS, "reissue", "check-in", "pass_6", "1 new boarding pass"),
    Errand(PASS, "offload", "supervisor", "pass_7", "is off the flight", "not_checked_in"),
]  # fmt: skip
BY_TWO = {(BOOKING, "waive"), ("skybridge/approval", "grant"), ("skybridge/approval", "refuse")}


def declared() -> set[tuple[str, str]]:
    """Return every act that the back office has."""
    return {
        (f"{model._meta.app_label}/{model._meta.model_name}", act.name)
        for model, page in admin.site._registry.items()
        if isinstance(page, ActsAdmin)
        for act in page.acts
    }
