"""Writing a boarding pass."""

from ticketing.bcbp.layout import (
    FORMAT_CODE,
    HEAD,
    LEG,
    LEG_COUNTS,
    MAX_SIZE,
    REPEATED,
    START_OF_SECURITY,
    START_OF_VERSION,
    UNIQUE,
    VERSIONS,
    BoardingPass,
    Field,
    Leg,
    Security,
    Unencodable,
)


def encode(boarding_pass: BoardingPass) -> str:
    """Return the text of a pass, which `decode` takes.

    A conditional field that is None is left out, or blank when one after it is given. Raises Unencodable for a value
    that its field does not allow; nothing is cut.
    """
    if not 1 <= len(boarding_pass.legs) <= len(LEG_COUNTS):
        raise Unencodable("number_of_legs", f"a pass has 1 to 4 legs, not {len(boarding_pass.legs)}")
    first, *others = boarding_pass.legs
    return "".join(
        [
            f"{FORMAT_CODE}{len(boarding_pass.legs)}",
            *(padded(field, getattr(boarding_pass, field.name)) for field in HEAD),
            leg_text(first, first_variable_part(boarding_pass, first)),
            *(leg_text(leg, later_variable_part(leg)) for leg in others),
            security_text(boarding_pass.security),
        ]
    )


def padded(field: Field, value: str | None) -> str:
    value = (value or "").rstrip(" ")
    if len(value) > field.size:
        raise Unencodable(field.name, f"{value!r} is longer than {field.size} characters")
    if not field.accepts(value) or not is_printable(value):
        raise Unencodable(field.name, f"{value!r} is not allowed here")
    return value.ljust(field.size)


def is_printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def leg_text(leg: Leg, variable_part: str) -> str:
    mandatory = "".join(padded(field, getattr(leg, field.name)) for field in LEG)
    return mandatory + sized("variable_size", variable_part)


def sized(name: str, text: str) -> str:
    """Return a text behind its own length in two hexadecimal digits."""
    if len(text) > MAX_SIZE:
        raise Unencodable(name, f"{len(text)} characters are more than {MAX_SIZE}")
    return f"{len(text):02X}{text}"


def first_variable_part(boarding_pass: BoardingPass, leg: Leg) -> str:
    unique = part(UNIQUE, boarding_pass)
    if boarding_pass.version is None:
        if unique or later_variable_part(leg):
            raise Unencodable("version", "conditional fields need a version")
        return ""
    if len(boarding_pass.version) != 1 or boarding_pass.version not in VERSIONS:
        raise Unencodable("version", f"{boarding_pass.version!r} is not 1 to 8")
    repeated = later_variable_part(leg) or sized("repeated_size", "")
    return START_OF_VERSION + boarding_pass.version + sized("unique_size", unique) + repeated


def later_variable_part(leg: Leg) -> str:
    repeated = part(REPEATED, leg)
    if not repeated and leg.airline_text is None:
        return ""
    airline_text = leg.airline_text or ""
    if not is_printable(airline_text):
        raise Unencodable("airline_text", f"{airline_text!r} is not printable ASCII")
    return sized("repeated_size", repeated) + airline_text


def part(fields: tuple[Field, ...], source: BoardingPass | Leg) -> str:
    """Return the fields up to the last one that is given."""
    values = [getattr(source, field.name) for field in fields]
    while values and values[-1] is None:
        values.pop()
    return "".join(padded(field, value) for field, value in zip(fields, values, strict=False))


def security_text(security: Security | None) -> str:
    if security is None:
        return ""
    if len(security.type) != 1 or not is_printable(security.type):
        raise Unencodable("security_type", f"{security.type!r} is not one character")
    if not security.data or not is_printable(security.data):
        raise Unencodable("security_data", "it is empty or not printable ASCII")
    return START_OF_SECURITY + security.type + sized("security_data", security.data)
