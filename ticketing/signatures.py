"""Who vouches for a boarding pass: its security data is an ECDSA signature of everything that stands before it.

P-256 and SHA-256; the data is the DER signature in base64, of type `1`. The format has no place for a key id, so the
airline's own text of the first leg, which is signed with the rest, ends in `#` and the key's id.
`settings.BOARDING_PASS_KEYS` has the keys as PEM: the first signs, all verify; a retired one may be there as its public
half. Source: IATA Resolution 792, which leaves the algorithm to the issuer; FIPS 186-5.
"""

import base64
import binascii
import functools
import hashlib
import json
import re
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from skybridge.embedded import keys
from ticketing.bcbp import BcbpError, BoardingPass, Security, decode, encode, signed_part

SECURITY_TYPE = "1"
VERSION = "8"
ALGORITHM = ec.ECDSA(hashes.SHA256())
KEY_MARK = re.compile(r"#([A-Z2-7]{8})\Z")
PEM_KEY = re.compile(r"-----BEGIN (?P<kind>(?:EC )?PRIVATE|PUBLIC) KEY-----.+?-----END (?P=kind) KEY-----", re.DOTALL)


class Outcome(StrEnum):
    GOOD = "good"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    UNSIGNED = "unsigned"


class Verification(NamedTuple):
    """`key_id` is the one that the pass names, "" if it names none; only a good outcome makes it true."""

    outcome: Outcome
    key_id: str = ""


class KeyRing(NamedTuple):
    signing_id: str
    signing_key: ec.EllipticCurvePrivateKey | None
    public: dict[str, ec.EllipticCurvePublicKey]


NO_KEYS = KeyRing("", None, {})


def sign(boarding_pass: BoardingPass) -> str:
    """Return the text of a pass with the id of the signing key and its signature, in place of any that it had.

    Raises Unencodable for a pass that `encode` refuses, or whose first leg has no room for the nine characters, and
    ImproperlyConfigured in production without a key.
    """
    ring = current_keys()
    if ring.signing_key is None:
        raise ImproperlyConfigured("Signing boarding passes needs BOARDING_PASS_KEYS.")
    unsigned = marked(boarding_pass, ring.signing_id)
    signature = ring.signing_key.sign(encode(unsigned).encode(), ALGORITHM)
    security = Security(SECURITY_TYPE, base64.b64encode(signature).decode())
    return encode(unsigned._replace(security=security))


def marked(boarding_pass: BoardingPass, key_id: str) -> BoardingPass:
    first = [
        leg._replace(airline_text=KEY_MARK.sub("", leg.airline_text or "") + f"#{key_id}")
        for leg in boarding_pass.legs[:1]
    ]
    legs = (*first, *boarding_pass.legs[1:])
    return boarding_pass._replace(legs=legs, version=boarding_pass.version or VERSION, security=None)


def verify(text: str) -> Verification:
    """Tell whether one of our keys vouches for a text, whatever it is; a malformed one is never good."""
    try:
        boarding_pass = decode(text)
    except BcbpError:
        return Verification(Outcome.BAD_SIGNATURE if "^" in text else Outcome.UNSIGNED)
    key_id = named_key(boarding_pass)
    if boarding_pass.security is None:
        return Verification(Outcome.UNSIGNED, key_id)
    key = current_keys().public.get(key_id)
    if key is None:
        return Verification(Outcome.UNKNOWN_KEY, key_id)
    good = is_signed(signed_part(text, boarding_pass.security), boarding_pass.security, key)
    return Verification(Outcome.GOOD if good else Outcome.BAD_SIGNATURE, key_id)


def named_key(boarding_pass: BoardingPass) -> str:
    mark = KEY_MARK.search(boarding_pass.legs[0].airline_text or "")
    return mark[1] if mark else ""


def is_signed(text: str, security: Security, key: ec.EllipticCurvePublicKey) -> bool:
    try:
        signature = base64.b64decode(security.data, validate=True)
        key.verify(signature, text.encode(), ALGORITHM)
    except (binascii.Error, InvalidSignature):
        return False
    # Base64 has several spellings of the same octets; ours is the one.
    return security.type == SECURITY_TYPE and base64.b64encode(signature).decode() == security.data


def public_keys() -> dict[str, list[dict[str, str]]]:
    """Return all keys that verify, the signing one first, as a JWK set. Source: RFC 7517, RFC 7518 section 6.2."""
    return {"keys": [public_jwk(key_id, key) for key_id, key in current_keys().public.items()]}


def public_jwk(key_id: str, key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    return {**curve_point(key), "use": "sig", "alg": "ES256", "kid": key_id}


def curve_point(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": keys.base64url(numbers.x, 32), "y": keys.base64url(numbers.y, 32)}


def key_id_of(key: ec.EllipticCurvePublicKey) -> str:
    """Return the first 40 bits of a key's thumbprint in base32. Source: RFC 7638, RFC 4648 section 6."""
    thumbprint = hashlib.sha256(json.dumps(curve_point(key), separators=(",", ":"), sort_keys=True).encode())
    return base64.b32encode(thumbprint.digest()[:5]).decode()


def current_keys() -> KeyRing:
    """Return the keys of the settings, outside of production one made for the purpose.

    Raises ImproperlyConfigured for anything but P-256 keys.
    """
    if settings.BOARDING_PASS_KEYS:
        return key_ring(settings.BOARDING_PASS_KEYS)
    return NO_KEYS if settings.IN_PRODUCTION else development_keys(settings.HOME)


@functools.cache
def development_keys(home: Path) -> KeyRing:
    return key_ring(keys.boarding_pass_pem(home))


@functools.cache
def key_ring(pem: str) -> KeyRing:
    found = [read_key(match) for match in PEM_KEY.finditer(pem)]
    if not found or not isinstance(found[0], ec.EllipticCurvePrivateKey):
        raise ImproperlyConfigured("BOARDING_PASS_KEYS begins with the private key that signs, as PEM.")
    halves = [key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key for key in found]
    public = {key_id_of(key): key for key in halves}
    return KeyRing(next(iter(public)), found[0], public)


def read_key(match: re.Match[str]) -> ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey:
    pem = match[0].encode()
    try:
        key = load_pem_public_key(pem) if match["kind"] == "PUBLIC" else load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ImproperlyConfigured("BOARDING_PASS_KEYS has a key that cannot be read.") from None
    kinds = (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)
    if not isinstance(key, kinds) or not isinstance(key.curve, ec.SECP256R1):
        raise ImproperlyConfigured("BOARDING_PASS_KEYS are P-256 keys, and one of them is not.")
    return key
