"""Sealing: text that only who has our keys can read. Fernet tokens: AES-128-CBC and HMAC-SHA-256.

Of `settings.TRAVEL_DOCUMENT_KEYS` the first seals and all open; development has one of its own, made of SECRET_KEY.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def key_ring() -> MultiFernet:
    """Return the keys of the settings. Raises ValueError for what is no Fernet key."""
    derived = urlsafe_b64encode(sha256(b"travel documents " + settings.SECRET_KEY.encode()).digest())
    return MultiFernet([Fernet(key) for key in settings.TRAVEL_DOCUMENT_KEYS or [derived]])


def seal(text: str) -> str:
    return key_ring().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the text again. Raises InvalidToken for what none of the keys has sealed."""
    return key_ring().decrypt(sealed.encode()).decode()


def reseal(sealed: str) -> str:
    """Return what is sealed as the first key seals it. Raises InvalidToken for what none of the keys has sealed."""
    return key_ring().rotate(sealed.encode()).decode()
