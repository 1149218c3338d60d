"""How to reach whoever booked: an e-mail address, and a telephone number as digits.

A number is kept as E.164 has it, without the plus: country code and subscriber number, such as `12125550123`.
"""

import re
from dataclasses import dataclass

LEAST_DIGITS, MOST_DIGITS = 7, 15  # Source: ITU-T E.164, section 6: at most 15; no country has numbers under 7
ASIDE = str.maketrans("", "", " \t -.()/‐‑–")  # what people write between digits
PHONE_HINT = "Start with + and the country code, such as +1 212 555 0123."


@dataclass(frozen=True)
class Contact:
    email: str = ""
    phone: str = ""


NO_CONTACT = Contact()


def phone_digits(text: str) -> str:
    """Return the digits of a telephone number with its country code (`+` or `00` before it), "" for a blank text.

    Raises ValueError for anything else, also for a national number: nobody knows of which country.
    """
    plain = text.strip().replace("(0)", "").translate(ASIDE)
    if not plain:
        return ""
    digits = re.fullmatch(rf"(?:\+|00)([1-9]\d{{{LEAST_DIGITS - 1},{MOST_DIGITS - 1}}})", plain, re.ASCII)
    if digits is None:
        raise ValueError(text)
    return digits[1]


def searched_digits(text: str) -> str:
    """Return the digits that a text can mean in a search, with or without `+`; "" if it is no telephone number."""
    plain = text.strip().replace("(0)", "").translate(ASIDE)
    digits = re.fullmatch(rf"(?:\+|00)?([1-9]\d{{{LEAST_DIGITS - 1},{MOST_DIGITS - 1}}})", plain, re.ASCII)
    return digits[1] if digits else ""


def shown_phone(digits: str) -> str:
    """Return a number as people dial it."""
    return f"+{digits}" if digits else ""
