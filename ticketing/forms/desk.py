"""The check-in desk: who is looked for, and what each passenger of the party that was found wants."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from orders.desk import Facts, Party
from skybridge.pages import PageForm
from ticketing.checkin import Wish
from ticketing.forms.departures import CODE, AirportField
from ticketing.serializers.check_in import MOST_BAGS, TravelDocumentInputSerializer, document_of
from ticketing.travel_documents import Document, DocumentType

DOCUMENT = ("type", "number", "issuing_country", "nationality", "expiry_date")
SEPARATORS = re.compile(r"[\s;/+]+")
TYPES = ((DocumentType.PASSPORT, _("Passport")), (DocumentType.IDENTITY_CARD, _("Identity card")))


class FindForm(PageForm):
    """The airport where the desk is, and who stands there."""

    airport = AirportField()
    q = forms.CharField(required=False, max_length=1000, strip=False)


class WeightsField(forms.CharField):
    """The bags of a passenger by their weight in kg, one behind the other: `23 18.5`."""

    def clean(self, value) -> list[Decimal]:
        text = super().clean(value).strip()
        parts = [part for part in SEPARATORS.split(text.replace(",", ".")) if part]
        try:
            weights = [Decimal(part) for part in parts]
        except InvalidOperation:
            weights = [Decimal(0)]
        if any(not (weight.is_finite() and Decimal("0.1") <= weight < 1000) for weight in weights):
            raise ValidationError(_("Weights in kg with blanks between them, such as 23 18.5."), code="weight")
        if len(weights) > MOST_BAGS:
            raise ValidationError(_("Nine bags at most at once."), code="too_many")
        return [round(weight, 1) for weight in weights]


class DocumentFields(PageForm):
    """A passport or identity card, judged as the API judges it."""

    document: Document | None = None  # of a form without errors

    type = forms.ChoiceField(label=_("Document"), choices=TYPES)
    number = forms.CharField(label=_("Number"), max_length=30, widget=forms.TextInput(attrs=CODE))
    issuing_country = forms.CharField(
        label=_("Issued by"), max_length=3, widget=forms.TextInput(attrs={**CODE, "placeholder": "USA"})
    )
    nationality = forms.CharField(
        label=_("Nationality"), max_length=3, widget=forms.TextInput(attrs={**CODE, "placeholder": "USA"})
    )
    expiry_date = forms.DateField(label=_("Valid until"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if len(cleaned) == len(DOCUMENT):
            body = cleaned | {"expiry_date": cleaned["expiry_date"].isoformat()}
            judged = TravelDocumentInputSerializer(data=body)
            for name in () if judged.is_valid() else judged.errors:
                self.add_error(name, WRONG[name])
            if not judged.errors:
                self.document = document_of(judged.validated_data)
        return cleaned


WRONG = {
    "type": _("Choose one of them."),
    "number": _("5 to 20 letters and digits, as in the document."),
    "issuing_country": _("Three letters as in the document, such as USA."),
    "nationality": _("Three letters as in the document, such as USA."),
    "expiry_date": _("The document has expired. Ask for another one."),
}


class PassengerForm(PageForm):
    """What one passenger wants; a seat only if it is to be another one than the proposed."""

    chosen = forms.BooleanField(required=False)
    seat = forms.CharField(
        label=_("Another seat"), required=False, max_length=4, widget=forms.TextInput(attrs={**CODE, "size": "4"})
    )
    bags = WeightsField(
        label=_("Bags, each one’s weight in kg"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr", "placeholder": "23 18.5"}),
    )

    def __init__(self, party: Party, passenger: Facts, data: Mapping | None = None):
        prefix = f"p{passenger.ticket_id}"
        super().__init__(data, prefix=prefix, initial={"chosen": passenger.is_open and passenger.is_meant})
        self.party, self.passenger, self.document = party, passenger, None
        if passenger.needs_document or (party.onward and passenger.needs_document_later):
            self.document = DocumentFields(data, prefix=f"{prefix}-document")

    @property
    def seat_shown(self) -> str | None:
        return self.party.seats.get(self.passenger.coupon_id) or self.passenger.seat

    @property
    def is_chosen(self) -> bool:
        return bool(self.cleaned_data.get("chosen"))

    def is_good(self, goes_through: bool) -> bool:
        """Tell whether all is well with a passenger who is chosen; of the others nothing is asked."""
        document = self.document if self.passenger.needs_document or goes_through else None
        return self.is_valid() and (not self.is_chosen or document is None or document.is_valid())

    @property
    def wish(self) -> Wish:
        document = self.document.document if self.document else None
        cleaned = self.cleaned_data
        return Wish(self.passenger.ticket_id, cleaned["seat"].strip().upper(), cleaned["bags"], document)


class PartyForm(PageForm):
    """The passengers of a party who are to be checked in, on this flight alone or also on those after it."""

    through = forms.BooleanField(required=False, initial=True)

    def __init__(self, party: Party, data: Mapping | None = None):
        super().__init__(data)
        self.party = party
        self.passengers = [PassengerForm(party, one, data) for one in party.passengers if one.is_open]

    def clean(self):
        cleaned = super().clean()
        good = [one.is_good(self.goes_through) for one in self.passengers]
        if not all(good):
            raise ValidationError(_("Something is missing or wrong below. Nobody is checked in yet."), code="invalid")
        if not any(one.is_chosen for one in self.passengers):
            raise ValidationError(_("Choose at least one passenger."), code="nobody")
        return cleaned

    @property
    def goes_through(self) -> bool:
        return bool(self.party.onward and self.cleaned_data["through"])

    @property
    def wishes(self) -> list[Wish]:
        return [one.wish for one in self.passengers if one.is_chosen]

    @property
    def starts_with_button(self) -> bool:
        """Tell whether Enter can check in at once: nobody's document is missing."""
        return not self.is_bound and not any(one.document and one["chosen"].value() for one in self.passengers)
