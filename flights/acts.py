"""What staff do to flights in the back office: disrupt them, keep seats, close them out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from flights.localtime import to_instant, zone
from flights.models import BlockedSeat, Cabin, Flight
from flights.schedules import MAX_SEATS
from orders.departures import close_flight, reopen_flight
from orders.disruption.planning import Change
from orders.disruption.services import disrupt, preview
from orders.models import Disruption
from skybridge.acts import Act, ActForm, Doing, Done, Lines, Shown
from ticketing.blocked_seats import block_seats, unblock_seats
from ticketing.models import Coupon, Departure

DISRUPT, BOARD, BLOCK = "skybridge.disrupt_flight", "skybridge.board", "skybridge.block_seats"
FLYING = (Flight.Status.SCHEDULED, Flight.Status.DELAYED)
LOCAL = {"type": "datetime-local"}
MINUTES = "%Y-%m-%dT%H:%M"
WORDS = {
    "waiting": "Have to choose", "accepted": "Fly as it is then, and are told", "rebooked": "Get other flights",
    "refunded": "Are refunded",
}  # fmt: skip


# --- Forms ---


class DelayForm(ActForm):
    minutes = forms.IntegerField(label="Minutes later", min_value=1, max_value=2880)


class TimesForm(ActForm):
    departs = forms.DateTimeField(label="Departs", widget=forms.DateTimeInput(LOCAL, MINUTES), help_text="Local time.")
    arrives = forms.DateTimeField(label="Arrives", widget=forms.DateTimeInput(LOCAL, MINUTES), help_text="Local time.")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if len(self.rows) == 1:
            flight = self.rows[0]
            self.initial = {
                "departs": flight.departs_at.astimezone(zone(flight.origin.timezone)).replace(tzinfo=UTC),
                "arrives": flight.arrives_at.astimezone(zone(flight.destination.timezone)).replace(tzinfo=UTC),
            }

    def clean(self):
        data = super().clean() or self.cleaned_data
        if {"departs", "arrives"} <= set(data) and len(self.rows) == 1:
            departs_at, arrives_at = local_times(self.rows[0], data)
            if arrives_at <= departs_at:
                raise forms.ValidationError("A flight arrives after its departure.")
        return data


def local_times(flight: Flight, data: dict[str, Any]):
    """Return the instants of a form's wall-clock times at the flight's airports."""
    departs, arrives = (data[name].replace(tzinfo=None) for name in ("departs", "arrives"))
    return to_instant(departs, flight.origin.timezone).at, to_instant(arrives, flight.destination.timezone).at


class AircraftForm(ActForm):
    aircraft_type = forms.CharField(label="Aircraft", max_length=32)
    registration = forms.CharField(label="Registration", max_length=10, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        cabins = self.rows[0].cabins.order_by("pk") if len(self.rows) == 1 else []
        for cabin in cabins:
            name = f"Seats in {Cabin(cabin.cabin).label.lower()}"
            self.fields[f"seats_{cabin.cabin}"] = forms.IntegerField(
                label=name, min_value=0, max_value=MAX_SEATS, initial=cabin.capacity
            )
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])


class SeatsForm(ActForm):
    seats = forms.CharField(label="Seats", max_length=200, help_text="Such as 12A 12B 14C.")

    def clean_seats(self) -> list[str]:
        return sorted(set(self.cleaned_data["seats"].upper().replace(",", " ").split()))


# --- Disruption, with its preview ---


def cancellation(flight: Flight, data: dict) -> Change:
    return Change(Disruption.Kind.CANCELLATION, data.get("reason", ""))


def delay(flight: Flight, data: dict) -> Change:
    later = timedelta(minutes=data["minutes"])
    return Change(Disruption.Kind.DELAY, data["reason"], flight.departs_at + later, flight.arrives_at + later)


def retime(flight: Flight, data: dict) -> Change:
    return Change(Disruption.Kind.RETIME, data["reason"], *local_times(flight, data))


def aircraft(flight: Flight, data: dict) -> Change:
    cabins = {name.removeprefix("seats_"): seats for name, seats in data.items() if name.startswith("seats_")}
    return Change(Disruption.Kind.AIRCRAFT, data["reason"], aircraft_type=data["aircraft_type"],
                  registration=data.get("registration", ""), cabins=cabins)  # fmt: skip


def showing(change_of: Callable[[Flight, dict], Change]) -> Callable[[Flight, Doing], Shown]:
    """Return what shows whom a change of a flight would touch, and where they would go."""

    def show(flight: Flight, doing: Doing) -> Shown:
        change = change_of(flight, doing.data)
        return Shown([*new_times(flight, change), *effect_lines(preview(flight.pk, change, at=doing.at))])

    return show


def new_times(flight: Flight, change: Change) -> Lines:
    times = (("Departs", flight.departs_at, change.departs_at), ("Arrives", flight.arrives_at, change.arrives_at))
    return [(name, f"{new:%Y-%m-%d %H:%M} UTC (now {old:%H:%M})") for name, old, new in times if new]


def effect_lines(effect: dict[str, Any]) -> Lines:
    lines = [("Touches", counted(effect))]
    lines += [(WORDS[status], counted(one)) for status, one in effect["outcome"].items() if one["bookings"]]
    if effect["broken_connections"]:
        lines.append(("Miss their onward flight", f"{effect['broken_connections']} bookings"))
    lines += [(f"Seats too few in {cabin}", str(seats)) for cabin, seats in effect["oversold"].items()]
    return lines + [(destination_of(to), counted(to)) for to in effect["rebooked_to"][:30]]


def destination_of(to: dict[str, Any]) -> str:
    leaves = datetime.fromisoformat(to["departureTime"])
    return f"To {to['flightId']} {to['origin']}-{to['destination']} {leaves:%Y-%m-%d %H:%M} in {to['cabin']}"


def counted(one: dict[str, Any]) -> str:
    return f"{one['bookings']} bookings, {one['passengers']} passengers"


def bookings_text(number: int) -> str:
    return "1 booking" if number == 1 else f"{number} bookings"


def disrupting(change_of: Callable[[Flight, dict], Change], words: str) -> Callable[[Flight, Doing], Done]:
    def carry_out(flight: Flight, doing: Doing) -> Done:
        effect = disrupt(flight.pk, change_of(flight, doing.data), actor=doing.caller, at=doing.at)
        outcome = {WORDS[name].lower(): one["bookings"] for name, one in effect["outcome"].items()}
        became = "".join(f", {words}: {bookings_text(bookings)}" for words, bookings in outcome.items() if bookings)
        return Done(f"{words}; {counted(effect)} touched{became}.")

    return carry_out


# --- Seats ---


def show_seats(flight: Flight, doing: Doing) -> Shown:
    now = BlockedSeat.objects.filter(flight=flight).order_by("pk").values_list("seat", "reason")[:100]
    return Shown([(f"{seat} is blocked", reason) for seat, reason in now] or [("Blocked now", "none")])


def block(flight: Flight, doing: Doing) -> Done:
    block_seats(flight.pk, doing.data["seats"], reason=doing.reason, actor=doing.caller, at=doing.at)
    return Done(f"keeps {', '.join(doing.data['seats'])} from passengers.")


def unblock(flight: Flight, doing: Doing) -> Done:
    unblock_seats(flight.pk, doing.data["seats"], reason=doing.reason, actor=doing.caller, at=doing.at)
    return Done(f"gives {', '.join(doing.data['seats'])} to passengers again.")


# --- Close-out ---


def show_departure(flight: Flight, doing: Doing) -> Shown:
    """Show how many have checked in, boarded, or neither. Two statements."""
    closed_at = Departure.objects.filter(flight=flight).values_list("closed_at", flat=True).first()
    statuses = list(Coupon.objects.filter(flight=flight, status__in=("O", "C", "L")).values_list("status", flat=True))
    return Shown([
        ("Closed out", f"{closed_at:%Y-%m-%d %H:%M} UTC" if closed_at else "no"),
        ("Boarded", str(statuses.count("L"))), ("Checked in, not aboard", str(statuses.count("C"))),
        ("Not checked in", str(statuses.count("O"))),
    ])  # fmt: skip


def close(flight: Flight, doing: Doing) -> Done:
    close_flight(flight.pk, caller=doing.caller, at=doing.at)
    return Done("is closed out.")


def reopen(flight: Flight, doing: Doing) -> Done:
    reopen_flight(flight.pk, reason=doing.reason, caller=doing.caller, at=doing.at)
    return Done("is open again.")


def is_flying(flight: Flight) -> bool:
    return flight.status in FLYING


ACTS = (
    Act("delay", "Delay", DISRUPT, disrupting(delay, "is delayed"), showing(delay), DelayForm, is_flying,
        asks_first=True, explanation="The flight keeps its date. Whoever is delayed for long has a choice."),
    Act("retime", "Retime", DISRUPT, disrupting(retime, "is retimed"), showing(retime), TimesForm, is_flying,
        asks_first=True, for_several=False, explanation="The flight is known by its new date."),
    Act("aircraft", "Change aircraft", DISRUPT, disrupting(aircraft, "has another aircraft"), showing(aircraft),
        AircraftForm, is_flying, asks_first=True, for_several=False,
        explanation="Who has no place any more gets another flight; the last to book go first."),
    Act("block_seats", "Block seats", BLOCK, block, show_seats, SeatsForm, is_flying,
        explanation="Nobody can choose or be given these seats. The flight sells as many as before."),
    Act("unblock_seats", "Unblock seats", BLOCK, unblock, show_seats, SeatsForm, is_flying),
    Act("close", "Close out", BOARD, close, show_departure, is_offered=is_flying, is_grave=True,
        explanation="Nobody checks in or boards any more; who is not aboard has missed the flight."),
    Act("reopen", "Reopen", BOARD, reopen, show_departure, is_offered=is_flying,
        explanation="Before it leaves: who missed it may check in again."),
    Act("cancel", "Cancel flight", DISRUPT, disrupting(cancellation, "is cancelled"), showing(cancellation),
        is_offered=is_flying, is_grave=True,
        explanation="For good. Passengers get other flights; who has none has a choice."),
)  # fmt: skip
