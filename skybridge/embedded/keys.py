"""Keys made once: the demo identity provider's, whose tokens stand in for a real one's, and that of boarding passes."""

import base64
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
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
    write_privately(private, private_pem(key))
    public.write_text(json.dumps({"keys": [public_jwk(key)]}, indent=2) + "\n")


def private_pem(key: RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    kind, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, shape, serialization.NoEncryption()).decode()


def boarding_pass_pem(directory: Path) -> str:
    """Return the private key that signs boarding passes in development; whoever asks first makes it, for all."""
    path = directory / "boarding_pass_key.pem"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}.{os.getpid()}")
        write_privately(own, private_pem(ec.generate_private_key(ec.SECP256R1())))
        try:
            os.link(own, path)  # unlike replace, this leaves a key that another process was faster to make
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            own.replace(path)
        own.unlink(missing_ok=True)
    return path.read_text()


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


def base64url(number: int, size: int = 0) -> str:
    """Return a number as JWKs have it, in so many octets or as few as it takes."""
    octets = number.to_bytes(size or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
