"""A cabin as a grid of cells, each with its name in the visitor's language. Nothing is read or changed here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.forms.guests import full_name
from flights.seating import seat_price
from flights.seatmaps import CabinMap, Row, Seat
from orders.seat_choice import Due, Member, Seating
from skybridge.templatetags.pages import money

FREE, COSTS, TAKEN, BLOCKED, OURS, WISHED = "free", "costs", "taken", "blocked", "ours", "wished"
WINGS = (0.34, 0.6)  # of an aircraft's length; typical of airliners
FILTERS = ("window", "aisle", "legroom", "nothing")


class Cell(NamedTuple):
    """One place of the grid; without a number there is no seat. `mark` are the initials of who has it."""

    number: str = ""
    kind: str = ""
    name: str = ""
    mark: str = ""
    member: Member | None = None
    after_aisle: bool = False


class Line(NamedTuple):
    number: int
    is_exit: bool
    is_over_wing: bool
    cells: list[Cell]


class Grid(NamedTuple):
    letters: list[tuple[str, bool]]  # and whether an aisle is before it
    lines: list[Line]

    @property
    def cells(self) -> Iterator[Cell]:
        return (cell for line in self.lines for cell in line.cells if cell.number)


def grid_of(seating: Seating, wishes: Iterable[Due]) -> Grid:
    """Return the party's cabin."""
    cabin = seating.seats.seat_map.cabin(seating.cabin)
    columns = list(columns_of(cabin.letters))
    painter = Painter(seating, wishes)
    wings = wing_rows(seating)
    lines = [
        Line(row.number, any(seat.is_exit for seat in row.seats), row.number in wings, painter.cells(row, columns))
        for row in cabin.rows
    ]
    return Grid(columns, lines)


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

    def __init__(self, seating: Seating, wishes: Iterable[Due]):
        self.seating = seating
        self.ours: Mapping[str, Member] = {m.coupon.seat: m for m in seating.party if m.coupon.seat}
        self.wished: Mapping[str, Member] = {due.wish.seat: due.member for due in wishes}
        self.taken = {o.seat for o in seating.seats.occupants if not o.has_run_out}
        self.prices = {key: money(price.amount, price.currency) for key, price in seating.prices.items()}

    def cells(self, row: Row, columns: list[tuple[str, bool]]) -> list[Cell]:
        seats = {seat.letter: seat for seat in row.seats}
        return [self.cell(seats.get(letter), after_aisle) for letter, after_aisle in columns]

    def cell(self, seat: Seat | None, after_aisle: bool) -> Cell:
        if seat is None:
            return Cell(after_aisle=after_aisle)
        kind, member = self.kind_of(seat)
        name = separator().join([seat.number, *places(seat), *self.state(seat, kind, member)])
        return Cell(seat.number, kind, name, initials(member) if member else "", member, after_aisle)

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
        return self.prices.get(seat_price(seat, self.seating.cabin) or "", "")

    def state(self, seat: Seat, kind: str, member: Member | None) -> list[str]:
        match kind:
            case "ours":
                assert member is not None
                return [full_name(member.ticket)]
            case "wished":
                assert member is not None
                return [full_name(member.ticket), pgettext("seat", "not paid yet"), self.price_of(seat)]
            case "taken":
                return [pgettext("seat", "taken")]
            case "blocked":
                return [pgettext("seat", "not for passengers")]
        return [pgettext("seat", "free"), *([self.price_of(seat)] if kind == COSTS else [])]


def separator() -> str:
    return pgettext("between the parts of a seat's name, such as 12A, window, free", ", ")


def places(seat: Seat) -> list[str]:
    """Return where a seat is and what is special about it, in words."""
    words = {
        "W": pgettext("seat", "window"),
        "A": pgettext("seat", "aisle"),
        "9": pgettext("seat", "middle"),
        "E": pgettext("seat", "exit row"),
        "L": pgettext("seat", "extra legroom"),
        "O": pgettext("seat", "preferred"),
        "1D": pgettext("seat", "reclines less"),
        "AL": pgettext("seat", "next to a lavatory"),
    }
    return [word for code, word in words.items() if code in seat.characteristics]


# --- The list beside the map ---


class Offered(NamedTuple):
    number: str
    name: str


def offered(seating: Seating, grid: Grid, wanted: str) -> list[Offered]:
    """Return the free seats, those of one filter where it is given."""
    cabin = seating.seats.seat_map.cabin(seating.cabin)
    free = {cell.number: cell for cell in grid.cells if cell.kind in (FREE, COSTS)}
    return [
        Offered(seat.number, free[seat.number].name)
        for seat in seats_of(cabin)
        if seat.number in free and fits(seat, free[seat.number], wanted)
    ]


def seats_of(cabin: CabinMap) -> Iterable[Seat]:
    return cabin.seats


def fits(seat: Seat, cell: Cell, wanted: str) -> bool:
    codes = {"window": "W", "aisle": "A", "legroom": "L"}
    if wanted == "nothing":
        return cell.kind == FREE
    return wanted not in codes or codes[wanted] in seat.characteristics


def filters() -> list[tuple[str, str]]:
    return [
        ("", _("All free seats")),
        ("window", _("At a window")),
        ("aisle", _("On an aisle")),
        ("legroom", _("Extra legroom")),
        ("nothing", _("Free of charge")),
    ]
