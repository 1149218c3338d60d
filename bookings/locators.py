"""Record locators: six characters that nobody misreads."""

import re

from skybridge.identifiers import random_number

# No vowels, so that no words appear; no 0 or O, 1, I or L, and no 8, which is read as B.
ALPHABET = "BCDFGHJKMNPQRSTVWXYZ2345679"
LENGTH = 6
is_blocked = re.compile("FCK|FKK|KKK|CNT|DCK|NGR|FGT|SHT").search


def draw_locator() -> str:
    """Return a random locator; whether it is free only the unique constraint knows."""
    while True:
        number = random_number(len(ALPHABET) ** LENGTH)
        locator = "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(LENGTH))
        if not is_blocked(locator):
            return locator
