"""Selling: which flights for whom, the passengers' names, and how to reach them."""

import re
from collections.abc import Sequence
from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.contacts import Contact, phone_digits
from bookings.parties import Passenger, is_name
from flights.forms import PartyForm
from flights.offers import Wish
from partners.callers import Caller
from skybridge.pages import PageForm
from skybridge.refusals import text_of
from skybridge.wording import WORDS

match_pointer = re.compile(r"/passengers/(\d+)/(\w+)").fullmatch
KINDS = {"ADT": _("Adult"), "CHD": _("Child"), "INF": _("Infant on a lap")}
TITLES = [("", "–"), *((code, word.text) for code, word in WORDS["title"].items())]


class JourneyForm(PartyForm):
    """What the address of a sale says: the flights chosen, and how many travel in which cabin."""

    out = forms.UUIDField()
    back = forms.UUIDField(required=False)

    @property
    def wishes(self) -> list[Wish]:
        cleaned = self.cleaned_data
        flights = [cleaned[name] for name in ("out", "back") if cleaned[name]]
        return [Wish(flight_id=flight, cabin=cleaned["cabin"]) for flight in flights]


class NameField(forms.CharField):
    def __init__(self, **kwargs):
        attributes = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "words"}
        super().__init__(max_length=60, widget=forms.TextInput(attrs=attributes), **kwargs)

    def clean(self, value):
        name = super().clean(value)
        if not is_name(name):
            raise ValidationError(_("A name has letters, blanks, hyphens, apostrophes and full stops."))
        return name


class PhoneField(forms.CharField):
    """A telephone number; its digits are kept."""

    def __init__(self, **kwargs):
        attributes = {"type": "tel", "autocomplete": "off", "dir": "ltr"}
        super().__init__(max_length=40, widget=forms.TextInput(attrs=attributes), **kwargs)

    def clean(self, value):
        try:
            return phone_digits(super().clean(value))
        except ValueError:
            raise ValidationError(_("Start with + and the country code, such as +1 212 555 0123.")) from None


class PassengersForm(PageForm):
    """Who travels, whom we reach how, and whose the booking will be.

    Fields of a passenger are `1-surname` and so on; the kinds are the search's. Staff may name an agency.
    """

    email = forms.EmailField(
        label=_("E-mail"), help_text=_("For the confirmation."), max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    phone = PhoneField(label=_("Telephone"), help_text=_("With country code, such as +1 212 555 0123."), required=False)

    def __init__(
        self, *args, kinds: Sequence[str], first: date, caller: Caller, agencies: Sequence[str] = (), **kwargs
    ):
        super().__init__(*args, **kwargs)
        self.kinds = kinds
        for number, kind in enumerate(kinds, start=1):
            self.fields |= {f"{number}-{name}": field for name, field in passenger_fields(kind, first).items()}
        if caller.is_staff:
            attributes = {"list": "agencies", "autocomplete": "off"}
            self.fields["agency"] = forms.CharField(
                label=_("Travel agency"), help_text=_("Empty: sold at our own counter."), max_length=100,
                required=False, widget=forms.TextInput(attrs=attributes),
            )  # fmt: skip
            self.agencies = agencies
        self.fields["customer"] = forms.CharField(
            label=_("Customer"), help_text=_("Your own number or name of the customer, if there is one."),
            max_length=255, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )  # fmt: skip

    @property
    def passengers(self) -> list[dict]:
        """Return number, kind and bound fields of each passenger, for the page."""
        return [
            {"number": number, "kind": KINDS[kind], "fields": [self[name] for name in self.names_of(number)]}
            for number, kind in enumerate(self.kinds, start=1)
        ]

    def names_of(self, number: int) -> list[str]:
        return [name for name in self.fields if name.startswith(f"{number}-")]

    @property
    def party(self) -> list[Passenger]:
        return [
            Passenger(kind, **{name.partition("-")[2]: self.cleaned_data[name] for name in self.names_of(number)})
            for number, kind in enumerate(self.kinds, start=1)
        ]

    def add_error(self, field, error):
        """Say of a service's refusal also which passenger's field it is about."""
        super().add_error(field, error)
        refusal = self.refusal
        if field is not None or refusal is None:
            return
        for place in refusal.errors:
            named = match_pointer(place["pointer"])
            if named and (name := f"{int(named[1]) + 1}-{named[2]}") in self.fields:
                super().add_error(name, text_of(refusal))

    @property
    def contact(self) -> Contact:
        return Contact(self.cleaned_data["email"], self.cleaned_data["phone"])


def passenger_fields(kind: str, first: date) -> dict[str, forms.Field]:
    """Return the fields of a passenger; the birth date decides on the fare of those who are no adults."""
    fields: dict[str, forms.Field] = {
        "given_name": NameField(label=_("Given names")),
        "surname": NameField(label=_("Surname")),
    }
    if kind == "ADT":
        return {"title": forms.ChoiceField(label=_("Title"), choices=TITLES, required=False)} | fields
    born = {"type": "date", "max": first.isoformat(), "min": date(first.year - 13, 1, 1).isoformat()}
    return fields | {
        "birth_date": forms.DateField(label=_("Date of birth"), widget=forms.DateInput(attrs=born, format="%Y-%m-%d"))
    }
