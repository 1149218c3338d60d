"""The forms by which bookings are changed, cancelled and refunded."""

import unicodedata
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.documents import BookingView
from bookings.parties import MAX_SEATS
from bookings.renaming import Names
from skybridge.pages import PageForm
from ticketing.documents import TicketFacts

WHOLE, PASSENGERS, FLIGHTS = "all", "passengers", "flights"


class ReasonForm(PageForm):
    """What staff are asked for besides: why, for the history."""

    def __init__(self, *args, with_reason: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        if with_reason:
            self.fields["reason"] = forms.CharField(
                label=gettext_lazy("Why"), max_length=200, help_text=gettext_lazy("Kept in the history."),
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )  # fmt: skip

    @property
    def reason(self) -> str:
        return self.cleaned_data.get("reason", "")


class VersionForm(ReasonForm):
    """What a page has shown: the version of the booking."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class RefundForm(VersionForm):
    """Besides: the amount that was shown."""

    amount = forms.DecimalField(max_digits=12, decimal_places=4, widget=forms.HiddenInput)


class CancelForm(PageForm):
    """What is cancelled: all, some passengers with all their flights, or some flights with all passengers."""

    what = forms.ChoiceField(
        label=gettext_lazy("What do you want to cancel?"),
        choices=[
            (WHOLE, gettext_lazy("The whole booking")),
            (PASSENGERS, gettext_lazy("Some passengers, on all flights")),
            (FLIGHTS, gettext_lazy("Some flights, for all passengers")),
        ],
        widget=forms.RadioSelect,
        initial=WHOLE,
    )
    passengers = forms.TypedMultipleChoiceField(coerce=UUID, required=False, widget=forms.CheckboxSelectMultiple)
    flights = forms.TypedMultipleChoiceField(coerce=UUID, required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args, passengers: Sequence[tuple] = (), flights: Sequence[tuple] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["passengers"].choices = passengers  # type: ignore[attr-defined]
        self.fields["flights"].choices = flights  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        what = data.get("what")
        if what == PASSENGERS and not data.get("passengers"):
            self.add_error("passengers", _("Choose at least one passenger."))
        if what == FLIGHTS and not data.get("flights"):
            self.add_error("flights", _("Choose at least one flight."))
        return data

    @property
    def part(self) -> tuple[list[UUID], list[UUID]]:
        """Return the tickets and the flights; empty means all of them."""
        data = self.cleaned_data
        return (
            data["passengers"] if data["what"] == PASSENGERS else [],
            data["flights"] if data["what"] == FLIGHTS else [],
        )


class LookForm(PageForm):
    """Which flight is to be given up, and the day on which others are looked for. In the page's address."""

    flight = forms.UUIDField(required=False)
    date = forms.DateField(required=False)


class ChangeForm(PageForm):
    """What is to change: a flight for another one, or the number of seats, or both."""

    flight = forms.UUIDField(required=False, widget=forms.HiddenInput)
    to = forms.UUIDField(required=False, widget=forms.HiddenInput)
    seats = forms.IntegerField(label=gettext_lazy("Seats"), required=False, min_value=1, max_value=MAX_SEATS)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not data.get("to") and not data.get("seats"):
            raise ValidationError(_("Say what is to change: a flight, or the number of seats."))
        if data.get("to") and not data.get("flight"):
            raise ValidationError(_("Say which flight is to be given up."))
        return data


class ChoiceForm(ReasonForm):
    """What a passenger chooses after a disruption."""

    choice = forms.ChoiceField(choices=[(choice, choice) for choice in ("accept", "rebook", "refund")])
    event_id = forms.UUIDField(required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("choice") == "rebook" and not data.get("event_id"):
            raise ValidationError(_("Choose one of the flights."))
        return data


class PersonName(forms.CharField):
    """A name as in the passport: letters of any script, and what stands between them."""

    def __init__(self, **kwargs):
        super().__init__(**{"required": False, "max_length": 60, **kwargs})

    def validate(self, value):
        super().validate(value)
        if not all(sign in " -'’.‐" or unicodedata.category(sign)[0] in "LM" for sign in value):
            raise ValidationError(_("A name has letters, blanks, hyphens, apostrophes and full stops."))


class NamesForm(PageForm):
    """The names of a booking's passengers, four fields each; what may not be changed is left out."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args, view: BookingView, may_correct: bool, **kwargs):
        super().__init__(*args, **kwargs)
        self.tickets = [ticket for ticket, _coupons in view.tickets]
        for ticket in self.tickets:
            for name, field in name_fields(ticket, may_correct=may_correct).items():
                self.fields[f"{name}-{ticket.position}"] = field
        self.fields["version"].initial = view.booking.version

    def passengers(self) -> list[tuple[TicketFacts, list[forms.BoundField]]]:
        """Return each passenger with the fields that may be filled in."""
        return [
            (ticket, [self[name] for name in self.fields if name.endswith(f"-{ticket.position}")])
            for ticket in self.tickets
        ]

    @property
    def names(self) -> list[Names]:
        """Return what differs from what is known."""
        found = []
        for ticket in self.tickets:
            given = {
                name: self.cleaned_data[key]
                for name in NAMED
                if (key := f"{name}-{ticket.position}") in self.fields
                and (self.cleaned_data.get(key) or None) != (getattr(ticket, name) or None)
            }
            if given:
                found.append(Names.of({"ticket_id": ticket.id, **given}))
        return found


NAMED = ("given_name", "surname", "title", "birth_date")


def name_fields(ticket: TicketFacts, *, may_correct: bool) -> dict[str, forms.Field]:
    """Return the fields of one passenger: of an issued ticket only what is missing, but for who may correct names."""
    fields: dict[str, forms.Field] = {
        "given_name": PersonName(label=gettext_lazy("Given name"), initial=ticket.given_name),
        "surname": PersonName(label=gettext_lazy("Surname"), initial=ticket.surname),
        "title": PersonName(label=gettext_lazy("Title"), initial=ticket.title, max_length=10),
        "birth_date": forms.DateField(
            label=gettext_lazy("Date of birth"), required=False, initial=ticket.birth_date,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        ),
    }  # fmt: skip
    if ticket.number and not may_correct:
        fields = {name: field for name, field in fields.items() if not (name in NAMED[:2] and getattr(ticket, name))}
    return fields
