"""The shared cast: agency Acme, rival Zenith, a traveller, an agent of Acme and a member of staff, and a flight.

Only the clock is ever faked; PostgreSQL and Valkey are real (`make test` starts its own).
"""

import gc
import json
import os
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client, TransactionTestCase
from django.test.client import ClientHandler
from django.utils import timezone

from flights import places
from partners import keys
from partners.models import Agency, Agent, ApiKey, Plan
from skybridge import urls  # noqa: F401  with the back office's lists, which some tests are multiplied by
from skybridge.valkey import valkey
from tests import factories
from tests.emptying import empty_the_database

if worker := re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", "")):
    # Tests that run beside each other have a database of Valkey each, as they have one of PostgreSQL.
    own = re.sub(r"/\d*$", "", project.REDIS_URL) + f"/{int(worker[1]) + 1}"
    project.REDIS_URL = project.CELERY_BROKER_URL = os.environ["REDIS_URL"] = own

TransactionTestCase._fixture_teardown = empty_the_database
ALONE = ("tests/concurrency/", "tests/embedded/")
ISSUER = "https://issuer.test/pool"
AUDIENCE = "skybridge-tests"


def pytest_collection_modifyitems(items):
    """Mark the tests that race or start engines: they have the machine to themselves."""
    for item in items:
        if any(place in item.path.as_posix() for place in ALONE):
            item.add_marker(pytest.mark.alone)


def pytest_collection_finish():
    """Keep the garbage collector from what is loaded: looking through it again and again takes one part in thirty."""
    gc.freeze()


# One for all clients: loading the middleware means listing every static file.
HANDLER = ClientHandler(enforce_csrf_checks=False)


def new_client() -> Client:
    client = Client(raise_request_exception=False)
    client.handler = HANDLER
    return client


@dataclass
class Api:
    """A client that speaks JSON with one caller's credentials."""

    headers: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=new_client)
    id: str = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str):
        raw = "" if body is None else body if isinstance(body, str | bytes) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method, path, raw, content_type="application/json", headers={**self.headers, **named}
        )

    def get(self, path: str, **headers: str):
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str):
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str):
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str):
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str):
        return self.call("DELETE", path, **headers)


@pytest.fixture(autouse=True)
def _fresh_valkey_and_caches():
    valkey().flushdb()
    for cache in (keys.good_keys, keys.bad_keys, places.kept):
        cache.clear()


@pytest.fixture
def fast_plan(db) -> Plan:
    return Plan.objects.get_or_create(name="fast", defaults={"rate": 100_000, "burst": 100_000})[0]


def agency_api(name: str, plan: Plan, **fields) -> Api:
    agency = Agency.objects.create(name=name, plan=plan, **fields)
    key = keys.new_key("test")
    ApiKey.objects.create(agency=agency, prefix=key[:12], digest=keys.digest_of(key))
    return Api({"x-api-key": key}, id=str(agency.pk))


@pytest.fixture
def acme(fast_plan) -> Api:
    return agency_api("Acme Travel", fast_plan)


@pytest.fixture
def zenith(fast_plan) -> Api:
    return agency_api("Zenith Tours", fast_plan)


@pytest.fixture
def handler(fast_plan) -> Api:
    """The ground handler at our gates."""
    return agency_api("Gate Handling", fast_plan, is_ground_handler=True)


@pytest.fixture
def staff(db) -> Api:
    user = User.objects.create_user("demo-staff", is_staff=True, is_superuser=True)
    return session_api(user)


@pytest.fixture
def agent(acme) -> Api:
    """An agent of Acme."""
    user = User.objects.create_user("demo-agent")
    Agent.objects.create(user=user, agency_id=acme.id)
    return session_api(user)


def session_api(user: User) -> Api:
    api = Api(id=str(user.pk))
    api.client.force_login(user)
    return api


@pytest.fixture
def nobody(db) -> Api:
    return Api()


@pytest.fixture(scope="session")
def signing_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def token_for(signing_key, settings, tmp_path):
    """Return a maker of ID tokens; claims can be overridden."""
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(signing_key.public_key()))
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [jwk | {"kid": "one", "use": "sig", "alg": "RS256"}]}))
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = ISSUER, [AUDIENCE]
    settings.JWT_JWKS_URL = jwks.as_uri()

    def make(user_id: str, **claims: Any) -> str:
        now = int(time.time())
        standard = {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "token_use": "id", "iat": now, "exp": now + 600}
        return jwt.encode(standard | claims, signing_key, algorithm="RS256", headers={"kid": "one"})

    return make


@pytest.fixture
def traveller(db, token_for, settings) -> Api:
    settings.TRAVELLER_PLAN = {"name": "traveller", "rate": 100_000, "burst": 100_000}
    user_id = str(uuid.uuid4())
    return Api({"Authorization": f"Bearer {token_for(user_id)}"}, id=user_id)


@pytest.fixture
def flight(db):
    """A flight from New York to Los Angeles in five days, with 100 economy seats."""
    return factories.flight("JFK", "LAX", carrier="FL", number=123)


@pytest.fixture
def pass_time(monkeypatch):
    """Return a function that moves the application's clock on, such as `pass_time(minutes=20)`."""

    def pass_time(**by: float) -> None:
        now, ahead = timezone.now, timedelta(**by)
        monkeypatch.setattr(timezone, "now", lambda: now() + ahead)

    return pass_time
