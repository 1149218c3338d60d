"""What agents type on their agency's pages."""

import calendar
from datetime import date, timedelta
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from partners import services
from partners.models import ApiKey
from skybridge.pages import PageForm


class MonthForm(PageForm):
    """Which month and currency of the statement."""

    month = forms.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$",
        label=_("Month"),
        widget=forms.TextInput(attrs={"type": "month"}),
        error_messages={"invalid": _("A month is a year and a number, such as 2026-11.")},
    )
    currency = forms.RegexField(r"^[A-Z]{3}$", label=_("Currency"))

    def clean_month(self) -> date:
        year, month = map(int, self.cleaned_data["month"].split("-"))
        if not 2000 <= year <= 2100:
            raise forms.ValidationError(_("A month is a year and a number, such as 2026-11."))
        return date(year, month, 1)


def last_day(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


class NewKeyForm(PageForm):
    mode = forms.ChoiceField(
        label=_("Mode"), choices=[("test", _("Test")), ("live", _("Live"))], initial="test", widget=forms.RadioSelect
    )
    name = forms.CharField(
        label=_("Name"),
        help_text=_("What it is for, such as the name of your system."),
        required=False,
        max_length=services.MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


OVERLAPS = {"0": _("It ends at once"), "24": _("It works on for 24 hours"), "168": _("It works on for 7 days")}


class KeyForm(PageForm):
    """One of the agency's live keys; others are refused."""

    key = forms.TypedChoiceField(coerce=UUID, widget=forms.HiddenInput)

    def __init__(self, *args, live: list[ApiKey], **kwargs):
        super().__init__(*args, **kwargs)
        self.live = {api_key.pk: api_key for api_key in live}
        self.fields["key"].choices = [(str(api_key.pk), api_key.prefix) for api_key in live]  # type: ignore[attr-defined]

    @property
    def api_key(self) -> ApiKey:
        return self.live[self.cleaned_data["key"]]


class OverlapRadios(forms.RadioSelect):
    only = ""  # what alone can be chosen; "": all of it

    def create_option(self, name, value, *args, **kwargs):
        option = super().create_option(name, value, *args, **kwargs)
        if self.only and value != self.only:
            option["attrs"]["disabled"] = True
        return option


class RotateForm(KeyForm):
    """Replace a key. It can work on beside the new one only while the agency has no other live key."""

    NO_ROOM = _(
        "There are two live keys, so the old one can only end at once. To let it work on, revoke the other one."
    )
    overlap = forms.TypedChoiceField(
        label=_("The old key"),
        choices=list(OVERLAPS.items()),
        coerce=lambda hours: timedelta(hours=int(hours)),
        widget=OverlapRadios,
        initial="0",
    )

    def __init__(self, *args, live: list[ApiKey], **kwargs):
        super().__init__(*args, live=live, **kwargs)
        self.is_full = len(live) >= services.MAX_LIVE_KEYS
        if self.is_full:
            self.fields["overlap"].help_text = self.NO_ROOM
            self.fields["overlap"].widget.only = "0"

    def clean_overlap(self) -> timedelta:
        overlap = self.cleaned_data["overlap"]
        if self.is_full and overlap:
            raise forms.ValidationError(self.NO_ROOM)
        return overlap


class RedriveForm(PageForm):
    """Carry a failed order on, with another card where a card was declined."""

    token = forms.CharField(
        label=_("Token of another card"),
        help_text=_("What the payment provider gave for the card, never the card's number. Empty: the same card."),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class QuotedForm(PageForm):
    quote = forms.UUIDField(widget=forms.HiddenInput)


class PlainForm(PageForm):
    """Nothing to fill in."""
