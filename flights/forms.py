"""Looking for flights: from where to where, when, and with whom."""

from datetime import date, datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.parties import MAX_SEATS, Passenger, check_party
from flights.localtime import local_date
from flights.models import Cabin
from flights.places import Place, known_places
from flights.search import SORTS, Search
from flights.shopping import Party
from skybridge.pages import PageForm

CABINS = (
    (Cabin.ECONOMY, _("Economy")),
    (Cabin.PREMIUM, _("Premium economy")),
    (Cabin.BUSINESS, _("Business")),
    (Cabin.FIRST, pgettext_lazy("cabin", "First")),
)


class PlaceField(forms.CharField):
    """A city or airport. What several places are called is refused, and kept in `choices` for the page to offer."""

    def __init__(self, **kwargs):
        attributes = {
            "autocomplete": "off", "spellcheck": "false", "placeholder": _("City or airport"), "data-combobox": "",
        }  # fmt: skip
        super().__init__(max_length=80, widget=forms.TextInput(attrs=attributes), **kwargs)


class DayField(forms.DateField):
    """A day of a timetable: days around it exist as well."""

    default_validators = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))]

    def __init__(self, **kwargs):
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class NumberField(forms.TypedChoiceField):
    """How many: the least where nothing is said."""

    def __init__(self, least: int, most: int, **kwargs):
        choices = [(number, number) for number in range(least, most + 1)]
        super().__init__(coerce=int, choices=choices, initial=least, required=False, **kwargs)
        self.empty_value = least  # type: ignore[assignment]


class PartyForm(PageForm):
    """Who travels, in which cabin."""

    adults = NumberField(1, MAX_SEATS, label=_("Adults"), help_text=_("From 12"))
    children = NumberField(0, MAX_SEATS - 1, label=_("Children"), help_text=_("2 to 11"))
    infants = NumberField(0, MAX_SEATS, label=_("Infants"), help_text=_("Under 2, on laps"))
    cabin = forms.ChoiceField(label=_("Cabin"), choices=CABINS, initial=Cabin.ECONOMY, required=False)

    def clean_cabin(self) -> str:
        return self.cleaned_data["cabin"] or Cabin.ECONOMY

    def clean(self):
        super().clean()
        if not self.errors:
            with self.showing_refusals():
                check_party([Passenger(kind) for kind in self.party.types])

    @property
    def party(self) -> Party:
        return Party(*(self.cleaned_data[name] for name in ("adults", "children", "infants")))


class FlightsForm(PartyForm):
    """What to look for. `choices` are the places that a text can mean, by field, where there are several."""

    origin = PlaceField(label=_("From"))
    destination = PlaceField(label=_("To"))
    departure = DayField(label=_("Departure"))
    homeward = DayField(label=_("Return"), required=False, help_text=_("Empty: one way"))
    sort = forms.CharField(required=False)
    field_order = ("origin", "destination", "departure", "homeward", "adults", "children", "infants", "cabin")

    def __init__(self, *args, at: datetime, **kwargs):
        super().__init__(*args, **kwargs)
        self.at = at
        self.choices: dict[str, list[Place]] = {}
        earliest = (at - timedelta(hours=12)).date()
        self.fields["departure"].initial = (at + timedelta(days=1)).date()
        for name in ("departure", "homeward"):
            self.fields[name].widget.attrs["min"] = earliest.isoformat()

    def clean_origin(self) -> Place:
        return self.place("origin")

    def clean_destination(self) -> Place:
        return self.place("destination")

    def clean_sort(self) -> str:
        sort = self.cleaned_data["sort"]
        return sort if sort in SORTS else "departure"

    def place(self, name: str) -> Place:
        found = known_places(self.at).resolve(self.cleaned_data[name])
        if not found:
            raise ValidationError(_("We know no such city or airport. Check the spelling, or type the airport's code."))
        if len(found) > 1:
            self.choices[name] = found
            raise ValidationError(_("Several places are called so. Choose one of them."), code="ambiguous")
        return found[0]

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        origin, destination, departure, homeward = (cleaned.get(name) for name in self.field_order[:4])
        if (
            origin
            and destination
            and not (origin.airports - destination.airports and destination.airports - origin.airports)
        ):
            self.add_error("destination", _("Choose another place than where you start."))
        if origin and departure and departure < local_date(self.at, origin.timezone):
            self.add_error("departure", _("This day is over. Choose today or a later day."))
        if departure and homeward and homeward < departure:
            self.add_error("homeward", _("The way back is before the way out."))

    def search(self) -> Search:
        """Return what is to be found on the way out."""
        cleaned = self.cleaned_data
        return Search(
            origin=cleaned["origin"].term, destination=cleaned["destination"].term,
            departure_date=cleaned["departure"], seats=self.party.seats, cabin=cleaned["cabin"],
            sort=cleaned["sort"],
        )  # fmt: skip

    @property
    def homeward_day(self) -> date | None:
        return self.cleaned_data["homeward"]
