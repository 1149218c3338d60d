"""The forms of finding bookings and of mailing itineraries."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models import Booking
from orders.disruption.finding import CONCERNS
from skybridge.pages import PageForm
from skybridge.wording import WORDS

STATES = [
    ("", pgettext_lazy("bookings of any state", "All")),
    *((value, WORDS["booking"][value].text) for value in Booking.Status.values),
]

CONCERNED = [(value, WORDS["concern"][value].text) for value in CONCERNS]


class FindBookingForm(PageForm):
    """What the list of bookings is asked for, in its address."""

    q = forms.CharField(label=_("Find"), required=False, max_length=100)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    disruption = forms.ChoiceField(label=_("Disruption"), required=False, choices=[("", ""), *CONCERNED])
    cursor = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)


class MailForm(PageForm):
    email = forms.EmailField(
        label=_("Mail the itinerary to"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
