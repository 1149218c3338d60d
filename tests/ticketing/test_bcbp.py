"""The text of boarding passes: public parsers' messages both ways, what is refused and where, and any text at all."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ticketing.bcbp_vectors import TEXTS, VECTORS, expected_pass, mandatory_value
from ticketing import bcbp
from ticketing.bcbp.layout import HEAD, LEG, REPEATED, UNIQUE, Field

PLAIN = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100"
SIGNED = f"{PLAIN}^108ABCDEFGH"
# A pass with two legs, every conditional field, airline text and security data.
FULL = next(vector["string"] for vector in VECTORS["strict"] if vector["id"] == "S69")
LEG_OF_ADA = bcbp.Leg("ABC123", "JFK", "LHR", "SB", "0117", "226", "Y", "012C", "0042", "1")
ADA = bcbp.BoardingPass("LOVELACE/ADA MS", (LEG_OF_ADA,))


def by_id(kind: str):
    return pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["id"]) for vector in VECTORS[kind]])


def test_all_messages_are_there():
    assert {kind: len(VECTORS[kind]) for kind in ("strict", "lenient", "invalid", "encode_only", "dates")} == {
        "strict": 72,
        "lenient": 11,
        "invalid": 21,
        "encode_only": 1,
        "dates": 10,
    }


@by_id("strict")
def test_a_message_decodes_to_its_fields(vector):
    assert bcbp.decode(vector["string"]) == expected_pass(vector["expected"])
    assert vector["expected"]["number_of_legs"] == len(vector["expected"]["legs"])


@by_id("strict")
def test_fields_encode_to_their_message(vector):
    assert bcbp.encode(expected_pass(vector["expected"])) == vector["string"]
    assert bcbp.encode(bcbp.decode(vector["string"])) == vector["string"]


@by_id("strict")
def test_a_well_formed_message_reads_the_same_leniently(vector):
    reading = bcbp.decode_leniently(vector["string"])
    assert reading.faults == ()
    assert len(reading.boarding_pass.legs) == vector["expected"]["number_of_legs"]
    assert reading.boarding_pass.legs[0].flight_number == vector["expected"]["legs"][0]["flight_number"]


WHERE = {
    "X01": (62, "security_size"),
    "X02": (0, "format_code"),
    "X03": (14, "passenger_name"),
    "X04": (60, "start_of_security"),
    "X05": (60, "start_of_version"),
    "X06": (1, "number_of_legs"),
    "X07": (62, "security_size"),
    "X08": (58, "variable_size"),
    "X09": (222, "security_size"),
    "X10": (60, "start_of_security"),
    "X11": (58, "variable_size"),
    "X12": (60, "record_locator"),
    "X13": (22, "electronic_ticket"),
    "X14": (0, "format_code"),
    "X15": (22, "electronic_ticket"),
    "X16": (2, "passenger_name"),
    "X17": (44, "day_of_year"),
    "X18": (0, "format_code"),
    "X19": (0, "format_code"),
    "X20": (30, "origin"),
    "X21": (22, "electronic_ticket"),
}


@by_id("invalid")
def test_an_invalid_message_is_refused_at_its_place(vector):
    with pytest.raises(bcbp.Malformed) as refusal:
        bcbp.decode(vector["string"])
    assert (refusal.value.offset, refusal.value.field) == WHERE[vector["id"]]
    assert f"{refusal.value.field} at offset {refusal.value.offset}: " in str(refusal.value)


@by_id("lenient")
def test_a_malformed_real_pass_gives_its_mandatory_fields(vector):
    with pytest.raises(bcbp.Malformed):
        bcbp.decode(vector["string"])
    boarding_pass, faults = bcbp.decode_leniently(vector["string"])
    expected = {
        path: value
        for path, value in vector["expected_mandatory"].items()
        if path not in ("format_code", "number_of_legs")
    }
    assert {path: mandatory_value(boarding_pass, path) for path in expected} == expected
    assert faults


def test_lenient_reading_tells_every_fault_in_order():
    text = PLAIN.replace("EABC123", "XABC123").replace("YUL", "yul") + "?"
    boarding_pass, faults = bcbp.decode_leniently(text)
    assert [(fault.offset, fault.field) for fault in faults] == [
        (22, "electronic_ticket"),
        (30, "origin"),
        (60, "start_of_security"),
    ]
    assert boarding_pass.legs[0].origin == "yul"


def test_lenient_reading_keeps_all_before_a_fault():
    boarding_pass, faults = bcbp.decode_leniently(FULL[:-1])
    assert boarding_pass == bcbp.decode(FULL)._replace(security=None)
    assert [fault.field for fault in faults] == ["security_size"]


@pytest.mark.parametrize("length", range(47))
def test_lenient_reading_needs_the_first_flight_and_its_date(length):
    with pytest.raises(bcbp.Malformed):
        bcbp.decode_leniently(PLAIN[:length])
    assert bcbp.decode_leniently(PLAIN[:47]).boarding_pass.legs[0].day_of_year == "326"


@pytest.mark.parametrize("length", [length for length in range(len(FULL)) if length != FULL.index("^")])
def test_no_beginning_of_a_pass_is_one(length):
    with pytest.raises(bcbp.Malformed):
        bcbp.decode(FULL[:length])


@pytest.mark.parametrize(
    ("size", "problem"),
    [("-1", "hexadecimal"), ("+1", "hexadecimal"), (" 1", "hexadecimal"), ("0x", "hexadecimal"), ("0a", "hexadecimal"),
     ("00", "no security data"), ("07", "end at offset 71"), ("09", "9 characters are announced, 8 are left")],
)  # fmt: skip
def test_sizes_are_two_digits_that_fit(size, problem):
    with pytest.raises(bcbp.Malformed, match=problem):
        bcbp.decode(f"{PLAIN}^1{size}ABCDEFGH")


@pytest.mark.parametrize(("size", "offset", "field"), [(4, 67, "issue_day"), (51, 114, "third_bag_tag")])
def test_a_part_ends_between_fields(size, offset, field):
    with pytest.raises(bcbp.Malformed) as refusal:
        bcbp.decode(f"{PLAIN[:-2]}{size + 6:02X}>8{size:02X}{' ' * size}00")
    assert (refusal.value.offset, refusal.value.field) == (offset, field)


@pytest.mark.parametrize("prefix", ["]L2", "]z0", "]Q1", "]d1"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_what_a_scanner_adds_is_dropped(prefix, ending):
    assert bcbp.decode(f"{prefix}{SIGNED}{ending}") == bcbp.decode(SIGNED)
    assert bcbp.signed_part(f"{prefix}{SIGNED}{ending}", bcbp.Security("1", "ABCDEFGH")) == PLAIN


def test_blanks_at_the_end_are_part_of_the_pass():
    text = f"{PLAIN[:-2]}09>80000   "
    assert bcbp.decode(text).legs[0].airline_text == "   "
    with pytest.raises(bcbp.Malformed):
        bcbp.decode(text.rstrip())


def test_a_mandatory_pass_has_sixty_characters():
    assert bcbp.encode(ADA) == "M1LOVELACE/ADA MS     EABC123 JFKLHRSB 0117 226Y012C0042 100"


def test_an_encoder_fills_the_gap_before_a_field():
    text = VECTORS["encode_only"][0]["string"]
    assert bcbp.encode(bcbp.BoardingPass("", (bcbp.Leg(fast_track="N"),), version="6")) == text
    assert bcbp.encode(bcbp.decode(text)) == text


def test_a_field_left_out_is_not_a_blank_one():
    without = bcbp.encode(ADA._replace(version="8", issuer=None, document_type="B"))
    blank = bcbp.encode(ADA._replace(version="8", issuer="", document_type="B"))
    assert (without[58:], blank[58:]) == ("0E>808       B00", "11>80B       B   00")
    assert (bcbp.decode(without).issuer, bcbp.decode(blank).issuer) == (None, "")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"passenger_name": "LOVELACE/AUGUSTA ADA X"}, "passenger_name"),
        ({"passenger_name": "LOVELACE/ÁDA"}, "passenger_name"),
        ({"passenger_name": "LOVELACE\nADA"}, "passenger_name"),
        ({"electronic_ticket": "X"}, "electronic_ticket"),
        ({"version": "9"}, "version"),
        ({"version": ""}, "version"),
        ({"issuer": "SB"}, "version"),
        ({"version": "8", "issue_day": "6367"}, "issue_day"),
        ({"version": "8", "bag_tag": "B123"}, "bag_tag"),
        ({"legs": ()}, "number_of_legs"),
        ({"legs": (LEG_OF_ADA,) * 5}, "number_of_legs"),
        ({"security": bcbp.Security("1", "")}, "security_data"),
        ({"security": bcbp.Security("1", "x" * 256)}, "security_data"),
        ({"security": bcbp.Security("10", "x")}, "security_type"),
    ],
)
def test_an_encoder_refuses_what_a_pass_cannot_hold(change, field):
    with pytest.raises(bcbp.Unencodable) as refusal:
        bcbp.encode(ADA._replace(**change))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"origin": "JF"}, "origin"),
        ({"flight_number": "117B2"}, "flight_number"),
        ({"day_of_year": "367"}, "day_of_year"),
        ({"seat": "1234A"}, "seat"),
        ({"baggage_allowance": "20X"}, "baggage_allowance"),
        ({"airline_text": "ü"}, "airline_text"),
        ({"airline_text": "x" * 250}, "variable_size"),
    ],
)
def test_an_encoder_refuses_what_a_leg_cannot_hold(change, field):
    with pytest.raises(bcbp.Unencodable) as refusal:
        bcbp.encode(ADA._replace(version="8", legs=(LEG_OF_ADA._replace(**change),)))
    assert refusal.value.field == field


# --- Any pass and any text ---

# Drawing a whole pass takes a while on a busy machine.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def values_of(field: Field) -> st.SearchStrategy[str]:
    """Draw what a field holds when it has been read: no blanks at its end."""
    allowed = st.from_regex(field.pattern, fullmatch=True).map(lambda value: value[: field.size].rstrip(" "))
    return st.just("") | allowed.filter(field.accepts)


def fields_of(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({field.name: values_of(field) for field in fields})


@st.composite
def parts(draw, fields: tuple[Field, ...]):
    return draw(fields_of(fields[: draw(st.integers(0, len(fields)))]))


printable = st.text(string.printable[:95], max_size=80)
variable_parts = st.tuples(parts(REPEATED), printable).map(lambda both: {**both[0], "airline_text": both[1]})
securities = st.builds(bcbp.Security, st.sampled_from("14"), st.text(string.printable[:95], min_size=1, max_size=255))


@st.composite
def passes(draw):
    """Draw passes in the form in which they are read."""
    version = draw(st.none() | st.sampled_from("12345678"))
    first = draw(variable_parts) if version else {}
    later = draw(st.lists(variable_parts | st.just({}), max_size=3))
    legs = tuple(bcbp.Leg(**draw(fields_of(LEG)), **variable_part) for variable_part in [first, *later])
    unique = draw(parts(UNIQUE)) if version else {}
    security = draw(st.none() | securities)
    return bcbp.BoardingPass(legs=legs, version=version, security=security, **draw(fields_of(HEAD)), **unique)


@patient
@given(passes())
def test_any_pass_survives_its_text(boarding_pass):
    text = bcbp.encode(boarding_pass)
    assert bcbp.decode(text) == boarding_pass
    assert bcbp.decode_leniently(text).faults == ()


def changed(text: str, place: int, cut: int, put: str) -> str:
    return text[: place % (len(text) + 1)] + put + text[place % (len(text) + 1) + cut :]


nearly_passes = st.builds(
    changed, st.sampled_from(TEXTS), st.integers(0, 400), st.integers(0, 3), st.text(max_size=3) | printable
)
starts_like_a_pass = st.builds(
    str.__add__, st.sampled_from(["M1", "M2", "M4", PLAIN[:-2], f"{PLAIN[:-2]}20>"]), printable
)


@patient
@given(st.text() | printable | nearly_passes | starts_like_a_pass)
def test_any_text_is_a_pass_or_malformed(text):
    try:
        boarding_pass = bcbp.decode(text)
    except bcbp.Malformed:
        return
    assert bcbp.encode(boarding_pass) == bcbp.decoding.message(text)


@patient
@given(st.text() | nearly_passes | starts_like_a_pass)
def test_lenient_reading_of_any_text_refuses_or_gives_a_flight(text):
    try:
        boarding_pass, faults = bcbp.decode_leniently(text)
    except bcbp.Malformed:
        return
    assert 1 <= len(boarding_pass.legs) <= 4
    offsets = [fault.offset for fault in faults]
    assert offsets == sorted(offsets)


texts = st.text(max_size=25) | printable
legs_of_texts = st.lists(st.builds(bcbp.Leg, texts, seat=texts, airline_text=st.none() | texts), max_size=5).map(tuple)


@patient
@given(st.builds(bcbp.BoardingPass, texts, legs_of_texts, texts, st.none() | texts, texts))
def test_any_pass_is_encoded_or_refused(boarding_pass):
    try:
        text = bcbp.encode(boarding_pass)
    except bcbp.Unencodable:
        return
    assert bcbp.encode(bcbp.decode(text)) == text
