"""What a gate says: each refusal in words, and what to do next, in the language of who works there."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ticketing.gate import Reason
from ticketing.scans import Conflict

REFUSALS = {
    Reason.UNREADABLE: (_("This is not a boarding pass"), _("Scan again, or type the seat or the number.")),
    Reason.UNSIGNED: (_("Nobody has signed this pass"), _("Send the passenger to the check-in desk.")),
    Reason.UNKNOWN_KEY: (_("Another airline’s pass"), _("Look at the flight on the pass; send to the right gate.")),
    Reason.BAD_SIGNATURE: (_("The pass was changed or damaged"), _("Look at the passport; have a new pass printed.")),
    Reason.UNKNOWN: (_("We do not know this pass"), _("Find the passenger by name or locator.")),
    Reason.OTHER_DATE: (_("A pass for another day"), _("Send the passenger to the check-in desk.")),
    Reason.OTHER_FLIGHT: (_("A pass for another flight"), _("Send the passenger to the gate of that flight.")),
    Reason.FLIGHT_CANCELLED: (_("The flight is cancelled"), _("Send the passenger to the service desk.")),
    Reason.VOIDED: (_("The ticket is void"), _("Send the passenger to the service desk.")),
    Reason.REFUNDED: (_("The ticket was refunded"), _("Send the passenger to the service desk.")),
    Reason.EXCHANGED: (_("The ticket was exchanged"), _("Ask for the newer boarding pass.")),
    Reason.ALREADY_BOARDED: (_("Already on board"), _("Look at the passport: this pass was used before.")),
    Reason.FLIGHT_CHANGED: (_("Moved to another flight"), _("Ask for the newer boarding pass.")),
    Reason.OFFLOADED: (_("Taken off this flight"), _("Send the passenger to the check-in desk.")),
    Reason.SUPERSEDED: (_("There is a newer pass"), _("Ask for it, or type the seat of the passenger.")),
    Reason.NO_SHOW: (_("Closed out without the passenger"), _("Ask a supervisor to open the flight again.")),
    Reason.NOT_CHECKED_IN: (_("Not checked in"), _("Send the passenger to the check-in desk.")),
    Reason.FLIGHT_DEPARTED: (_("The flight has left"), _("Send the passenger to the service desk.")),
    Reason.GATE_CLOSED: (_("The gate is closed"), _("Nobody boards any more. Ask a supervisor.")),
    Reason.TOO_EARLY: (_("Boarding is not open yet"), _("Ask the passenger to come back then.")),
    Reason.REFUSED_BY_DEVICE: (_("Turned away by the device"), _("Scan again if the passenger may board.")),
    Reason.NONCE_REUSED: (_("Another pass was scanned under this number"), _("Scan again.")),
}
CONFLICTS = {
    Conflict.BOARDED_TWICE: _("Two devices have let somebody board with this pass. Look who sits there."),
    Conflict.BOARDED_AFTER_CLOSE: _("Boarded before the flight was closed out; the passenger counts as on board."),
    Conflict.DEVICE_ACCEPTED: _("The device let somebody board whom we refuse. Look on board."),
    Conflict.DEVICE_REFUSED: _("The device turned somebody away who could have boarded."),
}
WORDS = {
    "welcome": _("Welcome on board"),
    "on_board": pgettext_lazy("passenger", "On board"),
    "refused": _("Refused"),
    "seat": _("Seat"),
    "lap": _("On a lap"),
    "number": _("No."),
    "online": _("Online"),
    "offline": _("Offline: scans are kept on this device"),
    "session_over": _("You are signed out. Scans are kept on this device: sign in, then open this page again."),
    "queue_none": _("Nothing waits"),
    "queue": _("Scans that wait: %s"),
    "decided_here": _("Decided on this device, not sent yet"),
    "not_listed": _("Not in this device’s list: look at name and seat on the pass."),
    "by_eye": _("Decide by eye"),
    "by_eye_advice": _("This device cannot tell. Look at flight, date, name and seat on the pass."),
    "newer_pass": _("There may be a newer pass for this number."),
    "no_keys": _("This device has no keys to check the signature."),
    "let_board": _("Let board"),
    "turn_away": _("Turn away"),
    "nobody_named": _("Nobody with this number, seat, locator or name is checked in."),
    "several": _("Several passengers fit. Choose one."),
    "needs_connection": _("Without a connection passes can only be scanned, or found by number and seat."),
    "clock": _("The clock of this device is wrong: the scans are kept until it is right."),
    "sound_on": _("Turn the sound on"),
    "sound_off": _("Turn the sound off"),
    "camera_on": _("Use the camera"),
    "camera_off": _("Stop the camera"),
    "camera_refused": _("The camera cannot be used. Allow it in the browser, or use a scanner."),
    "boarded_at": _("On board since %s"),
    "opens_at": _("Boarding opens at %s"),
    "closed_at": _("Closed at %s"),
    "right_flight": _("The pass is for %s"),
}


def all_words() -> dict[str, Any]:
    """Return all of it as plain text, for a page's script."""
    return {
        "words": {name: str(text) for name, text in WORDS.items()},
        "refusals": {reason.value: [str(title), str(advice)] for reason, (title, advice) in REFUSALS.items()},
        "conflicts": {kind.value: str(text) for kind, text in CONFLICTS.items()},
    }


def words_for(answer: dict[str, Any]) -> dict[str, Any]:
    """Return title and advice of what came of a scan."""
    if answer["result"] == "accepted":
        return {"title": WORDS["welcome"], "advice": ""}
    title, advice = REFUSALS[Reason(answer["reason"])]
    return {"title": title, "advice": advice}
