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


class RotateForm(KeyForm):
    overlap = forms.TypedChoiceField(
        label=_("The old key"),
        choices=list(OVERLAPS.items()),
        coerce=lambda hours: timedelta(hours=int(hours)),
        widget=forms.RadioSelect,
        initial="0",
    )


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
