"""A cabin as a grid of cells, each with its name in the visitor's language. Nothing is read or changed here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.forms.guests import full_name
from flights.seating import seat_price
from flights.seatmaps import Seat
from orders.seat_choice import Due, Member, Seating
from skybridge.templatetags.pages import money

FREE, COSTS, TAKEN, BLOCKED, OURS, WISHED = "free", "costs", "taken", "blocked", "ours", "wished"
WINGS = (0.34, 0.6)  # of an aircraft's length; typical of airliners
FILTERS = ("window", "aisle", "legroom", "nothing")


class Cell(NamedTuple):
    """One place of the grid. `member` has the seat, or wants it."""

    seat: Seat
    kind: str
    name: str
    member: Member | None = None


class Line(NamedTuple):
    """A row; `html` are its cells: hundreds of them, so they are not left to the template."""

    number: int
    is_exit: bool
    is_over_wing: bool
    html: SafeString


class Grid(NamedTuple):
    letters: list[tuple[str, bool]]  # and whether an aisle is before it
    lines: list[Line]
    cells: list[Cell]


class Look(NamedTuple):
    """What the drawing depends on beside the seats: whose turn it is, where the reader was, and where links lead."""

    current: Member | None
    place: str
    base: str
    is_open: bool


def grid_of(seating: Seating, wishes: Iterable[Due], look: Look) -> Grid:
    """Return the party's cabin, drawn."""
    cabin = seating.seats.seat_map.cabin(seating.cabin)
    columns, wings = list(columns_of(cabin.letters)), wing_rows(seating)
    painter = Painter(seating, wishes, look.current)
    lines: list[Line] = []
    cells: list[Cell] = []
    for row in cabin.rows:
        found = {seat.letter: painter.cell(seat) for seat in row.seats}
        html = mark_safe("".join(drawn(found.get(letter), aisle, look) for letter, aisle in columns))
        lines.append(Line(row.number, any(seat.is_exit for seat in row.seats), row.number in wings, html))
        cells += found.values()
    return Grid(columns, lines, cells)


def drawn(cell: Cell | None, after_aisle: bool, look: Look) -> str:
    """Return a cell's HTML, without end tags that browsers do without; a seat's name is its one text, and escaped."""
    if cell is None:
        return '<td class="aisle">' if after_aisle else "<td>"
    number, name = cell.seat.number, escape(cell.name)
    can_choose = look.is_open and cell.kind in (FREE, COSTS)
    kinds = [] if can_choose and cell.kind == FREE else [cell.kind]
    classes = " ".join([*kinds, *(["aisle"] if after_aisle else [])])
    opened = f'<td class="{classes}"' if classes else "<td"
    if number == look.place:
        opened += ' id="at"'
    if can_choose:
        return f'{opened}><button name="seat" value="{number}" aria-label="{name}"></button>'
    if cell.member is None:
        return f'{opened} aria-label="{name}">'
    ticket, mark = cell.member.ticket.id, escape(initials(cell.member))
    selected = ' aria-selected="true"' if look.current and ticket == look.current.ticket.id else ""
    address = escape(f"{look.base}&passenger={ticket}&at={number}#at")
    link = (
        f'<a href="{address}" data-ticket="{ticket}" data-seat="{number}" data-mark="{mark}" aria-label="{name}"></a>'
    )
    return f"{opened}{selected}>{link}"


def columns_of(letters: str) -> Iterator[tuple[str, bool]]:
    for place, letter in enumerate(letters):
        if letter != "-":
            yield letter, place > 0 and letters[place - 1] == "-"


def wing_rows(seating: Seating) -> set[int]:
    """Return the rows beside which the wings are, roughly."""
    rows = [row.number for cabin in seating.seats.seat_map.cabins for row in cabin.rows]
    first, last = (int(part * len(rows)) for part in WINGS)
    return set(rows[first:last])


def initials(member: Member) -> str:
    ticket = member.ticket
    return (ticket.given_name[:1] + ticket.surname[:1]).upper() or str(ticket.position)


class Painter:
    """Tells of each seat what it is to the party."""

    def __init__(self, seating: Seating, wishes: Iterable[Due], current: Member | None):
        self.cabin = seating.cabin
        self.ours: Mapping[str, Member] = {m.coupon.seat: m for m in seating.party if m.coupon.seat}
        self.wished: Mapping[str, Member] = {due.wish.seat: due.member for due in wishes}
        self.taken = {o.seat for o in seating.seats.occupants if not o.has_run_out}
        self.prices = {key: money(price.amount, price.currency) for key, price in seating.prices.items()}
        self.paid = {product for product in self.prices if current and seating.has_paid(current, product)}
        self.separator = separator()
        self.states = {TAKEN: pgettext("seat", "taken"), BLOCKED: pgettext("seat", "not for passengers")}
        self.settled = pgettext("seat", "paid already")
        self.free, self.unpaid = pgettext("seat", "free"), pgettext("seat", "not paid yet")
        self.places = words_of_places()

    def cell(self, seat: Seat) -> Cell:
        kind, member = self.kind_of(seat)
        words = [word for code, word in self.places if code in seat.characteristics]
        return Cell(seat, kind, self.separator.join([seat.number, *words, *self.state(seat, kind, member)]), member)

    def kind_of(self, seat: Seat) -> tuple[str, Member | None]:
        if member := self.ours.get(seat.number):
            return OURS, member
        if seat.is_blocked:
            return BLOCKED, None
        if seat.number in self.taken:
            return TAKEN, None
        if member := self.wished.get(seat.number):
            return WISHED, member
        return (COSTS if self.price_of(seat) else FREE), None

    def price_of(self, seat: Seat) -> str:
        product_id = seat_price(seat, self.cabin) or ""
        return "" if product_id in self.paid else self.prices.get(product_id, "")

    def state(self, seat: Seat, kind: str, member: Member | None) -> list[str]:
        if member is not None:
            unpaid = [self.unpaid, self.price_of(seat)] if kind == WISHED else []
            return [full_name(member.ticket), *unpaid]
        if kind in self.states:
            return [self.states[kind]]
        if kind == COSTS:
            return [self.free, self.price_of(seat)]
        return [self.free, self.settled] if seat_price(seat, self.cabin) in self.paid else [self.free]


def separator() -> str:
    return pgettext("between the parts of a seat's name, such as 12A, window, free", ", ")


def words_of_places() -> list[tuple[str, str]]:
    """Return where a seat is and what is special about it, in words, by characteristic."""
    return [
        ("W", pgettext("seat", "window")),
        ("A", pgettext("seat", "aisle")),
        ("9", pgettext("seat", "middle")),
        ("E", pgettext("seat", "exit row")),
        ("L", pgettext("seat", "extra legroom")),
        ("O", pgettext("seat", "preferred")),
        ("1D", pgettext("seat", "reclines less")),
        ("AL", pgettext("seat", "next to a lavatory")),
    ]


# --- The list beside the map ---


class Offered(NamedTuple):
    number: str
    name: str


def offered(grid: Grid, wanted: str) -> list[Offered]:
    """Return the free seats, those of one filter where it is given."""
    free = (cell for cell in grid.cells if cell.kind in (FREE, COSTS))
    return [Offered(cell.seat.number, cell.name) for cell in free if fits(cell, wanted)]


def fits(cell: Cell, wanted: str) -> bool:
    codes = {"window": "W", "aisle": "A", "legroom": "L"}
    if wanted == "nothing":
        return cell.kind == FREE
    return wanted not in codes or codes[wanted] in cell.seat.characteristics


def filters() -> list[tuple[str, str]]:
    return [
        ("", _("All free seats")),
        ("window", _("At a window")),
        ("aisle", _("On an aisle")),
        ("legroom", _("Extra legroom")),
        ("nothing", _("Free of charge")),
    ]
