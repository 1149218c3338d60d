"""Travellers' tokens: what is let in, everything that is not, and whose user id it is."""

import base64
import hashlib
import hmac
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.db import connections

from partners import tokens
from partners.exceptions import UserIdTaken
from partners.models import Traveller
from tests.conftest import AUDIENCE, ISSUER


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(token: str, **header) -> str:
    """Return the token with another header and its old signature."""
    _, payload, signature = token.split(".")
    return f"{b64(json.dumps(header).encode())}.{payload}.{signature}"


def signed_with_public_key(provider) -> str:
    """Forge a token: HS256 with the provider's public key as the secret."""
    secret = provider.pairs.one.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = with_header(provider.token(), alg="HS256", typ="JWT", kid="one").rpartition(".")[0]
    return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def assert_refused(answer, code="invalid_token"):
    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not Traveller.objects.exists()


def test_an_id_token_opens_the_door(provider, show):
    assert show(provider.token()).json() == {"kind": "traveller", "id": "ada", "agency": ""}


def test_an_access_token_opens_the_door(provider, show):
    assert show(provider.access_token()).json()["id"] == "ada"


def test_the_user_id_is_the_custom_one_if_there_is_one(provider, show):
    assert show(provider.token(**{"custom:id": "traveller-7"})).json()["id"] == "traveller-7"


def test_an_audience_may_be_one_of_a_list(provider, show):
    assert show(provider.token(aud=["other", AUDIENCE])).status_code == 200


def test_the_scheme_may_be_written_in_any_case(provider, whoami):
    assert whoami(Authorization=f"bearer {provider.token()}").status_code == 200


def test_another_scheme_is_no_credential(provider, whoami):
    assert whoami(Authorization="Basic YWRhOmFkYQ==").status_code == 403


BAD_CLAIMS = {
    "wrong issuer": {"iss": "https://issuer.test/other-pool"},
    "issuer with a slash": {"iss": ISSUER + "/"},
    "wrong audience": {"aud": "someone-else"},
    "no audience in the list": {"aud": ["x", "y"]},
    "audience is an object": {"aud": {AUDIENCE: 1}},
    "client id in an ID token": {"aud": "x", "client_id": AUDIENCE},
    "unknown token use": {"token_use": "refresh"},
    "token use is a list": {"token_use": ["id"]},
    "not yet valid": {"nbf": int(time.time()) + 3600},
    "issued in the future": {"iat": int(time.time()) + 3600},
    "expiry is no number": {"exp": "tomorrow"},
    "expiry is endless": {"exp": float("inf")},
    "expiry is not a number": {"exp": float("nan")},
    "expiry is an object": {"exp": {}},
    "user id is empty": {"custom:id": ""},
    "user id is null": {"custom:id": None},
    "user id is a number": {"custom:id": 7},
    "user id has a NUL": {"custom:id": "ada\0"},
    "user id has a line break": {"custom:id": "ada\n"},
    "user id is blank": {"custom:id": "   "},
    "user id is a lone surrogate": {"custom:id": "\ud800"},
    "user id is too long": {"custom:id": "x" * 256},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_a_token_with_bad_claims_is_refused(provider, show, claims):
    assert_refused(show(provider.token(**claims)))


@pytest.mark.parametrize("name", ["exp", "iss", "sub", "aud", "token_use"])
def test_a_token_without_a_needed_claim_is_refused(provider, show, name):
    assert_refused(show(provider.token(without=(name,))))


@pytest.mark.parametrize("sub", [7, "", None, "a\0"])
def test_a_token_with_a_bad_subject_is_refused(provider, show, sub):
    assert_refused(show(provider.token(sub=sub, **{"custom:id": "ada"})))


def test_an_access_token_of_another_client_is_refused(provider, show):
    assert_refused(show(provider.access_token(client_id="someone-else")))
    assert_refused(show(provider.access_token(client_id="someone-else", aud=AUDIENCE)))


def test_an_expired_token_is_refused(provider, show):
    assert_refused(show(provider.token(exp=int(time.time()) - 1)), "token_expired")


def test_a_remembered_token_is_refused_once_it_expires(provider, show, clock):
    token = provider.token(exp=int(time.time()) + 30)
    assert show(token).status_code == 200
    clock.ahead = 31
    assert show(token).status_code == 401


FORGERIES = {
    "alg none": lambda p: with_header(p.token(), alg="none", kid="one").rpartition(".")[0] + ".",
    "alg none, signature kept": lambda p: with_header(p.token(), alg="none", kid="one"),
    "alg None": lambda p: with_header(p.token(), alg="None", kid="one").rpartition(".")[0] + ".",
    "HS256 with the public key": signed_with_public_key,
    "RS512": lambda p: p.token(algorithm="RS512"),
    "PS256": lambda p: p.token(algorithm="PS256"),
    "another pool's key": lambda p: p.token(key=p.pairs.foreign),
    "another pool's key id": lambda p: p.token(key=p.pairs.foreign, headers={"kid": "foreign"}),
    "key in the header": lambda p: p.token(key=p.pairs.foreign, headers={"jwk": {"kty": "RSA", "n": "AQ", "e": "AQ"}}),
    "critical extension": lambda p: p.token(headers={"crit": ["exp"]}),
    "key id is a list": lambda p: with_header(p.token(), alg="RS256", kid=["one"]),
    "no key id": lambda p: with_header(p.token(), alg="RS256"),
    "payload changed": lambda p: p.token().replace(".", f".{b64(b' ')}", 1),
    "signature cut": lambda p: p.token()[:-4],
    "signature missing": lambda p: p.token().rpartition(".")[0] + ".",
    "empty": lambda p: "",
    "garbage": lambda p: "garbage",
    "dots": lambda p: "..",
    "four parts": lambda p: p.token() + ".x",
    "bad base64": lambda p: "%%%.%%%.%%%",
    "header is a list": lambda p: b64(b"[]") + "." + b64(b"{}") + "." + b64(b"x"),
    "deep header": lambda p: b64(b"[" * 5000) + "." + b64(b"{}") + ".x",
    "huge": lambda p: p.token(padding="x" * 9000),
    "accents": lambda p: "\u00e9.\u00e9.\u00e9",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_is_refused(provider, show, forge):
    assert_refused(show(forge(provider)))


def test_a_payload_a_thousand_levels_deep_is_refused(provider, show):
    signer = jwt.PyJWS()
    payload = b"[" * 3000 + b"]" * 3000
    assert_refused(show(signer.encode(payload, provider.pairs.one, "RS256", {"kid": "one"})))


@pytest.mark.parametrize("name", ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL"])
def test_without_its_setting_every_token_is_refused(provider, show, settings, name):
    token = provider.token()
    setattr(settings, name, type(getattr(settings, name))())
    assert_refused(show(token))


def test_the_token_is_not_in_the_log(provider, show, caplog):
    token = provider.token(iss="https://elsewhere.test")
    with caplog.at_level("DEBUG"):
        show(token)
    assert "token refused: InvalidIssuerError" in caplog.text
    assert token not in caplog.text


def test_a_warm_token_costs_no_query(provider, show, django_assert_max_num_queries, django_assert_num_queries):
    token = provider.token()
    with django_assert_max_num_queries(3):
        show(token)
    with django_assert_num_queries(0):
        show(token)
    with django_assert_num_queries(0):
        show(provider.token(jti="another token of the same traveller"))


def test_a_user_id_is_bound_to_its_first_subject(provider, show):
    assert show(provider.token(sub="ada", **{"custom:id": "7"})).status_code == 200
    assert list(Traveller.objects.values_list("user_id", "subject").order_by("user_id")) == [
        ("7", "ada"),
        ("ada", "ada"),
    ]
    thief = show(provider.token(sub="mallory", **{"custom:id": "7"}))
    assert (thief.status_code, thief.json()["code"]) == (401, "user_id_taken")
    assert Traveller.objects.get(pk="7").subject == "ada"


def test_a_user_id_is_not_taken_over_in_another_process(provider, show):
    show(provider.token(sub="ada", **{"custom:id": "7"}))
    tokens.bindings.clear()
    assert show(provider.token(sub="mallory", **{"custom:id": "7"})).status_code == 401


def test_a_user_id_is_not_taken_over_by_another_issuer(provider, show, settings):
    show(provider.token(**{"custom:id": "7"}))
    settings.JWT_ISSUER = "https://issuer.test/new-pool"
    answer = show(provider.token(iss=settings.JWT_ISSUER, **{"custom:id": "7"}))
    assert answer.json()["code"] == "user_id_taken"


def test_anothers_subject_cannot_be_claimed_as_custom_id(provider, show):
    """Also not that of somebody who goes by a custom id so far."""
    show(provider.token(sub="ada", **{"custom:id": "7"}))
    assert show(provider.token(sub="mallory", **{"custom:id": "ada"})).json()["code"] == "user_id_taken"
    assert show(provider.access_token(sub="ada")).json()["id"] == "ada"


def test_a_squatted_subject_gives_nobody_anothers_place(provider, show):
    """Who claims a subject before its owner has called keeps an empty place; the owner is refused, not let into it."""
    assert show(provider.token(sub="mallory", **{"custom:id": "ada"})).status_code == 200
    assert show(provider.token(sub="ada")).json()["code"] == "user_id_taken"
    assert show(provider.token(sub="ada", **{"custom:id": "7"})).status_code == 200


def race_to_bind(bind) -> list[str]:
    """Let eight subjects show one user id at the same moment; return those who were let in."""
    start, winners = threading.Barrier(8), []

    def run(subject: str):
        start.wait()
        try:
            bind("7", ISSUER, subject)
            winners.append(subject)
        except UserIdTaken:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(f"subject-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return winners


@pytest.mark.django_db(transaction=True)
def test_a_race_for_a_user_id_has_one_winner():
    winners = race_to_bind(tokens.bind)
    assert [Traveller.objects.get(pk="7").subject] == winners


@pytest.mark.django_db(transaction=True)
def test_looking_before_binding_lets_the_race_have_more_winners():
    looked = threading.Barrier(8)

    def look_then_bind(user_id, issuer, subject):
        owner = tokens.owner_of(user_id)
        looked.wait(timeout=10)
        if owner is not None:
            raise UserIdTaken
        Traveller.objects.bulk_create(
            [Traveller(user_id=user_id, issuer=issuer, subject=subject)], ignore_conflicts=True
        )

    assert len(race_to_bind(look_then_bind)) == 8
