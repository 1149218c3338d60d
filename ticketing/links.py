"""Links to a boarding pass: whoever has one sees the pass, and nobody guesses one."""

import base64
import binascii
from uuid import UUID

from django.core.signing import BadSignature, Signer

from ticketing.exceptions import NoBoardingPass
from ticketing.models import BoardingPass
from ticketing.passes import readable

TOKEN_PATTERN = "[A-Za-z0-9_-]{22}~[A-Za-z0-9_-]{43}"


def signer() -> Signer:
    return Signer(sep="~", salt="ticketing.boarding_pass")


def token_of(pass_id: UUID) -> str:
    """Return the text that stands for a pass in its links: its id, signed with SECRET_KEY."""
    return signer().sign(base64.urlsafe_b64encode(pass_id.bytes).rstrip(b"=").decode())


def pass_of(token: str) -> BoardingPass:
    """Return the pass of a link, ended or not, with all that is shown on it. Raises NoBoardingPass."""
    try:
        pass_id = UUID(bytes=base64.urlsafe_b64decode(signer().unsign(token) + "=="))
    except (BadSignature, binascii.Error, ValueError):
        raise NoBoardingPass from None
    found = readable().filter(pk=pass_id).first()
    if found is None:
        raise NoBoardingPass
    return found


def links_of(pass_id: UUID) -> dict[str, str]:
    page = f"/boarding-passes/{token_of(pass_id)}"
    return {
        "page": page,
        "phone": f"{page}/phone",
        "pdf": f"{page}.pdf",
        "svg": f"{page}.svg",
        "png": f"{page}.png",
    }
