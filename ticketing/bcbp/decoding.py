"""Reading a boarding pass: strictly, or as much as a gate can use of a malformed one."""

import re
from typing import Any, NamedTuple

from ticketing.bcbp.layout import (
    FORMAT_CODE,
    HEAD,
    LEG,
    LEG_COUNTS,
    REPEATED,
    SIZE,
    START_OF_SECURITY,
    START_OF_VERSION,
    UNIQUE,
    VERSIONS,
    BoardingPass,
    Field,
    Leg,
    Malformed,
    Security,
)

# PDF417, Aztec, QR, Data Matrix. Source: ISO/IEC 15424, symbology identifiers.
SCANNER_PREFIX = re.compile(r"\][LzQd][ -~](?=M)")


class Reading(NamedTuple):
    """What a lenient decoder got, and what was wrong; no faults: the pass is well-formed."""

    boarding_pass: BoardingPass
    faults: tuple[Malformed, ...]


def decode(text: str) -> BoardingPass:
    """Return the pass that a text is; `encode` gives the same text again.

    A scanner's symbology prefix and line ends are dropped, blanks never. Raises Malformed for anything that is not to
    the letter of the format.
    """
    draft = Draft()
    draft.read(Reader(message(text)))
    return draft.boarding_pass()


def decode_leniently(text: str) -> Reading:
    """Return what can be read of a pass, up to four legs, and its faults in the order of the text.

    A field that is not as it should be is given as it is, without the blanks around it; behind a wrong size nothing is
    read. Raises Malformed when not even the first leg's flight and date are there.
    """
    draft, reader = Draft(), LenientReader(message(text))
    try:
        draft.read(reader)
    except Malformed as fault:
        if not draft.has_flight():
            raise
        reader.faults.append(fault)
    return Reading(draft.boarding_pass(), tuple(reader.faults))


def message(text: str) -> str:
    return SCANNER_PREFIX.sub("", text.rstrip("\r\n"), count=1) if text[:1] == "]" else text.rstrip("\r\n")


def signed_part(text: str, security: Security) -> str:
    """Return what the security data of a well-formed text is about: all that stands before its `^`."""
    whole = message(text)
    return whole[: len(whole) - len(security.data) - 4]


class Reader:
    """A place in a text, up to which it has been read. Offsets stay those of the whole text."""

    def __init__(self, text: str):
        self.text = text
        self.offset = 0
        self.end = len(text)

    def left(self) -> int:
        return self.end - self.offset

    def take(self, size: int, name: str) -> str:
        """Return the next characters. Raises Malformed unless they are there and printable ASCII."""
        if size > self.left():
            raise Malformed(self.offset, name, f"{size} characters are due, {self.left()} are left")
        raw = self.text[self.offset : self.offset + size]
        if not (raw.isascii() and raw.isprintable()):
            place = next(i for i, character in enumerate(raw) if not " " <= character <= "~")
            raise Malformed(self.offset + place, name, f"{raw[place]!r} is not printable ASCII")
        self.offset += size
        return raw

    def field(self, field: Field) -> str:
        value = self.take(field.size, field.name).rstrip(" ")
        if not field.accepts(value):
            raise Malformed(self.offset - field.size, field.name, f"{value!r} is not allowed here")
        return value

    def size(self, name: str) -> int:
        """Return a size that the rest of the text has room for."""
        digits = self.take(2, name)
        if not SIZE.fullmatch(digits):
            raise Malformed(self.offset - 2, name, f"{digits!r} is not a size of two hexadecimal digits")
        if int(digits, 16) > self.left():
            raise Malformed(
                self.offset - 2, name, f"{int(digits, 16)} characters are announced, {self.left()} are left"
            )
        return int(digits, 16)

    def one_of(self, allowed: str, name: str) -> str:
        character = self.take(1, name)
        if character not in allowed:
            raise Malformed(self.offset - 1, name, f"{character!r} stands where {' or '.join(allowed)} is due")
        return character

    def fields(self, fields: tuple[Field, ...], size: int, into: dict[str, Any]) -> None:
        """Read the first fields, as many as make up the size. Raises Malformed for a size that cuts one in two."""
        end = self.offset + size
        for field in fields:
            if self.offset == end:
                return
            if self.offset + field.size > end:
                raise Malformed(self.offset, field.name, "the size of its part ends inside of it")
            into[field.name] = self.field(field)
        if self.offset != end:
            raise Malformed(self.offset, fields[-1].name, "the size of its part goes on behind it")


class LenientReader(Reader):
    """A reader that notes a wrong value and goes on."""

    def __init__(self, text: str):
        super().__init__(text)
        self.faults: list[Malformed] = []

    def field(self, field: Field) -> str:
        raw = self.take(field.size, field.name)
        if not field.accepts(raw.rstrip(" ")):
            self.faults.append(Malformed(self.offset - field.size, field.name, f"{raw!r} is not allowed here"))
        return raw.strip(" ")


class Draft:
    """A pass in the making, which keeps what was read before a fault."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.legs: list[dict[str, Any]] = []

    def read(self, reader: Reader) -> None:
        reader.one_of(FORMAT_CODE, "format_code")
        count = int(reader.one_of(LEG_COUNTS, "number_of_legs"))
        reader.fields(HEAD, sum(field.size for field in HEAD), self.values)
        for _ in range(count):
            self.read_leg(reader)
        if reader.left():
            self.read_security(reader)

    def read_leg(self, reader: Reader) -> None:
        leg: dict[str, Any] = {}
        self.legs.append(leg)
        for field in LEG:
            leg[field.name] = reader.field(field)
        if size := reader.size("variable_size"):
            self.read_variable_part(reader, reader.offset + size, leg)

    def read_variable_part(self, reader: Reader, end: int, leg: dict[str, Any]) -> None:
        whole, reader.end = reader.end, end
        if len(self.legs) == 1:
            reader.one_of(START_OF_VERSION, "start_of_version")
            self.values["version"] = reader.one_of(VERSIONS, "version")
            reader.fields(UNIQUE, reader.size("unique_size"), self.values)
        reader.fields(REPEATED, reader.size("repeated_size"), leg)
        leg["airline_text"] = reader.take(reader.left(), "airline_text")
        reader.end = whole

    def read_security(self, reader: Reader) -> None:
        reader.one_of(START_OF_SECURITY, "start_of_security")
        kind, size = reader.take(1, "security_type"), reader.size("security_size")
        if not size:
            raise Malformed(reader.offset - 2, "security_size", "there is no security data")
        self.values["security"] = Security(kind, reader.take(size, "security_data"))
        if reader.left():
            raise Malformed(reader.offset, "end", f"{reader.left()} characters follow the security data")

    def has_flight(self) -> bool:
        return bool(self.legs) and "day_of_year" in self.legs[0]

    def boarding_pass(self) -> BoardingPass:
        legs = tuple(Leg(**leg) for leg in self.legs if "day_of_year" in leg)
        return BoardingPass(legs=legs, **self.values)
