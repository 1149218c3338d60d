"""What travellers type: locator and surname."""

from django import forms
from django.utils.translation import gettext_lazy as _

from skybridge.pages import PageForm


class FindForm(PageForm):
    """The booking that somebody shows to be theirs."""

    reference = forms.CharField(
        label=_("Booking locator or ticket number"),
        help_text=_("Six letters and digits, such as K7QX2M; or the 13 digits of a ticket."),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    surname = forms.CharField(
        label=_("Surname"),
        help_text=_("Of any passenger, as in the booking."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "family-name", "spellcheck": "false"}),
    )
