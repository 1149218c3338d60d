"""The demo's callers: agencies with keys, users with passwords, and a traveller with a token.

Keys and passwords are random, made once and kept in `demo.json` of the state directory, because the database holds
only their digests. If the file is gone or belongs to another database, new ones are made.
"""

import json
import secrets
import time
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import jwt
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import transaction

from partners import services
from partners.keys import digest_of
from partners.models import Agency, Agent, ApiKey, Plan
from skybridge.embedded.keys import KEY_ID, private_key_path
from skybridge.events import Actor
from skybridge.roles import ROLES

DEFAULT_PLAN = {"name": "default", "rate": Decimal(5), "burst": 10}
DEMO_PLAN = {"name": "demo", "rate": Decimal(10_000), "burst": 20_000}
GROUND_HANDLER = "Demo Ground Handling"
AGENCIES = {"Acme Travel": DEMO_PLAN, "PartnerCo": DEMO_PLAN, "Zenith Tours": DEFAULT_PLAN, GROUND_HANDLER: DEMO_PLAN}
STAFF, AGENT, HANDLER = "demo-staff", "demo-agent", "demo-handler"
ROLE_USERS = {f"demo-{role}": role for role in ROLES}  # one with each role of the back office
USERS = {STAFF, AGENT, HANDLER, *ROLE_USERS}
AGENCY_OF = {AGENT: "Acme Travel", HANDLER: GROUND_HANDLER}  # who works for which agency
KEY_NAME = "demo"
TRAVELLER = "demo-traveller"
TOKEN_LIFETIME_SECONDS = 7 * 24 * 3600


class Callers(NamedTuple):
    """The demo's callers with their secrets: keys by agency, passwords by user name."""

    keys: dict[str, str]
    passwords: dict[str, str]


def facts_file() -> Path:
    return settings.HOME / "demo.json"


def kept_callers() -> Callers:
    """Return what the last start has kept, or nothing."""
    try:
        facts = json.loads(facts_file().read_text())
        return Callers(
            {agency["name"]: agency["api_key"] for agency in facts["agencies"]},
            {user["username"]: user["password"] for user in facts["users"]},
        )
    except (OSError, ValueError, LookupError, TypeError):
        return Callers({}, {})


def ensure_demo_callers(*, actor: Actor) -> Callers:
    """Return the demo's callers, making those that are missing. Two queries when none is."""
    kept = kept_callers()
    live = live_keys(kept)
    # A password cannot be read back. Trust the kept ones only beside keys that this very database knows.
    known_here = bool(live)
    present = set(User.objects.filter(username__in=USERS).values_list("username", flat=True))
    passwords = {name: kept.passwords[name] for name in kept.passwords.keys() & present if known_here}
    if live.keys() == AGENCIES.keys() and passwords.keys() == USERS:
        return Callers(live, passwords)
    with transaction.atomic():
        agencies = {name: ensure_agency(name, plan, actor) for name, plan in AGENCIES.items()}
        keys = {name: live.get(name) or new_demo_key(agency, actor) for name, agency in agencies.items()}
        for name in {STAFF, AGENT, HANDLER} - passwords.keys():
            passwords[name] = ensure_user(name, agencies.get(AGENCY_OF.get(name, "")))
        if not ROLE_USERS.keys() <= passwords.keys():
            passwords |= ensure_role_users()
    return Callers(keys, passwords)


def live_keys(kept: Callers) -> dict[str, str]:
    """Return the kept keys that this database knows as their agency's and has not revoked. One query."""
    digests = [digest_of(key) for key in kept.keys.values()]
    found = ApiKey.objects.filter(digest__in=digests, revoked_at=None, expires_at=None)
    rows = {(bytes(digest), name) for digest, name in found.values_list("digest", "agency__name")}
    return {name: kept.keys[name] for name in AGENCIES if (digest_of(kept.keys.get(name, "")), name) in rows}


def ensure_agency(name: str, terms: dict, actor: Actor) -> Agency:
    agency = Agency.objects.filter(name=name).first()
    if agency is None:
        plan, _ = Plan.objects.get_or_create(name=terms["name"], defaults=terms)
        agency = Agency(name=name, plan=plan, is_ground_handler=name == GROUND_HANDLER)
        services.save_agency(agency, actor=actor)
    return agency


def new_demo_key(agency: Agency, actor: Actor) -> str:
    """Make a key in place of the demo keys whose text is lost."""
    for lost in ApiKey.objects.filter(agency=agency, name=KEY_NAME, revoked_at=None):
        services.revoke_api_key(lost, actor=actor, reason="its text is lost")
    return services.create_api_key(agency, actor=actor, mode="test", name=KEY_NAME)[1]


def ensure_user(username: str, agency: Agency | None) -> str:
    """Make a demo user, an agent of an agency or staff, or give one a new password; return the password."""
    password = secrets.token_urlsafe(12)
    user = User.objects.filter(username=username).first() or User(username=username)
    user.is_staff = user.is_superuser = username == STAFF
    user.set_password(password)
    user.save()
    if agency:
        Agent.objects.update_or_create(
            user=user, defaults={"is_manager": True}, create_defaults={"agency": agency, "is_manager": True}
        )
    return password


def ensure_role_users() -> dict[str, str]:
    """Make a user with each role, or give them a new password. They share one: to hash six would delay the start."""
    password = secrets.token_urlsafe(12)
    hashed = make_password(password)
    groups = {group.name: group for group in Group.objects.filter(name__in=ROLES)}
    for name, role in ROLE_USERS.items():
        user, _ = User.objects.update_or_create(username=name, defaults={"is_staff": True, "password": hashed})
        user.groups.add(groups[role])
    return dict.fromkeys(ROLE_USERS, password)


def traveller_token() -> str:
    """Return a fresh ID token of the demo traveller, or "" where tokens come from a real identity provider."""
    key = private_key_path(settings.HOME)
    if (settings.HOME / "jwks.json").as_uri() != settings.JWT_JWKS_URL or not key.exists():
        return ""
    now = int(time.time())
    claims = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE[0],
        "sub": TRAVELLER,
        "custom:id": TRAVELLER,
        "token_use": "id",
        "iat": now,
        "exp": now + TOKEN_LIFETIME_SECONDS,
    }
    return jwt.encode(claims, key.read_bytes(), algorithm="RS256", headers={"kid": KEY_ID})
