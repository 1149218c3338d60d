"""Travellers' tokens: Amazon Cognito's ID and access tokens (JWT, RFC 7519), and the user id that they give.

Only RS256 with a key of the provider's set (`partners/jwks.py`). An ID token must be made for one of `JWT_AUDIENCE`
(`aud`), an access token for one of them as `client_id`. The user id is the claim `custom:id`, else `sub`.

The first token that shows a user id binds it to its issuer and subject, for good; a token with the same user id and
another subject is refused. At that moment the subject's own `sub` is bound to it too, so that nobody can put another's
`sub` into `custom:id` afterwards. Whoever writes another's `sub` there before that person has ever called gets an empty
account and locks that person out, but never sees anything: let app clients not write `custom:id`.
Source: docs.aws.amazon.com/cognito "Verifying JSON web tokens".
"""

import hashlib
import logging
import time

import jwt
from django.conf import settings

from partners.caches import BoundedCache
from partners.callers import Caller
from partners.exceptions import TokenExpired, UserIdTaken
from partners.jwks import key_set
from partners.models import Traveller
from skybridge.exceptions import Unauthorized

logger = logging.getLogger(__name__)

MAX_TOKEN_LENGTH = 8192
MAX_ID_LENGTH = 255
VERIFIED_FOR = 60.0  # seconds
LEEWAY = 30  # seconds that the issuer's clock may be ahead of ours
REQUIRED = ["exp", "iss", "sub", "token_use"]
# What a hostile token can raise inside the decoder: bad encodings, infinite dates, JSON a thousand levels deep.
DECODING_ERRORS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)

bindings: BoundedCache = BoundedCache(50_000)
verified_tokens: BoundedCache = BoundedCache(10_000)


def traveller_with(token: str) -> Caller:
    """Return the traveller who shows this token. No query once this process has seen its user id.

    A token verified less than VERIFIED_FOR ago is taken as it was then, less its expiry: the signature costs ten times
    the rest. Raises Unauthorized (TokenExpired, UserIdTaken) and, when no key has ever been read, Busy.
    """
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    caller, good_until = verified_tokens.get(digest, (None, 0.0))
    now = time.time()
    if caller is not None and now < good_until:
        return caller
    claims = verified_claims(token)
    user_id = user_id_of(claims)
    bind(user_id, claims["iss"], claims["sub"])
    plan = terms_from(settings.TRAVELLER_PLAN)
    caller = Caller(kind="traveller", id=user_id, door="api", user_id=user_id, plan=plan)
    verified_tokens.put(digest, (caller, min(float(claims["exp"]), now + VERIFIED_FOR)))
    return caller


def terms_from(plan: dict) -> tuple[str, float, int, int | None, str]:
    """Return a plan of the settings as `Caller.plan`."""
    return (plan["name"], float(plan["rate"]), plan["burst"], plan.get("quota"), plan.get("quota_period", "day"))


def verified_claims(token: str) -> dict:
    if not settings.JWT_ISSUER or not settings.JWT_JWKS_URL or len(token) > MAX_TOKEN_LENGTH:
        raise Unauthorized
    try:
        claims = decode(token)
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except DECODING_ERRORS as exc:
        logger.info("token refused: %s", type(exc).__name__)
        raise Unauthorized from None
    if not is_for_us(claims):
        raise Unauthorized
    return claims


def decode(token: str) -> dict:
    header = jwt.get_unverified_header(token)
    if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str) or "crit" in header:
        raise Unauthorized
    key = key_set(settings.JWT_JWKS_URL).key(header["kid"])
    if key is None:
        raise Unauthorized
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        issuer=settings.JWT_ISSUER,
        leeway=LEEWAY,
        options={"require": REQUIRED, "verify_aud": False},  # which claim names us depends on token_use
    )
    if int(claims["exp"]) <= time.time():  # the leeway is for tokens from the future only
        raise jwt.ExpiredSignatureError
    return claims


def is_for_us(claims: dict) -> bool:
    match claims["token_use"]:
        case "id":
            audience = claims.get("aud")
        case "access":
            audience = claims.get("client_id")
        case _:
            return False
    names = audience if isinstance(audience, list) else [audience]
    return any(isinstance(name, str) and name in settings.JWT_AUDIENCE for name in names)


def user_id_of(claims: dict) -> str:
    """Return the user id. Raises Unauthorized for one that is not a sane text, as for a bad subject."""
    user_id = claims.get("custom:id", claims["sub"])
    if not is_sane_id(user_id) or not is_sane_id(claims["sub"]):
        raise Unauthorized
    return user_id


def is_sane_id(value) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and value.isprintable() and value == value.strip()


def bind(user_id: str, issuer: str, subject: str) -> None:
    """Bind a user id to the subject that shows it first. Raises UserIdTaken when it is another's.

    At most three statements the first time this process sees the three, none after.
    """
    if bindings.get(user_id) == (issuer, subject):
        return
    if owner_of(user_id) is None:
        rows = [Traveller(user_id=name, issuer=issuer, subject=subject) for name in sorted({user_id, subject})]
        Traveller.objects.bulk_create(rows, ignore_conflicts=True)
    if owner_of(user_id) != (issuer, subject):
        raise UserIdTaken
    bindings.put(user_id, (issuer, subject))


def owner_of(user_id: str) -> tuple[str, str] | None:
    return Traveller.objects.filter(pk=user_id).values_list("issuer", "subject").first()
