"""Identifiers that sort by time, so that the newest rows of an index lie side by side; and what is random in them."""

import os
import threading
import time
import uuid
from datetime import datetime

FETCHED = 4096  # bytes at a time: each call of the system lets another thread go first


class Randomness(threading.local):
    """Random bytes of the system's, kept by each thread until they are used."""

    kept = b""

    def take(self, count: int) -> bytes:
        if len(self.kept) < count:
            self.kept = os.urandom(FETCHED)
        taken, self.kept = self.kept[:count], self.kept[count:]
        return taken


randomness = Randomness()
os.register_at_fork(after_in_child=lambda: randomness.__dict__.clear())


def random_number(below: int) -> int:
    """Return a number from 0. Up to 2 ** 32, no number is likelier than another by more than one in 2 ** 32."""
    return int.from_bytes(randomness.take(8)) % below


def uuid7() -> uuid.UUID:
    """Return a version 7 UUID. Source: RFC 9562, section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(randomness.take(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return uuid.UUID(int=value)


def first_id(moment: datetime) -> uuid.UUID:
    """Return the first id that a row made at a moment can have; ids sort by time."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
