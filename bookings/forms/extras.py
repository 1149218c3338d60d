"""Adding extras to a sold booking: which ones, in the address, and how they are paid."""

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.forms.paying import wanted_of
from bookings.forms.seats import SeatPayForm
from orders.checkout import Wanted
from skybridge.exceptions import InvalidInput
from skybridge.pages import PageForm


class AddForm(PageForm):
    """The extras that an address names, at least one."""

    wanted: list[Wanted]

    def clean(self):
        super().clean()
        try:
            self.wanted = wanted_of(self.data)
        except InvalidInput:
            raise forms.ValidationError(_("Fill in whole numbers, at most 20 of an extra."), code="invalid") from None
        if not self.wanted:
            raise forms.ValidationError(_("Choose at least one extra."), code="required")


class ExtrasPayForm(SeatPayForm):
    """How extras are paid, of the booking as it was when the page was opened."""

    version = forms.CharField(widget=forms.HiddenInput)
