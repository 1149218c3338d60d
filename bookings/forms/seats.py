"""Choosing seats: a passenger and a seat, two who swap, and paying."""

from collections.abc import Sequence
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.documents import BookingFacts
from bookings.forms.guests import full_name
from bookings.forms.paying import PayForm
from orders.models import Order
from orders.seat_choice import Member
from skybridge.pages import PageForm


class PartyForm(PageForm):
    """A form about passengers of one party, named by their tickets; others are refused."""

    def __init__(self, *args, party: Sequence[Member] = (), **kwargs):
        super().__init__(*args, **kwargs)
        choices = [(str(member.ticket.id), full_name(member.ticket)) for member in party]
        for field in self.fields.values():
            if isinstance(field, forms.TypedChoiceField) and field.coerce is UUID:
                field.choices = choices


class SeatForm(PartyForm):
    ticket = forms.TypedChoiceField(label=_("Passenger"), coerce=UUID)
    seat = forms.RegexField(
        r"^\d{1,3}[A-Z]$",
        label=_("Seat"),
        error_messages={"required": _("Choose a seat."), "invalid": _("A seat is a row and a letter, such as 12A.")},
    )

    def clean_seat(self) -> str:
        return self.cleaned_data["seat"].lstrip("0")


class PassengerForm(PartyForm):
    ticket = forms.TypedChoiceField(label=_("Passenger"), coerce=UUID)


class PlainForm(PartyForm):
    """Nothing to fill in."""


class SwapForm(PartyForm):
    one = forms.TypedChoiceField(label=_("Swap the seats of"), coerce=UUID)
    other = forms.TypedChoiceField(label=_("and of"), coerce=UUID)

    def clean(self):
        super().clean()
        if "one" in self.cleaned_data and self.cleaned_data["one"] == self.cleaned_data.get("other"):
            raise forms.ValidationError(_("Choose two different passengers."), code="same")


class SeatPayForm(PayForm):
    """How seats of a sold booking are paid; who has only shown a locator pays by card."""

    def __init__(self, *args, booking: BookingFacts, on_account: bool, **kwargs):
        super().__init__(*args, booking=booking, **kwargs)
        method = self.fields["method"]
        offered = [pair for pair in method.choices if on_account or pair[0] == Order.PaymentMethod.CARD]  # type: ignore[attr-defined]
        method.choices, method.initial = offered, offered[0][0] if offered else ""  # type: ignore[attr-defined]
