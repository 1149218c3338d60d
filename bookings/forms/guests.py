"""What travellers type: locator and surname, and what check-in asks for."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from flights.borders import NATIONALITIES
from orders.online_check_in import CheckInView, Traveller
from skybridge.pages import PageForm
from ticketing.checkin import Wish
from ticketing.documents import TicketFacts
from ticketing.travel_documents import Document, DocumentType

DECLARED_KG = Decimal(23)  # what a bag counts as until it is weighed at the bag drop
MOST_BAGS = 4


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


class DocumentNumberField(forms.CharField):
    def clean(self, value):
        number = super().clean(value).upper().replace(" ", "").replace("-", "")
        if number and not (5 <= len(number) <= 20 and number.isascii() and number.isalnum()):
            raise forms.ValidationError(_("5 to 20 letters A to Z and digits."))
        return number


class CountryField(forms.CharField):
    def clean(self, value):
        code = super().clean(value).strip().upper()
        if code and code not in NATIONALITIES:
            raise forms.ValidationError(_("Three letters as in the document, such as USA."))
        return code


def typed(**attributes) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attributes})


def document_fields() -> dict[str, forms.Field]:
    """Return the fields of a travel document; none is required before it is known who checks in."""
    country = {"list": "countries", "autocapitalize": "characters"}
    return {
        "type": forms.ChoiceField(
            label=_("Document"), choices=[("P", _("Passport")), ("I", _("Identity card"))], required=False
        ),
        "number": DocumentNumberField(label=_("Number"), max_length=30, required=False, widget=typed()),
        "issuing_country": CountryField(label=_("Issued by"), max_length=3, required=False, widget=typed(**country)),
        "nationality": CountryField(label=_("Nationality"), max_length=3, required=False, widget=typed(**country)),
        "expiry_date": forms.DateField(
            label=_("Valid until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        ),
    }


def bags_field(included: int) -> forms.Field:
    choices = [(number, str(number)) for number in range(MOST_BAGS + 1)]
    help_text = format_lazy(_("Included, with what was bought: {number}."), number=included)
    return forms.TypedChoiceField(
        label=_("Bags to check"), help_text=help_text, coerce=int, choices=choices, initial=0, required=False
    )


class CheckInForm(PageForm):
    """Who checks in, with how many bags and which documents. Fields of a passenger are named after the ticket."""

    tickets = forms.TypedMultipleChoiceField(
        label=_("Who checks in?"), coerce=UUID, error_messages={"required": _("Choose who checks in.")}
    )
    goods = forms.BooleanField(
        label=_("We carry nothing dangerous."),
        error_messages={"required": _("Confirm that nobody carries anything dangerous.")},
    )
    version = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args, found: CheckInView, **kwargs):
        super().__init__(*args, **kwargs)
        travellers, with_documents = found.waiting, found.needs_documents
        open_ids = [leg.flight.id for leg in found.open_legs]
        self.travellers, self.with_documents = travellers, with_documents
        self.fields["tickets"].choices = [(str(one.ticket.id), full_name(one.ticket)) for one in travellers]  # type: ignore[attr-defined]
        for one in travellers:
            self.fields[f"{one.ticket.id}-bags"] = bags_field(one.bags_included(open_ids))
            if with_documents:
                self.fields |= {f"{one.ticket.id}-{name}": field for name, field in document_fields().items()}

    def clean(self):
        super().clean()
        for one in self.travellers:
            if self.with_documents and one.ticket.id in self.cleaned_data.get("tickets", ()):
                self.check_document(one)

    def check_document(self, one: Traveller) -> None:
        """Refuse a document that is given in part, or not at all where none is kept."""
        given = self.document_given(one)
        if not any(given.values()) and one.masked:
            return
        for name, value in given.items():
            if not value and f"{one.ticket.id}-{name}" not in self.errors:
                self.add_error(f"{one.ticket.id}-{name}", _("This is needed to cross the border."))

    def document_given(self, one: Traveller) -> dict:
        names = ("number", "issuing_country", "nationality", "expiry_date")
        return {name: self.cleaned_data.get(f"{one.ticket.id}-{name}") for name in names}

    def wishes(self) -> list[Wish]:
        """Return what those who check in want."""
        chosen = [one for one in self.travellers if one.ticket.id in self.cleaned_data["tickets"]]
        return [Wish(one.ticket.id, "", self.bags_of(one), self.document_of(one)) for one in chosen]

    def bags_of(self, one: Traveller) -> list[Decimal]:
        return [DECLARED_KG] * (self.cleaned_data[f"{one.ticket.id}-bags"] or 0)

    def document_of(self, one: Traveller) -> Document | None:
        given = self.document_given(one) if self.with_documents else {}
        kind = self.cleaned_data.get(f"{one.ticket.id}-type") or DocumentType.PASSPORT
        return Document(type=kind, **given) if any(given.values()) else None

    def lines(self) -> list[dict]:
        """Return what is asked of each passenger."""
        names = ("type", "number", "issuing_country", "nationality", "expiry_date")
        chosen = self["tickets"].value() if self.is_bound else [str(one.ticket.id) for one in self.travellers]
        return [
            {
                "traveller": one,
                "name": full_name(one.ticket),
                "is_chosen": str(one.ticket.id) in (chosen or []),
                "bags": self[f"{one.ticket.id}-bags"],
                "document": [self[f"{one.ticket.id}-{name}"] for name in names] if self.with_documents else [],
            }
            for one in self.travellers
        ]


class UndoForm(PageForm):
    ticket = forms.TypedChoiceField(label=_("Passenger"), coerce=UUID)

    def __init__(self, *args, travellers: Sequence[Traveller], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["ticket"].choices = [(str(one.ticket.id), full_name(one.ticket)) for one in travellers]  # type: ignore[attr-defined]


def full_name(ticket: TicketFacts) -> str:
    return f"{ticket.given_name} {ticket.surname}".strip() or str(
        _("Passenger %(number)s") % {"number": ticket.position}
    )
