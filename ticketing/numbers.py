"""Document numbers of tickets and EMDs: three digits accounting code, ten digits form and serial number.

Source: IATA Resolutions 722 and 725f. The 13 digits are kept; the check digit follows from them, the hyphen is for
people.
"""

import re

WRITTEN = re.compile(r"(\d{3})-?(\d{10})-?(\d)?", re.ASCII)


def check_digit(number: str) -> int:
    """Return the check digit of a number of 13 digits: what is left of it by seven."""
    return int(number) % 7


def displayed(number: str) -> str:
    """Return a number as people read it: `012-1373147367`."""
    return f"{number[:3]}-{number[3:]}"


def parse(text: str) -> str | None:
    """Return the 13 digits of a number as it is kept, displayed, or with its check digit; None for anything else."""
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    number = found[1] + found[2]
    return number if found[3] is None or int(found[3]) == check_digit(number) else None
