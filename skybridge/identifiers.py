"""Identifiers that sort by time, so that the newest rows of an index lie side by side."""

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a version 7 UUID. Source: RFC 9562, section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds << 80) | random_bits
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return uuid.UUID(int=value)
