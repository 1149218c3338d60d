"""The sandbox provider: each token does what docs/payments.md says, and a key never charges twice."""

from decimal import Decimal

import pytest

from partners.models import SandboxCharge
from partners.payments.provider import (
    ChargeRequest,
    KeyMisused,
    ProviderTimeout,
    ProviderUnavailable,
    RefundRequest,
    Result,
)
from partners.payments.sandbox import SandboxProvider
from skybridge.identifiers import uuid7

pytestmark = pytest.mark.django_db
SANDBOX = SandboxProvider()


def wish(token: str, amount="10", key=None) -> ChargeRequest:
    return ChargeRequest(key or uuid7(), Decimal(amount), "USD", token)


def refund_of(charged: ChargeRequest, amount, key=None) -> RefundRequest:
    return RefundRequest(key or uuid7(), charged.key, "", Decimal(amount), "USD")


@pytest.mark.parametrize(
    ("token", "result", "code"),
    [
        ("tok_success", Result.SUCCEEDED, ""),
        ("tok_visa", Result.SUCCEEDED, ""),
        ("tok_decline", Result.DECLINED, "card_declined"),
        ("tok_insufficient_funds", Result.DECLINED, "insufficient_funds"),
        ("tok_refund_fails", Result.SUCCEEDED, ""),
        ("pm_card_visa", Result.DECLINED, "invalid_token"),
    ],
)
def test_tokens_that_answer_at_once(token, result, code):
    request = wish(token)
    outcome = SANDBOX.charge(request)
    assert (outcome.result, outcome.code) == (result, code)
    assert SANDBOX.charge(request) == SANDBOX.find(request.key) == outcome
    assert SandboxCharge.objects.count() == 1
    assert list(SANDBOX.late_answers()) == []


def test_tok_timeout_charges_and_does_not_say_so_at_first():
    request = wish("tok_timeout")
    with pytest.raises(ProviderTimeout):
        SANDBOX.charge(request)
    assert SANDBOX.find(request.key).result == Result.SUCCEEDED
    assert SANDBOX.charge(request).result == Result.SUCCEEDED


def test_tok_unreachable_charges_at_the_second_call():
    request = wish("tok_unreachable")
    with pytest.raises(ProviderUnavailable):
        SANDBOX.charge(request)
    assert SANDBOX.find(request.key) is None
    assert SANDBOX.charge(request).result == Result.SUCCEEDED
    assert SANDBOX.find(request.key).result == Result.SUCCEEDED


@pytest.mark.parametrize(("token", "result"), [("tok_late", Result.SUCCEEDED), ("tok_late_decline", Result.DECLINED)])
def test_late_tokens_answer_by_themselves_once(token, result, pass_time):
    request = wish(token)
    assert SANDBOX.charge(request).result == SANDBOX.find(request.key).result == Result.PENDING
    assert list(SANDBOX.late_answers()) == []
    pass_time(seconds=4)
    assert SANDBOX.find(request.key).result == result
    assert [(key, outcome.result) for key, outcome in SANDBOX.late_answers()] == [(request.key, result)]
    assert list(SANDBOX.late_answers()) == []


def test_tok_twice_answers_now_and_once_more():
    request = wish("tok_twice")
    assert SANDBOX.charge(request).result == Result.SUCCEEDED
    assert [key for key, _ in SANDBOX.late_answers()] == [request.key]
    assert list(SANDBOX.late_answers()) == []


def test_an_answer_that_nobody_took_comes_again():
    SANDBOX.charge(wish("tok_twice"))
    next(iter(SANDBOX.late_answers()))  # whoever took it died before it was recorded
    assert len(list(SANDBOX.late_answers())) == 1


def test_the_same_key_with_another_amount_is_an_error():
    request = wish("tok_success")
    SANDBOX.charge(request)
    with pytest.raises(KeyMisused):
        SANDBOX.charge(wish("tok_success", "11", key=request.key))
    assert SandboxCharge.objects.get().amount == 10


def test_refunds_up_to_the_charge_and_once_per_key():
    charged = wish("tok_success")
    SANDBOX.charge(charged)
    part = refund_of(charged, 6)
    assert SANDBOX.refund(part) == SANDBOX.refund(part)
    assert SANDBOX.refund(refund_of(charged, 5)).code == "amount_too_large"
    with pytest.raises(KeyMisused):
        SANDBOX.refund(refund_of(charged, 4, key=part.key))
    assert SANDBOX.refund(refund_of(charged, 4)).result == Result.SUCCEEDED
    assert sum(map(Decimal, SandboxCharge.objects.get().refunds.values())) == 10


def test_tok_refund_fails():
    charged = wish("tok_refund_fails")
    SANDBOX.charge(charged)
    assert SANDBOX.refund(refund_of(charged, 6)).result == Result.DECLINED


def test_what_was_declined_is_not_refunded():
    charged = wish("tok_decline")
    SANDBOX.charge(charged)
    assert SANDBOX.refund(refund_of(charged, 6)).result == Result.DECLINED
