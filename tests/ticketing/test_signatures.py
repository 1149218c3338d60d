"""Signed passes: what verifies, what does not and why, keys that change, and the public keys' document."""

import base64
import re
import time

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from skybridge.embedded.keys import boarding_pass_pem, private_pem
from tests.ticketing.bcbp_vectors import TEXTS
from ticketing import bcbp, signatures
from ticketing.apps import boarding_pass_keys
from ticketing.bcbp.layout import HEAD, LEG, REPEATED, UNIQUE
from ticketing.signatures import Outcome, sign, verify

URL = "/.well-known/boarding-pass-keys.json"
ADA = bcbp.BoardingPass(
    passenger_name="LOVELACE/ADA MS",
    version="8",
    passenger_description="2",
    check_in_source="W",
    issuance_source="W",
    issue_day="6225",
    document_type="B",
    issuer="SB",
    bag_tag="0999123456001",
    second_bag_tag="0999123458001",
    third_bag_tag="0999123460001",
    legs=(
        bcbp.Leg(
            "ABC123", "JFK", "LHR", "SB", "0117", "226", "Y", "012C", "0042", "1",
            "999", "0000000017", "0", "1", "SB", "SB", "123456789", "N", "2PC", "Y", "GROUP 2",
        ),
        bcbp.Leg("ABC123", "LHR", "ZRH", "SB", "0119", "227", "Y", "014C", "0007", "1", "999", "0000000017"),
    ),
)  # fmt: skip


def new_pem(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> str:
    return private_pem(ec.generate_private_key(curve()))


def public_pem(private: str) -> str:
    key = serialization.load_pem_private_key(private.encode(), password=None).public_key()
    kind, shape = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(kind, shape).decode()


@pytest.fixture
def pem(settings):
    settings.BOARDING_PASS_KEYS = new_pem()
    return settings.BOARDING_PASS_KEYS


@pytest.fixture
def signed(pem):
    return sign(ADA)


def outcome(text: str) -> str:
    return verify(text).outcome


# --- Good ---


def test_a_signed_pass_is_good(pem):
    text = sign(ADA)
    key_id = signatures.current_keys().signing_id
    assert verify(text) == (Outcome.GOOD, key_id)
    assert re.search(rf"GROUP 2#{key_id}.*\^1(60|5C|58)MEQ?[A-Za-z0-9+/]+=*$", text)


def test_signing_changes_only_the_airlines_text_and_the_security_data(pem):
    read = bcbp.decode(sign(ADA))
    first = read.legs[0]
    assert re.fullmatch(r"GROUP 2#[A-Z2-7]{8}", first.airline_text)
    unsigned = read._replace(security=None, legs=(first._replace(airline_text="GROUP 2"), *read.legs[1:]))
    assert bcbp.encode(unsigned) == bcbp.encode(ADA)


def test_a_pass_with_mandatory_fields_only_can_be_signed(pem):
    text = sign(bcbp.BoardingPass("LOVELACE/ADA", (bcbp.Leg(flight_number="0117"),)))
    assert outcome(text) == Outcome.GOOD
    assert bcbp.decode(text).version == "8"


@pytest.mark.parametrize("text", TEXTS)
def test_any_real_pass_can_be_signed_again(pem, text):
    signed = sign(bcbp.decode(text))
    assert outcome(signed) == Outcome.GOOD
    again = sign(bcbp.decode(signed))
    assert (outcome(again), again.count("#") - signed.count("#")) == (Outcome.GOOD, 0)


def test_a_scanners_prefix_and_line_end_do_not_matter(pem):
    assert outcome(f"]z0{sign(ADA)}\r\n") == Outcome.GOOD


def test_a_pass_without_room_for_the_key_is_refused(pem):
    first = ADA.legs[0]._replace(airline_text="x" * 149)
    with pytest.raises(bcbp.Unencodable, match="variable_size"):
        sign(ADA._replace(legs=(first,)))
    with pytest.raises(bcbp.Unencodable, match="number_of_legs"):
        sign(ADA._replace(legs=()))


# --- Not good ---


def test_an_unsigned_pass(pem):
    assert verify(bcbp.encode(ADA)) == (Outcome.UNSIGNED, "")
    assert outcome("") == outcome("not a pass") == Outcome.UNSIGNED


@pytest.mark.parametrize("text", [text for text in TEXTS if "^" in text])
def test_another_airlines_signature_has_no_key_of_ours(pem, text):
    assert outcome(text) == Outcome.UNKNOWN_KEY


def test_a_signature_of_a_key_that_we_never_had(pem, settings):
    text = sign(ADA)
    settings.BOARDING_PASS_KEYS = new_pem()
    assert verify(text) == (Outcome.UNKNOWN_KEY, signatures.key_ring(pem).signing_id)


def test_a_signature_that_claims_another_of_our_keys(settings):
    first, second = new_pem(), new_pem()
    settings.BOARDING_PASS_KEYS = second
    text = sign(ADA)
    settings.BOARDING_PASS_KEYS = first + second
    own, other = signatures.key_ring(second).signing_id, signatures.key_ring(first).signing_id
    assert outcome(text) == Outcome.GOOD
    assert verify(text.replace(own, other)) == (Outcome.BAD_SIGNATURE, other)


FIELDS = [(None, field.name) for field in (*HEAD, *UNIQUE)] + [
    (leg, field.name) for leg in (0, 1) for field in (*LEG, *REPEATED)
]
OTHER_VALUES = {
    "passenger_name": "LOVELACE/BYRON MS", "electronic_ticket": "", "issue_day": "6224", "origin": "BOS",
    "destination": "CDG", "day_of_year": "228", "fast_track": "N", "baggage_allowance": "3PC", "seat": "001A",
    "compartment": "F", "document_type": "I", "check_in_source": "M", "issuance_source": "M", "staff_travel_type": "Z",
    "issuer": "XX", "operating_carrier": "XX", "marketing_carrier": "XX", "frequent_flyer_carrier": "XX",
    "accounting_code": "777",
}  # fmt: skip


@pytest.mark.parametrize(("leg", "name"), FIELDS)
def test_a_pass_with_any_field_changed_is_bad(signed, leg, name):
    read, change = bcbp.decode(signed), {name: OTHER_VALUES.get(name, "7")}
    if leg is None:
        changed = read._replace(**change)
    else:
        legs = [*read.legs[:leg], read.legs[leg]._replace(**change), *read.legs[leg + 1 :]]
        changed = read._replace(legs=tuple(legs))
    assert changed != read
    assert outcome(bcbp.encode(changed)) == Outcome.BAD_SIGNATURE


def test_no_changed_character_stays_good(signed):
    assert outcome(signed) == Outcome.GOOD
    for place, character in enumerate(signed):
        other = "1" if character != "1" else "2"
        assert outcome(signed[:place] + other + signed[place + 1 :]) != Outcome.GOOD, place


def test_no_beginning_of_a_signed_pass_is_good(signed):
    assert Outcome.GOOD not in {outcome(signed[:length]) for length in range(len(signed))}


def test_a_truncated_signature_is_bad_with_a_fitting_size_too(signed):
    read = bcbp.decode(signed)
    for length in range(1, len(read.security.data)):
        shorter = read._replace(security=bcbp.Security("1", read.security.data[:length]))
        assert outcome(bcbp.encode(shorter)) == Outcome.BAD_SIGNATURE


@pytest.mark.parametrize("spelled", ["{} ", " {}", "{}=", "{}A", "{}!", "{0}{0}"])
def test_a_signature_has_one_spelling(signed, spelled):
    read = bcbp.decode(signed)
    other = read._replace(security=bcbp.Security("1", spelled.format(read.security.data)))
    assert outcome(bcbp.encode(other)) == Outcome.BAD_SIGNATURE


def test_a_signature_of_another_type_is_bad(signed):
    assert outcome(signed.replace("^1", "^4")) == Outcome.BAD_SIGNATURE


@effort(deadline=None)
@given(st.text() | st.sampled_from(TEXTS).flatmap(lambda text: st.text(max_size=9).map(text.__add__)))
def test_no_text_makes_verifying_fail(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "current_keys", lambda: signatures.key_ring(PEM))
        assert outcome(text) != Outcome.GOOD


PEM = new_pem()


# --- Keys ---


def test_rotation(settings):
    old, new = new_pem(), new_pem()
    settings.BOARDING_PASS_KEYS = old
    before = sign(ADA)
    settings.BOARDING_PASS_KEYS = f"{new}\n{old}"
    after = sign(ADA)
    assert (outcome(before), outcome(after)) == (Outcome.GOOD, Outcome.GOOD)
    assert verify(after).key_id == signatures.key_ring(new).signing_id
    settings.BOARDING_PASS_KEYS = new + public_pem(old)
    assert outcome(before) == Outcome.GOOD
    settings.BOARDING_PASS_KEYS = new
    assert (outcome(before), outcome(after)) == (Outcome.UNKNOWN_KEY, Outcome.GOOD)


@pytest.mark.parametrize("curve", [ec.SECP384R1, ec.SECP521R1, ec.SECP256K1])
@pytest.mark.parametrize("place", [0, 1])
def test_a_key_of_another_curve_is_refused(settings, curve, place):
    pems = [new_pem()]
    pems.insert(place, new_pem(curve))
    settings.BOARDING_PASS_KEYS = "".join(pems)
    with pytest.raises(ImproperlyConfigured, match="P-256"):
        sign(ADA)


def test_a_key_of_another_kind_is_refused(settings):
    settings.BOARDING_PASS_KEYS = private_pem(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(ImproperlyConfigured, match="P-256"):
        verify(TEXTS[7])


@pytest.mark.parametrize("spoilt", ["nothing", "BEGIN", public_pem(PEM), PEM.replace("M", "!")])
def test_keys_that_cannot_sign_are_refused_without_being_shown(settings, spoilt):
    settings.BOARDING_PASS_KEYS = spoilt
    with pytest.raises(ImproperlyConfigured, match="BOARDING_PASS_KEYS") as refusal:
        sign(ADA)
    assert PEM.splitlines()[1] not in str(refusal.value)


def test_a_key_as_openssl_writes_it_is_read(settings):
    key = serialization.load_pem_private_key(PEM.encode(), password=None)
    kind, shape = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(kind, shape, serialization.NoEncryption()).decode()
    assert "EC PRIVATE" in pem
    settings.BOARDING_PASS_KEYS = f"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{pem}"
    assert signatures.current_keys().signing_id == signatures.key_ring(PEM).signing_id


def test_development_makes_one_key_and_keeps_it(settings, tmp_path):
    settings.BOARDING_PASS_KEYS, settings.HOME = "", tmp_path / "state"
    assert outcome(sign(ADA)) == Outcome.GOOD
    path = settings.HOME / "boarding_pass_key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path] == list(settings.HOME.iterdir())
    assert boarding_pass_pem(settings.HOME) == path.read_text()
    assert signatures.current_keys().signing_id == signatures.key_ring(path.read_text()).signing_id


def test_production_never_makes_a_key(settings, tmp_path, nobody):
    settings.BOARDING_PASS_KEYS, settings.HOME, settings.IN_PRODUCTION = "", tmp_path, True
    with pytest.raises(ImproperlyConfigured, match="BOARDING_PASS_KEYS"):
        sign(ADA)
    assert (outcome(TEXTS[7]), nobody.get(URL).json()) == (Outcome.UNKNOWN_KEY, {"keys": []})
    assert not list(tmp_path.iterdir())


def test_keys_that_cannot_sign_are_told_at_the_start(settings):
    settings.BOARDING_PASS_KEYS = public_pem(PEM)
    assert [(error.id, "private key" in error.msg) for error in boarding_pass_keys()] == [("ticketing.E001", True)]
    settings.BOARDING_PASS_KEYS = new_pem()
    assert boarding_pass_keys() == []


# --- The public keys ---


def test_a_stranger_verifies_a_pass_with_the_public_keys(pem, nobody):
    """Docs say how: nothing of ours is used here but the document and the text."""
    text = sign(ADA)
    whole, _, block = text.rpartition("^")
    data = base64.b64decode(block[3:])
    key_id = re.search("#([A-Z2-7]{8})", whole)[1]
    keys = {key["kid"]: key for key in nobody.get(URL).json()["keys"]}
    public = jwt.PyJWK(keys[key_id]).key
    public.verify(data, whole.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(data, whole.replace("ADA", "BYR").encode(), ec.ECDSA(hashes.SHA256()))


def test_the_public_keys_are_all_that_verify_and_nothing_private(settings, nobody, django_assert_num_queries):
    settings.BOARDING_PASS_KEYS = new_pem() + new_pem() + public_pem(PEM)
    with django_assert_num_queries(0):
        answer = nobody.get(URL)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/jwk-set+json"
    document = answer.json()
    assert [key["kid"] for key in document["keys"]] == list(signatures.current_keys().public)
    assert {tuple(sorted(key)) for key in document["keys"]} == {("alg", "crv", "kid", "kty", "use", "x", "y")}
    assert {len(base64.urlsafe_b64decode(key[half] + "=")) for key in document["keys"] for half in "xy"} == {32}


def test_the_public_keys_may_be_kept_for_an_hour(pem, nobody):
    answer = nobody.get(URL)
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert nobody.get(URL, if_none_match=answer["ETag"]).status_code == 304
    assert nobody.post(URL).status_code == 405


def test_verifying_takes_microseconds(signed):
    verify(signed)
    started = time.perf_counter()
    for _ in range(200):
        verify(signed)
    assert (time.perf_counter() - started) / 200 < 0.005  # about 0.0001 on an idle core
