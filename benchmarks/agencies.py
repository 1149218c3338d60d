"""The benchmark's agencies and their API keys, each made of its agency's name: nothing is protected by them."""

import base64
import hashlib

AGENCIES = 200
ALPHABET = "BCDFGHJKMNPQRSTVWXYZ2345679"  # of record locators
SELLERS = range(2, 18)  # the agencies that the load uses in turn; 0 has most orders, 1 a few
LIMITED, HANDLER = "Limited", "Ground handling"  # agencies besides: one that may hardly call, one that boards


def agency_name(number: int) -> str:
    return f"Agency {number:03}"


def key_of(agency: str) -> str:
    """Return the API key of an agency."""
    secret = hashlib.sha256(f"benchmark {agency}".encode()).digest()[:20]
    return "sb_test_" + base64.b32encode(secret).decode().lower()


def kept_of(key: str) -> tuple[str, bytes]:
    """Return what the database keeps of a key: its beginning and its digest."""
    return key[:12], hashlib.sha256(key.encode()).digest()
