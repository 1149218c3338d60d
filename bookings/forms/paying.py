"""Paying for a booking: the extras that an address names, and by which means."""

from collections.abc import Iterator, Mapping

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from bookings.documents import BookingFacts
from orders.checkout import Wanted
from orders.models import Order
from partners.payments.services import is_token
from skybridge.exceptions import InvalidInput
from skybridge.pages import PageForm

PREFIX = "x"
TEST_CARDS = (
    ("tok_success", _("A card that pays")),
    ("tok_decline", _("A card that is declined")),
    ("tok_insufficient_funds", _("A card without enough money")),
    ("tok_late", _("A card that pays three seconds later")),
    ("tok_late_decline", _("A card that is declined three seconds later")),
    ("tok_timeout", _("A card that pays, but whose first answer is lost")),
)


def field_name(product_id: str, position: int = 0, sequence: int = 0) -> str:
    """Return the name under which an address says how many of a product a passenger wants on a flight."""
    return f"{PREFIX}.{position}.{sequence}.{product_id}"


def wanted_of(query: Mapping[str, str]) -> list[Wanted]:
    """Return the extras that an address names. Raises InvalidInput."""
    return list(wishes_in(query))


def wishes_in(query: Mapping[str, str]) -> Iterator[Wanted]:
    for name, text in query.items():
        prefix, *rest = name.split(".", 3)
        if prefix != PREFIX or len(rest) != 3 or text.strip() in ("", "0"):
            continue
        numbers = (*rest[:2], text.strip())
        if not all(number.isascii() and number.isdecimal() and len(number) < 4 for number in numbers):
            raise InvalidInput("An extra is so many pieces for one passenger on one flight.")
        position, sequence, quantity = map(int, numbers)
        yield Wanted(rest[2], quantity, position, sequence)


def token_field(**kwargs) -> forms.Field:
    """Return the field of a card's token; in development the sandbox's tokens are offered."""
    if settings.PAYMENT_PROVIDER == "sandbox" and not settings.IN_PRODUCTION:
        choices = [(token, f"{text} ({token})") for token, text in TEST_CARDS]
        return forms.ChoiceField(label=_("Test card"), choices=choices, **kwargs)
    help_text = _("What the payment provider gave for the card, never the card's number.")
    text = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=_("Card token"), help_text=help_text, max_length=255, widget=text, **kwargs)


class CardForm(PageForm):
    """Another card, where one was declined."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["token"] = token_field()

    def clean_token(self) -> str:
        return checked(self.cleaned_data["token"])


class PayForm(PageForm):
    """By which means a booking is paid."""

    method = forms.ChoiceField(label=_("Pay"), widget=forms.RadioSelect)

    def __init__(self, *args, booking: BookingFacts, **kwargs):
        super().__init__(*args, **kwargs)
        offered = [(Order.PaymentMethod.ACCOUNT.value, account_name(booking))]
        if settings.PAYMENT_PROVIDER:
            offered.append((Order.PaymentMethod.CARD.value, _("By card")))
            self.fields["token"] = token_field(required=False)
        self.fields["method"].choices = offered  # type: ignore[attr-defined]
        self.fields["method"].initial = offered[0][0]

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("method") == Order.PaymentMethod.CARD:
            try:
                cleaned["token"] = checked(cleaned.get("token", ""))
            except forms.ValidationError as error:
                self.add_error("token", error)
        else:
            cleaned["token"] = ""
        return cleaned


def checked(token: str) -> str:
    if not is_token(token):
        raise forms.ValidationError(_("This is no token. Never type a card's number here."))
    return token


def account_name(booking: BookingFacts):
    if booking.agency_name:
        return _("On the account of %(name)s") % {"name": booking.agency_name}
    if booking.user_id:
        return _("On the account of %(name)s") % {"name": booking.user_id}
    return _("At the counter")
