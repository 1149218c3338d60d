"""The departures board and a departure's own page."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from flights.forms import DayField
from flights.models import Airport
from skybridge.pages import PageForm
from ticketing.manifests import State

CODE = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}


def is_letters(length: int) -> dict:
    return {**CODE, "maxlength": str(length), "size": str(length)}


class AirportField(forms.CharField):
    """An airport by its three letters; cleaned it is the airport."""

    def __init__(self, **kwargs):
        widget = forms.TextInput(attrs={**is_letters(3), "list": "airports"})
        super().__init__(label=_("Airport"), max_length=3, widget=widget, **kwargs)

    def clean(self, value):
        code = super().clean(value).upper()
        found = Airport.objects.filter(pk=code).first()
        if found is None:
            raise ValidationError(_("We know no airport with these letters. Try JFK."), code="unknown_airport")
        return found


class BoardForm(PageForm):
    """Which departures are shown."""

    airport = AirportField()
    date = DayField(label=_("Day"), required=False)
    q = forms.CharField(
        label=_("Filter"), required=False, max_length=40, widget=forms.TextInput(attrs={**CODE, "type": "search"})
    )
    after = forms.CharField(required=False, max_length=500)
    before = forms.CharField(required=False, max_length=500)


class ManifestForm(PageForm):
    """Which passengers are shown."""

    q = forms.CharField(label=_("Search"), required=False, max_length=60)
    state = forms.ChoiceField(required=False, choices=[("", ""), *((state.value, state.value) for state in State)])
    page = forms.IntegerField(required=False, min_value=1, max_value=99)

    @property
    def wanted(self) -> dict:
        """Return what is wanted, and all passengers where that makes no sense."""
        return self.cleaned_data if self.is_valid() else {"q": "", "state": "", "page": None}


class GateForm(PageForm):
    """Where a flight boards."""

    gate = forms.CharField(
        label=_("Number of the gate"),
        required=False,
        max_length=8,
        help_text=_("Such as B12; nothing while it is not known."),
        validators=[RegexValidator(r"^[A-Z0-9]*\Z", _("Letters and digits only, such as B12."))],
        widget=forms.TextInput(attrs=is_letters(8)),
    )

    def __init__(self, data=None, **kwargs):
        shouted = {**data.dict(), "gate": data.get("gate", "").strip().upper()} if data is not None else None
        super().__init__(shouted, **kwargs)


class ConfirmForm(PageForm):
    """A second word, nothing to fill in."""


class ReopenForm(PageForm):
    """Why a flight is opened again."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("It is kept with the flight, such as: closed by mistake."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
