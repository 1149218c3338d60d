"""The fields of a boarding pass in their order, what each may hold, and the pass as a value.

Source: IATA Resolution 792.
"""

import re
from typing import NamedTuple


class Field(NamedTuple):
    """A field of `size` characters. `pattern` is for its value without the blanks at the end; blank always will do."""

    name: str
    size: int
    pattern: re.Pattern[str]

    def accepts(self, value: str) -> bool:
        return not value or self.pattern.fullmatch(value) is not None


def field(name: str, size: int, pattern: str) -> Field:
    return Field(name, size, re.compile(pattern, re.ASCII))


PRINTABLE = r"[ -~]*"
CARRIER = r"[A-Z0-9]{2,3}"
DAY = r"(?:00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])"

FORMAT_CODE = "M"
LEG_COUNTS = "1234"
MAX_SIZE = 0xFF
START_OF_VERSION = ">"
START_OF_SECURITY = "^"
VERSIONS = "12345678"
SIZE = re.compile("[0-9A-F]{2}")

HEAD = (
    field("passenger_name", 20, PRINTABLE),
    field("electronic_ticket", 1, "[EQ]"),  # Q: undocumented, on passes of one carrier
)
LEG = (
    field("record_locator", 7, "[A-Za-z0-9]+"),
    field("origin", 3, "[A-Z]{3}"),
    field("destination", 3, "[A-Z]{3}"),
    field("operating_carrier", 3, CARRIER),
    field("flight_number", 5, r"\d{1,4}[A-Z]?"),
    field("day_of_year", 3, DAY),
    field("compartment", 1, "[A-Z]"),
    field("seat", 4, "[A-Z0-9]+"),
    field("sequence_number", 5, r"\d{1,4}[A-Z]?"),
    field("passenger_status", 1, "[0-9A-Z]"),
)
UNIQUE = (
    field("passenger_description", 1, "[0-9A-Z]"),
    field("check_in_source", 1, "[A-Z]"),
    field("issuance_source", 1, "[A-Z]"),
    field("issue_day", 4, rf"\d{DAY}"),
    field("document_type", 1, "[A-Z]"),
    field("issuer", 3, CARRIER),
    field("bag_tag", 13, r"\d+"),
    field("second_bag_tag", 13, r"\d+"),
    field("third_bag_tag", 13, r"\d+"),
)
REPEATED = (
    field("accounting_code", 3, r"\d{3}"),
    field("document_number", 10, r"\d+"),
    field("selectee", 1, r"\d"),
    field("travel_documents", 1, r"\d"),
    field("marketing_carrier", 3, CARRIER),
    field("frequent_flyer_carrier", 3, CARRIER),
    field("frequent_flyer_number", 16, PRINTABLE),
    field("staff_travel_type", 1, "[0-9A-Z]"),
    field("baggage_allowance", 3, r"\d{2}[KL]|\dPC"),
    field("fast_track", 1, "[YN]"),
)


class Leg(NamedTuple):
    """One flight of the pass. Text has lost the blanks at its end; "" is a blank field, None one that was left out."""

    record_locator: str = ""
    origin: str = ""
    destination: str = ""
    operating_carrier: str = ""
    flight_number: str = ""
    day_of_year: str = ""
    compartment: str = ""
    seat: str = ""
    sequence_number: str = ""
    passenger_status: str = ""
    accounting_code: str | None = None
    document_number: str | None = None
    selectee: str | None = None
    travel_documents: str | None = None
    marketing_carrier: str | None = None
    frequent_flyer_carrier: str | None = None
    frequent_flyer_number: str | None = None
    staff_travel_type: str | None = None
    baggage_allowance: str | None = None
    fast_track: str | None = None
    airline_text: str | None = None  # to the letter, with its blanks; None: the leg has no variable part


class Security(NamedTuple):
    type: str
    data: str


class BoardingPass(NamedTuple):
    """A whole pass. Without a `version` it has mandatory fields only, except for its later legs."""

    passenger_name: str
    legs: tuple[Leg, ...]
    electronic_ticket: str = "E"
    version: str | None = None
    passenger_description: str | None = None
    check_in_source: str | None = None
    issuance_source: str | None = None
    issue_day: str | None = None
    document_type: str | None = None
    issuer: str | None = None
    bag_tag: str | None = None
    second_bag_tag: str | None = None
    third_bag_tag: str | None = None
    security: Security | None = None


class BcbpError(ValueError):
    """What this package raises, and nothing else whatever the text."""


class Malformed(BcbpError):
    """A text that is not a boarding pass. `offset` counts from 0 in the message, without a scanner's prefix."""

    def __init__(self, offset: int, field: str, problem: str):
        super().__init__(f"{field} at offset {offset}: {problem}")
        self.offset = offset
        self.field = field
        self.problem = problem


class Unencodable(BcbpError):
    """A value that does not fit into its field."""

    def __init__(self, field: str, problem: str):
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class Undatable(BcbpError):
    """A day that no year near enough has."""
