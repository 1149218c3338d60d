"""What staff do to bookings in the back office."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Sum
from django.utils import timezone

from bookings.cancellations import Part
from bookings.changes import Change
from bookings.models import Booking, Quote, status_at
from bookings.quotes import quote_cancellation, quote_change, read_quote
from bookings.services import check_action, keep_hold, read_booking, terms_of
from orders import reservations, serving
from orders.checkin import check_in_booking, offload_booking
from skybridge.acts import Act, ActForm, Doing, Done, Lines, Shown, second_word, with_second_word
from skybridge.exceptions import InvalidInput
from skybridge.lists import money
from ticketing.emds import OPEN
from ticketing.models import Coupon, Emd

REFUND, WAIVER = "refund_booking", "waive_penalty"


def is_in(*statuses: str) -> Callable[[Any], bool]:
    return lambda booking: status_at(booking, timezone.now()) in statuses


# --- What goes back ---


def paid_besides(booking: Booking) -> Decimal:
    """Return what the products for a booking's passengers cost: they go back whole when it ends."""
    emds = Emd.objects.filter(ticket__booking=booking, status__in=OPEN)
    return emds.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def refund_facts(act: str, refund: Decimal, currency: str) -> dict:
    return {"act": act, "amount": refund, "currency": currency}


def word_needed(booking: Booking, act: str, refund: Decimal, doing: Doing) -> Lines:
    """Return the line about a second person where a refund needs one."""
    if not serving.is_too_much(booking, refund):
        return []
    return [second_word(REFUND, booking.pk, refund_facts(act, refund, booking.currency), doing.at)]


def price_lines(lines: Iterable[dict], currency: str) -> Lines:
    """Return a settlement's fare and taxes; what goes back has a minus. The penalty has a line of its own."""
    return [
        ("Fare" if line["code"] == "FARE" else f"Tax {line['code']}", money(Decimal(line["amount"]), currency))
        for line in lines
        if line["code"] != "PENALTY"
    ]


def besides_lines(booking: Booking, besides: Decimal) -> Lines:
    return [("Products for passengers go back", money(besides, booking.currency))] if besides else []


# --- Confirm ---


def show_confirmation(booking: Booking, doing: Doing) -> Shown:
    view = read_booking(booking.pk, caller=doing.caller)
    reservations.refuse_while_ordered(view)
    check_action(view, "confirm", doing.at)
    flights = ", ".join(f"{flight.designator} {flight.departure_date}" for flight in view.flights.values())
    return Shown([
        ("Flights", flights), ("Seats", str(booking.seats)),
        ("To pay, on account", money(booking.total_amount, booking.currency)),
    ])  # fmt: skip


def confirm(booking: Booking, doing: Doing) -> Done:
    view = reservations.confirm_booking(booking.pk, caller=doing.caller, if_match=if_match_of(booking))
    return Done(f"is {view.booking.status}; its tickets are issued.")


def if_match_of(booking: Booking) -> str:
    return f'"{booking.version}"'


# --- Cancel at a quote ---


def show_cancellation(booking: Booking, doing: Doing) -> Shown:
    quote = quote_cancellation(booking.pk, Part(), caller=doing.caller)
    besides = paid_besides(booking)
    return Shown([*quote_lines(quote), *besides_lines(booking, besides),
                  *word_needed(booking, "cancel", quote.refund_amount + besides, doing)], str(quote.pk))  # fmt: skip


def quote_lines(quote: Quote) -> Lines:
    return [
        *price_lines(quote.lines, quote.currency),
        ("Penalty", money(quote.penalty_amount, quote.currency)),
        ("Kept by the airline", money(quote.kept_amount, quote.currency)),
        ("Goes back to the customer", money(quote.refund_amount, quote.currency)),
        ("The customer pays", money(quote.due_amount, quote.currency)),
        ("Good until", f"{quote.expires_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]


def cancel(booking: Booking, doing: Doing) -> Done:
    return confirm_quote(booking, doing, Quote.Kind.CANCELLATION, "cancel")


def confirm_quote(booking: Booking, doing: Doing, kind: str, act: str) -> Done:
    """Carry out what the page has shown, once a second person has agreed where that is needed."""
    quote = read_quote(booking.pk, quote_id(doing), kind, caller=doing.caller)
    back = serving.products_back(quote, read_booking(booking.pk, caller=doing.caller))
    refund = quote.refund_amount + back
    is_needed = serving.is_too_much(booking, refund)
    if not is_needed:
        reservations.pay_quote(booking.pk, quote.pk, kind, caller=doing.caller)

    def carry_out() -> Done:
        view = reservations.confirm_quote(booking.pk, quote.pk, kind, caller=doing.caller)
        back = f"; {money(quote.refund_amount, quote.currency)} go back" if quote.refund_amount else ""
        paid = f"; {money(quote.due_amount, quote.currency)} were charged" if quote.due_amount else ""
        return Done(f"is {view.booking.status}{back}{paid}.")

    facts = refund_facts(act, refund, booking.currency)
    return with_second_word(REFUND, booking.pk, facts, doing, carry_out, is_needed=is_needed)


def quote_id(doing: Doing) -> Any:
    try:
        return forms.UUIDField().clean(doing.token)
    except forms.ValidationError:
        raise InvalidInput("This page has no quote; look again.") from None


# --- Refund, by the fare rules or whole ---


def show_refund(booking: Booking, doing: Doing, *, waived: bool = False) -> Shown:
    view = read_booking(booking.pk, caller=doing.caller)
    reservations.refuse_while_ordered(view)
    check_action(view, "refund", doing.at)
    terms, besides = terms_of(view, doing.at, waived=waived), paid_besides(booking)
    settlement = terms.settlement
    lines = [
        *price_lines(settlement.lines, booking.currency),
        ("Penalty", money(terms.penalty_amount, booking.currency)),
        ("Kept by the airline", money(terms.kept_amount, booking.currency)),
        ("Goes back to the customer", money(terms.refund_amount, booking.currency)),
        *besides_lines(booking, besides),
    ]
    if waived:
        facts = refund_facts("waive", terms.refund_amount + besides, booking.currency)
        return Shown([*lines, second_word(WAIVER, booking.pk, facts, doing.at)])
    return Shown([*lines, *word_needed(booking, "refund", terms.refund_amount + besides, doing)])


def show_waiver(booking: Booking, doing: Doing) -> Shown:
    return show_refund(booking, doing, waived=True)


def refund(booking: Booking, doing: Doing) -> Done:
    return give_back(booking, doing, REFUND, "refund", waived=False)


def waive(booking: Booking, doing: Doing) -> Done:
    return give_back(booking, doing, WAIVER, "waive", waived=True)


def give_back(booking: Booking, doing: Doing, act: str, name: str, *, waived: bool) -> Done:
    """Refund a booking as it was shown, or ask a second person."""
    view = read_booking(booking.pk, caller=doing.caller)
    check_action(view, "refund", doing.at)
    amount = terms_of(view, doing.at, waived=waived).refund_amount
    total = amount + paid_besides(booking)

    def carry_out() -> Done:
        after = reservations.close_booking(
            booking.pk, "refund", caller=doing.caller, reason=doing.reason, if_match=if_match_of(booking),
            waived=waived, giving_back=amount,
        )  # fmt: skip
        return Done(f"is {after.booking.status}; {money(amount, booking.currency)} go back.")

    facts = refund_facts(name, total, booking.currency)
    is_needed = waived or serving.is_too_much(booking, total)
    return with_second_word(act, booking.pk, facts, doing, carry_out, is_needed=is_needed)


# --- Change ---


class ChangeForm(ActForm):
    departure_date = forms.DateField(
        label="New date", required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Of the same flight, local to its origin.",
    )  # fmt: skip
    flight = forms.CharField(
        label="Which flight", required=False, max_length=8,
        help_text="Its number, such as UA1161, where the booking has several.",
    )  # fmt: skip
    seats = forms.IntegerField(label="Seats", required=False, min_value=1, max_value=9)

    def clean(self):
        data = super().clean() or self.cleaned_data
        if not (data.get("departure_date") or data.get("seats")):
            raise forms.ValidationError("Say what is to change: the date, the seats or both.")
        return data


def change_of(data: dict) -> Change:
    day: date | None = data.get("departure_date")
    return Change(
        seats=data.get("seats"),
        departure_date=day,
        flight_designator=(data.get("flight") or "").upper().replace(" ", ""),
    )


def show_change(booking: Booking, doing: Doing) -> Shown:
    quote = quote_change(booking.pk, change_of(doing.data), caller=doing.caller)
    besides = serving.products_back(quote, read_booking(booking.pk, caller=doing.caller))
    return Shown([*quote_lines(quote), *besides_lines(booking, besides),
                  *word_needed(booking, "change", quote.refund_amount + besides, doing)], str(quote.pk))  # fmt: skip


def change(booking: Booking, doing: Doing) -> Done:
    return confirm_quote(booking, doing, Quote.Kind.CHANGE, "change")


# --- Holds ---


class HoldForm(ActForm):
    minutes = forms.IntegerField(label="Minutes more", min_value=1, max_value=1440, initial=30)


def longer(booking: Booking, doing: Doing):
    return (booking.expires_at or doing.at) + timedelta(minutes=doing.data["minutes"])


def show_longer_hold(booking: Booking, doing: Doing) -> Shown:
    if booking.expires_at is None:
        raise InvalidInput("This booking holds no seats with a deadline.")
    text = "%Y-%m-%d %H:%M:%S"
    return Shown([
        ("Holds", f"{booking.seats} seats"), ("Until now", f"{booking.expires_at:{text}} UTC"),
        ("From now on", f"{longer(booking, doing):{text}} UTC"),
    ])  # fmt: skip


def extend(booking: Booking, doing: Doing) -> Done:
    kept = keep_hold(booking.pk, until=longer(booking, doing), caller=doing.caller, at=doing.at)
    return Done(f"is held until {kept.expires_at:%Y-%m-%d %H:%M:%S} UTC.")


# --- Departure ---


def show_passengers(booking: Booking, doing: Doing) -> Shown:
    coupons = (
        Coupon.objects.live(booking.pk).select_related("ticket", "flight").order_by("ticket__position", "sequence")
    )
    return Shown([
        (f"{k.ticket.surname}/{k.ticket.given_name}".strip("/") or "unnamed",
         f"{k.flight or 'no flight yet'}: {k.get_status_display().lower()}{f', seat {k.seat}' if k.seat else ''}")
        for k in coupons[:100]
    ])  # fmt: skip


def check_in(booking: Booking, doing: Doing) -> Done:
    checked = check_in_booking(booking.pk, caller=doing.caller, at=doing.at)
    return Done(f"is checked in; {len(checked.passes)} boarding passes are good.")


def offload(booking: Booking, doing: Doing) -> Done:
    offload_booking(booking.pk, caller=doing.caller, at=doing.at)
    return Done("is off its flights; the boarding passes open no gate any more.")


CONFIRMED, PENDING, CREATED = Booking.Status.CONFIRMED, Booking.Status.PENDING, Booking.Status.CREATED
ACTS = (
    Act("confirm", "Confirm", "skybridge.confirm_booking", confirm, show_confirmation, is_offered=is_in(PENDING),
        explanation="Sells the seats, on the account of the booking's owner, and issues the tickets."),
    Act("change", "Change date or seats", "skybridge.change_itinerary", change, show_change, ChangeForm,
        is_offered=is_in(PENDING, CONFIRMED), asks_first=True,
        explanation="First a quote, then exactly that change at exactly that price. A card that paid is charged."),
    Act("extend_hold", "Extend hold", "skybridge.extend_hold", extend, show_longer_hold, HoldForm,
        is_offered=is_in(PENDING), asks_first=True, explanation="At most 24 hours from now."),
    Act("check_in", "Check in", "skybridge.check_in", check_in, show_passengers, is_offered=is_in(CONFIRMED),
        explanation="Everybody of the booking, all or nothing; seats are given to who has none."),
    Act("offload", "Offload", "skybridge.board", offload, show_passengers, is_offered=is_in(CONFIRMED), is_grave=True,
        explanation="Takes everybody of the booking off the flights that have not left, with their bags."),
    Act("cancel", "Cancel", "skybridge.cancel_booking", cancel, show_cancellation,
        is_offered=is_in(CREATED, PENDING, CONFIRMED), asks_first=True, is_grave=True,
        explanation="First a quote, then exactly what it says. The quote takes the place of an older open one."),
    Act("refund", "Refund by fare rules", "skybridge.refund_booking", refund, show_refund,
        is_offered=is_in(CONFIRMED), is_grave=True,
        explanation="Refunds the tickets and gives the seats back."),
    Act("waive", "Refund without penalty", "skybridge.waive_penalty", waive, show_waiver,
        is_offered=is_in(CONFIRMED), is_grave=True,
        explanation="All that was paid goes back, whatever the fare rules say. A second person must agree."),
)  # fmt: skip
