"""An identity provider with keys that rotate and a server that fails, an endpoint that says who calls, and a debtor."""

import json
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.urls import clear_url_caches
from django.utils import timezone

from partners import buckets, jwks, ledger, tokens
from partners.invariants import INVARIANTS
from partners.models import Agency, Plan
from skybridge.events import Actor
from skybridge.invariants import examine
from tests.conftest import AUDIENCE, ISSUER
from tests.partners.paying import ADA

ADMIN = Actor("staff", "1", "admin")


@pytest.fixture(autouse=True)
def _fresh_process(settings):
    """Let each test begin as a process that has seen nobody yet."""
    settings.ROOT_URLCONF = "tests.partners.urls"
    clear_url_caches()
    tokens.bindings.clear()
    tokens.verified_tokens.clear()
    buckets.local.kept.clear()
    buckets.remote.begin()
    jwks.key_set.cache_clear()


@pytest.fixture
def agency(fast_plan) -> Agency:
    return Agency.objects.create(name="Partner Co", plan=fast_plan)


@pytest.fixture
def slow_plan(db) -> Plan:
    return Plan.objects.create(name="default", rate=5, burst=10)


def check_books() -> None:
    """Assert that the invariants of money hold."""
    assert {invariant.name: examine(invariant).ids for invariant in INVARIANTS if examine(invariant).violations} == {}


@pytest.fixture
def _ada(db):
    """Ada owes 100 for her order."""
    ledger.open_account(None, "ada", "USD")
    ledger.post("sale", [(ADA, Decimal(100)), ("sales:USD", Decimal(-100))], currency="USD", at=timezone.now())


class Clock:
    """The time module, with hands that a test can move."""

    def __init__(self):
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + int(self.ahead * 1e9)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    hands = Clock()
    for module in ("partners.keys", "partners.jwks", "partners.tokens", "partners.buckets"):
        monkeypatch.setattr(f"{module}.time", hands)
    return hands


def jwk(private_key, kid: str, /, **members) -> dict:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key.public_key()))
    return public | {"kid": kid, "use": "sig", "alg": "RS256"} | members


@pytest.fixture(scope="session")
def key_pairs(signing_key):
    """The provider's present key, its next one, and another pool's."""
    make = rsa.generate_private_key
    return SimpleNamespace(one=signing_key, two=make(65537, 2048), foreign=make(65537, 2048), short=make(65537, 1024))


class Provider:
    """An identity provider: it signs tokens, and its key set is served over HTTP."""

    def __init__(self, pairs):
        self.pairs = pairs
        self.fetches = 0
        self.is_down = False
        self.publish(jwk(pairs.one, "one"))
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.fetches += 1
                self.send_response(500 if provider.is_down else 200)
                self.end_headers()
                self.wfile.write(provider.document)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def publish(self, *keys: dict) -> None:
        self.document = json.dumps({"keys": keys}).encode()

    def token(self, *, key=None, algorithm="RS256", headers=None, without=(), **claims) -> str:
        """Sign a good ID token of subject `ada`, changed as told."""
        now = int(time.time())
        payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "token_use": "id", "iat": now, "exp": now + 600}
        payload = {name: value for name, value in (payload | claims).items() if name not in without}
        return jwt.encode(
            payload,
            self.pairs.one if key is None else key,
            algorithm=algorithm,
            headers={"kid": "one"} | (headers or {}),
        )

    def access_token(self, **claims) -> str:
        return self.token(without=("aud",), **{"token_use": "access", "client_id": AUDIENCE} | claims)


@pytest.fixture
def provider(key_pairs, settings, db):
    running = Provider(key_pairs)
    settings.JWT_ISSUER, settings.JWT_AUDIENCE, settings.JWT_JWKS_URL = ISSUER, [AUDIENCE], running.url
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def whoami(nobody):
    """Ask the endpoint who we are, with these headers."""
    return lambda **headers: nobody.get("/whoami", **headers)


@pytest.fixture
def show(whoami):
    """Ask the endpoint who we are, with this token."""
    return lambda token: whoami(Authorization=f"Bearer {token}")
