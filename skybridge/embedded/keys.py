"""The key pair of the demo identity provider, whose tokens stand in for those of a real one."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from skybridge.embedded.state import write_privately

KEY_ID = "demo-1"


def private_key_path(directory: Path) -> Path:
    return directory / "jwt_private_key.pem"


def make_key_pair(directory: Path) -> None:
    """Write an RSA private key and its public half as a JWKS file, unless both are there."""
    private, public = private_key_path(directory), directory / "jwks.json"
    if private.exists() and public.exists():
        return
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_privately(private, pem.decode())
    public.write_text(json.dumps({"keys": [public_jwk(key)]}, indent=2) + "\n")


def public_jwk(key: RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": KEY_ID,
        "n": base64url(numbers.n),
        "e": base64url(numbers.e),
    }


def base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
