"""Choose seats: on a map or from a list, before and after the sale."""

from collections.abc import Callable, Iterable
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.forms.guests import full_name
from bookings.forms.paying import PREFIX, field_name
from bookings.forms.seats import PassengerForm, PlainForm, SeatForm, SeatPayForm, SwapForm
from bookings.views.seat_grid import FILTERS, Look, filters, grid_of, offered
from orders import seat_choice
from orders.seat_choice import PAID, Due, Member, Seating, Wish, read_seating
from orders.seats import give_up_seat, seat_booking, swap_seats
from partners.pages import may, page
from skybridge import pages, sending
from skybridge.exceptions import DomainError, NotFound
from skybridge.pages import PageForm

PERMISSION = "skybridge.change_itinerary"


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound from None


class Choice:
    """One look at the page: the seating, whose turn it is, and what is wanted but not paid; all in the address."""

    def __init__(self, request, booking_id: str):
        self.request, self.at = request, timezone.now()
        self.asked: QueryDict = request.GET
        self.caller = request.caller
        self.booking_id = UUID(booking_id)
        self.read(uuid_or_none(self.asked.get("flight", "")))
        self.wishes = [wish for text in self.asked.getlist("wish")[:36] if (wish := Wish.of(text))]
        self.passenger = self.asked.get("passenger", "")
        self.extras = [(name, text) for name, text in self.asked.items() if self.is_extra(name, text)]
        self.place = self.asked.get("at", "")
        self.may_sell = not self.caller.booking_id and may(request, "skybridge.confirm_booking")
        self.filter = self.asked.get("show", "") if self.asked.get("show") in FILTERS else ""

    def read(self, flight_id: UUID | None) -> None:
        self.seating: Seating = read_seating(self.booking_id, flight_id, caller=self.caller, at=self.at)

    def is_extra(self, name: str, text: str) -> bool:
        """Tell whether the address names something to be paid beside seats, which follow from the wishes alone."""
        return (
            name.startswith(f"{PREFIX}.") and text not in ("", "0") and name.split(".")[-1] not in self.seating.prices
        )

    @property
    def seated(self) -> list[Member]:
        return [member for member in self.seating.party if member.is_movable]

    @property
    def current(self) -> Member | None:
        """Return whose turn it is: who is named, else the first without a seat, else the first."""
        wished = {wish.ticket_id for wish in self.wishes if wish.flight_id == self.seating.flight.id}
        named = [m for m in self.seated if str(m.ticket.id) == self.passenger]
        waiting = [m for m in self.seated if not m.coupon.seat and m.ticket.id not in wished]
        return next(iter([*named, *waiting, *self.seated]), None)

    @property
    def dues(self) -> list[Due]:
        """Return what is wanted on all flights and costs. One statement where it is not only the flight shown."""
        return seat_choice.dues(seat_choice.seatings_of(self.seating, self.wishes), self.wishes)

    def want(self, ticket_id: UUID, seat: str) -> None:
        """Note a seat that is to be paid."""
        self.forget(ticket_id)
        self.wishes.append(Wish(ticket_id, self.seating.flight.id, seat))

    def forget(self, *ticket_ids: UUID) -> None:
        flight_id = self.seating.flight.id
        self.wishes = [w for w in self.wishes if w.flight_id != flight_id or w.ticket_id not in ticket_ids]

    def move_on(self, ticket_id: UUID) -> None:
        """Make it the turn of the next passenger without a seat, in order, or leave it with this one."""
        wished = {wish.ticket_id for wish in self.wishes if wish.flight_id == self.seating.flight.id}
        ids = [member.ticket.id for member in self.seated]
        place = ids.index(ticket_id)
        following = [*self.seated[place + 1 :], *self.seated[:place]]
        waiting = (m.ticket.id for m in following if not m.coupon.seat and m.ticket.id not in wished)
        self.passenger = str(next(waiting, ticket_id))

    def address(self, flight_id: UUID | None = None) -> str:
        asked = [("flight", str(flight_id or self.seating.flight.id))]
        if not flight_id:
            asked += [("passenger", self.passenger), ("at", self.place), ("show", self.filter)]
        asked = [pair for pair in asked if pair[1]] + [("wish", str(wish)) for wish in self.wishes] + self.extras
        anchor = "#at" if self.place and not flight_id else ""
        return f"{reverse('booking-seats', args=[self.booking_id])}?{urlencode(asked)}{anchor}"


@page(PERMISSION, guests=True, methods=("GET", "POST"))
def seats_page(request, booking_id):
    choice = Choice(request, booking_id)
    form = None
    if request.method == "POST":
        form_class, act = ACTS.get(request.POST.get("action", ""), (SeatForm, choose))
        form = bound(form_class, choice)
        choice.passenger = request.POST.get("ticket", choice.passenger)
        if form.is_valid():
            with form.showing_refusals():
                return sending.once(request, lambda: done(choice, act, form)) if act is pay else done(choice, act, form)
        choice.read(choice.seating.flight.id)  # somebody may have been faster: the map is to be fresh
        if act in (pay, take) and form.refusal:
            name_flight(choice, form, form.refusal)
    return pages.show(request, "bookings/seats_page.html", context_of(choice, form), form=form)


def done(choice: Choice, act: Callable[[Choice, dict], None], form: PageForm) -> HttpResponse:
    act(choice, form.cleaned_data)
    return redirect(choice.address())


def name_flight(choice: Choice, form: PageForm, refusal: DomainError) -> None:
    """Say which seat was refused if it is wanted on another flight than the one shown."""
    refused = (str(refusal.details.get("ticket_id")), refusal.details.get("seat"))
    flights = [due.flight for due in choice.dues if (str(due.wish.ticket_id), due.wish.seat) == refused]
    if flights and choice.seating.flight not in flights:
        where = {"seat": refused[1], "flight": flights[0].designator}
        form.add_error(None, _("This is about seat %(seat)s on %(flight)s.") % where)


def bound(form_class, choice: Choice):
    if form_class is SeatPayForm:
        return pay_form(choice, choice.request.POST)
    return form_class(choice.request.POST, party=choice.seated)


def pay_form(choice: Choice, data=None) -> SeatPayForm:
    return SeatPayForm(data, booking=choice.seating.view.booking, on_account=not choice.caller.booking_id)


# --- What is done ---


def choose(choice: Choice, wanted: dict) -> None:
    """Seat a passenger, or note what is to be paid, and go on to the next one."""
    ticket_id, seat = wanted["ticket"], wanted["seat"]
    names = {"name": full_name(choice.seating.member(ticket_id).ticket), "seat": seat}
    choice.passenger = str(ticket_id)
    if seat_choice.choose(choice.seating, ticket_id, seat, caller=choice.caller, at=choice.at):
        choice.forget(ticket_id)
        say(choice, _("%(name)s has seat %(seat)s."), names)
    else:
        choice.want(ticket_id, seat)
        say(choice, _("Seat %(seat)s is for %(name)s as soon as it is paid."), names)
    choice.place = seat
    choice.move_on(ticket_id)


def give_up(choice: Choice, wanted: dict) -> None:
    ticket_id = wanted["ticket"]
    member = choice.seating.member(ticket_id)
    if any(wish.ticket_id == ticket_id and wish.flight_id == choice.seating.flight.id for wish in choice.wishes):
        choice.forget(ticket_id)
    else:
        give_up_seat(ticket_id, flight_id=choice.seating.flight.id, caller=choice.caller)
    choice.passenger, choice.place = str(ticket_id), member.coupon.seat or ""
    say(choice, _("%(name)s has no seat now."), {"name": full_name(member.ticket)})


def swap(choice: Choice, wanted: dict) -> None:
    one, other = (choice.seating.member(wanted[place]) for place in ("one", "other"))
    swap_seats(choice.seating.flight.id, [one.ticket.id, other.ticket.id], caller=choice.caller)
    names = {
        "one": full_name(one.ticket),
        "seat": other.coupon.seat,
        "other": full_name(other.ticket),
        "other_seat": one.coupon.seat,
    }
    say(choice, _("Swapped: %(one)s has %(seat)s, %(other)s has %(other_seat)s."), names)


def seat_rest(choice: Choice, wanted: dict) -> None:
    seating = choice.seating
    coupons = seat_booking(seating.view.booking.id, seating.flight.id, {}, assign_rest=True, caller=choice.caller)
    say(choice, _("Everybody has a seat: %(seats)s."), {"seats": ", ".join(k.seat for k in coupons if k.seat)})


def pay(choice: Choice, wanted: dict) -> None:
    seat_choice.order_seats(
        choice.seating,
        choice.wishes,
        method=wanted["method"],
        token=wanted["token"],
        caller=choice.caller,
        at=choice.at,
    )
    say(choice, _("Your payment is under way. The seats are yours as soon as it is made."), {})


def take(choice: Choice, wanted: dict) -> None:
    """Take the seats that have been paid meanwhile."""
    paid = [due.wish for due in choice.dues if due.state == PAID]
    seat_choice.take(choice.seating, paid, caller=choice.caller)
    choice.wishes = [wish for wish in choice.wishes if wish not in paid]
    if paid:
        say(choice, _("The seats are yours: %(seats)s."), {"seats": ", ".join(wish.seat for wish in paid)})


def say(choice: Choice, text: str, names: dict) -> None:
    messages.success(choice.request, text % names)


ACTS = {
    "give-up": (PassengerForm, give_up),
    "swap": (SwapForm, swap),
    "rest": (PlainForm, seat_rest),
    "pay": (SeatPayForm, pay),
    "take": (PlainForm, take),
}


# --- What is shown ---


def context_of(choice: Choice, form: PageForm | None) -> dict:
    seating = choice.seating
    found = choice.dues
    here = [due for due in found if due.flight.id == seating.flight.id]
    is_open, current, base = seating.is_open(choice.at), choice.current, choice.address(seating.flight.id)
    grid = grid_of(seating, here, Look(current, choice.place, base, is_open))
    return {
        "section": "manage" if choice.caller.booking_id else "serve",
        "choice": choice,
        "kept": [("wish", str(wish)) for wish in choice.wishes] + choice.extras,
        "seating": seating,
        "is_open": is_open,
        "grid": grid,
        "party": [party_line(choice, member, here) for member in seating.party],
        "current": current,
        "flights": [(flight, choice.address(flight.id)) for flight in seat_choice.flights_of(seating.view)],
        "offered": offered(grid, choice.filter),
        "filters": filters(),
        "dues": found,
        "is_wished": bool(here),
        "total": seat_choice.total_of(found),
        "is_waiting": any(due.state == seat_choice.ORDERED for due in found),
        "is_paid": any(due.state == PAID for due in found),
        "has_failed": any(due.state == seat_choice.FAILED for due in found),
        "prices": seating.prices,
        "pay_form": form if isinstance(form, SeatPayForm) else pay_form(choice),
        "pay_page": sale_page("booking-pay", choice, found) if seating.is_held and choice.may_sell else "",
        "extras_page": sale_page("booking-extras", choice, found),
        "seconds_left": seconds_left(choice) if seating.is_held and choice.may_sell else 0,
        "can_swap": sum(bool(member.coupon.seat) for member in choice.seated) > 1,
        "wants_rest": any(not member.coupon.seat for member in choice.seated),
    }


def seconds_left(choice: Choice) -> int:
    expires_at = choice.seating.view.booking.expires_at
    return max(0, int((expires_at - choice.at).total_seconds())) if expires_at else 0


def party_line(choice: Choice, member: Member, found) -> dict:
    due = next((due for due in found if due.member is member), None)
    is_current = choice.current is not None and member.ticket.id == choice.current.ticket.id
    paid = {"SEATEXIT": _("an exit row seat is paid"), "SEATPREF": _("a preferred seat is paid")}
    unused = "" if due else choice.seating.unused(member)
    return {
        "member": member,
        "name": full_name(member.ticket),
        "due": due,
        "is_current": is_current,
        "paid_for": paid.get(unused, ""),
    }


def sale_page(name: str, choice: Choice, found: Iterable[Due]) -> str:
    """Return a page of a pending booking's sale, with the seats that are wanted and the extras so far."""
    asked = choice.extras + [(extra_name(choice, due), "1") for due in found]
    asked += [("wish", str(due.wish)) for due in found]
    return f"{reverse(name, args=[choice.booking_id])}?{urlencode(asked)}"


def extra_name(choice: Choice, due: Due) -> str:
    """Return the name under which the payment's page knows the product of a seat."""
    passengers = enumerate(choice.seating.view.tickets, start=1)
    place, coupons = next((place, found) for place, (ticket, found) in passengers if ticket.id == due.wish.ticket_id)
    sequence = next(number for number, coupon in enumerate(coupons, start=1) if coupon.id == due.member.coupon.id)
    return field_name(due.product_id, place, sequence)
