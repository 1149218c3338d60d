"""What goes into single fields: names without accents, numbers with leading zeros."""

import re
import unicodedata

from ticketing.bcbp.layout import Unencodable

NAME_SIZE = 20
# Source: ICAO Doc 9303, part 3, transliteration of Latin letters; what is not listed loses its accent.
TRANSLITERATION = str.maketrans(
    {
        "Ä": "AE",
        "Å": "AA",
        "Æ": "AE",
        "Ð": "D",
        "Đ": "D",
        "Ħ": "H",
        "Ĳ": "IJ",
        "Ł": "L",
        "Ŋ": "N",
        "Ö": "OE",
        "Ø": "OE",
        "Œ": "OE",
        "Þ": "TH",
        "ẞ": "SS",
        "Ü": "UE",
        **dict.fromkeys("-'.’‘ʼ`´‐‑", ""),
    }
)


def passenger_name(surname: str, given_name: str = "", title: str = "") -> str:
    """Return `SURNAME/GIVEN TITLE` in at most 20 letters, or the surname alone.

    Too long a name loses its title, then the end of its given name; of a long surname 18 letters stay, and the initial.
    Raises Unencodable for letters without a Latin form and for a name without a surname.
    """
    surname, given_name, title = plain_letters(surname), plain_letters(given_name), plain_letters(title)
    if not surname:
        raise Unencodable("passenger_name", "there is no surname")
    if not given_name:
        return surname[:NAME_SIZE].rstrip()
    whole = f"{surname}/{given_name} {title}".rstrip()
    return whole if len(whole) <= NAME_SIZE else f"{surname[:18].rstrip()}/{given_name}"[:NAME_SIZE].rstrip()


def plain_letters(name: str) -> str:
    """Return a name in A to Z and single blanks. Hyphens, apostrophes and full stops go."""
    composed = unicodedata.normalize("NFC", name).upper()
    decomposed = unicodedata.normalize("NFKD", composed.translate(TRANSLITERATION))
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    if not re.fullmatch(r"[A-Z\s]*", letters):
        raise Unencodable("passenger_name", f"{name!r} has letters without a Latin form")
    return " ".join(letters.split())


def flight_number(number: int, suffix: str = "") -> str:
    return f"{number:04}{suffix}"


def seat(number: str) -> str:
    """Return a seat such as 1A as 001A; anything else, such as INF, as it is."""
    return number.zfill(4) if number[:1].isdigit() else number


def sequence_number(number: int) -> str:
    return f"{number:04}"
