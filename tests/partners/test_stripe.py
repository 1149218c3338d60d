"""The Stripe provider, against a small server that speaks Stripe's API."""

from decimal import Decimal

import pytest

from partners.payments import stripe_provider
from partners.payments.provider import (
    ChargeRequest,
    KeyMisused,
    Outcome,
    ProviderTimeout,
    ProviderUnavailable,
    RefundRequest,
    Result,
    present_provider,
    provider_named,
)
from partners.payments.stripe_provider import StripeProvider, units_of
from skybridge.identifiers import uuid7
from tests.partners.stripe_server import StripeServer


@pytest.fixture
def server():
    running = StripeServer()
    yield running
    running.stop()


@pytest.fixture
def stripe(server, settings, monkeypatch) -> StripeProvider:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_123", server.url
    settings.PAYMENT_PROVIDER = "stripe"
    monkeypatch.setattr(stripe_provider, "TIMEOUT_SECONDS", 0.3)
    provider_named.cache_clear()
    yield present_provider()
    provider_named.cache_clear()


def wish(token: str = "pm_card_visa", amount: str = "19.99", **more) -> ChargeRequest:
    return ChargeRequest(
        more.pop("key", None) or uuid7(), Decimal(amount), more.pop("currency", "USD"), token, "Order 1"
    )


def refund_of(charged: Outcome, key, amount: str, **more) -> RefundRequest:
    return RefundRequest(uuid7(), key, charged.reference, Decimal(amount), "USD", **more)


def test_a_charge_tells_the_key_twice(stripe, server):
    request = wish()
    assert stripe.charge(request) == Outcome(Result.SUCCEEDED, "pi_1")
    [(method, path, sent, key)] = server.calls
    assert (method, path, key) == ("POST", "/v1/payment_intents", str(request.key))
    assert sent["metadata[skybridge_key]"] == str(request.key)
    assert {name: sent[name] for name in ("amount", "currency", "payment_method", "confirm", "off_session")} == {
        "amount": "1999", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true", "off_session": "true",
    }  # fmt: skip


def test_the_same_key_charges_once(stripe, server):
    request = wish()
    assert stripe.charge(request) == stripe.charge(request)
    assert len(server.intents) == 1


def test_the_same_key_with_another_amount_is_an_error(stripe, server):
    request = wish()
    stripe.charge(request)
    with pytest.raises(KeyMisused):
        stripe.charge(wish(amount="20", key=request.key))
    assert len(server.intents) == 1


def test_a_declined_card(stripe, server):
    request = wish("pm_card_visa_chargeDeclined")
    refused = Outcome(Result.DECLINED, "pi_1", "generic_decline", "Your card was declined.")
    assert stripe.charge(request) == refused
    assert stripe.find(request.key) == Outcome(Result.DECLINED, "pi_1", "card_declined", "Your card was declined.")


def test_a_token_that_stripe_does_not_know_is_declined(stripe):
    outcome = stripe.charge(wish("pm_none"))
    assert (outcome.result, outcome.code) == (Result.DECLINED, "resource_missing")


def test_legacy_tokens_are_cards(stripe, server):
    assert stripe.charge(wish("tok_visa")).result == Result.SUCCEEDED
    assert server.calls[0][2]["payment_method_data[card][token]"] == "tok_visa"


def test_a_payment_that_takes_time_is_pending_until_it_is_found(stripe, server):
    request = wish("pm_slow")
    assert stripe.charge(request).result == Result.PENDING
    assert stripe.find(request.key).result == Result.PENDING
    server.intents["pi_1"]["status"] = "succeeded"
    assert stripe.find(request.key) == Outcome(Result.SUCCEEDED, "pi_1")


def test_an_answer_that_does_not_come_in_time(stripe, server):
    request = wish()
    server.failures = [("lost", 1)]
    with pytest.raises(ProviderTimeout):
        stripe.charge(request)
    assert stripe.find(request.key) == Outcome(Result.SUCCEEDED, "pi_1")
    assert stripe.charge(request) == Outcome(Result.SUCCEEDED, "pi_1")
    assert len(server.intents) == 1


@pytest.mark.parametrize("status", [500, 503, 429, 409, 401])
def test_what_leaves_the_outcome_open(stripe, server, status):
    server.failures = [status]
    with pytest.raises(ProviderTimeout):
        stripe.charge(wish())
    assert server.intents == {}


def test_nobody_listens(stripe, server):
    server.stop()
    with pytest.raises(ProviderUnavailable):
        stripe.charge(wish())
    with pytest.raises(ProviderUnavailable):
        stripe.find(uuid7())


def test_what_stripe_never_heard_of_is_not_found(stripe, server):
    stripe.charge(wish())
    assert stripe.find(uuid7()) is None
    assert [path for _, path, _, _ in server.calls[1:]] == ["/v1/payment_intents", "/v1/payment_intents/search"]


def test_the_search_may_be_behind(stripe, server):
    request = wish()
    stripe.charge(request)
    server.search_is_behind = True
    assert stripe.find(request.key).result == Result.SUCCEEDED


def test_refunds_up_to_the_charge(stripe, server):
    request = wish()
    charged = stripe.charge(request)
    assert stripe.refund(refund_of(charged, request.key, "5")).result == Result.SUCCEEDED
    refused = stripe.refund(refund_of(charged, request.key, "15"))
    assert (refused.result, refused.code) == (Result.DECLINED, "refused")
    assert [refund["amount"] for refund in server.refunds.values()] == [500]


def test_a_refund_is_made_once_even_after_its_idempotency_key_has_ended(stripe, server):
    request = wish()
    first = refund_of(stripe.charge(request), request.key, "5")
    outcome = stripe.refund(first)
    server.answers.clear()
    again = RefundRequest(first.key, first.charge_key, first.charge_reference, first.amount, "USD", is_repeated=True)
    assert stripe.refund(again) == outcome
    assert len(server.refunds) == 1


@pytest.mark.parametrize(
    ("amount", "currency", "units"), [("19.99", "USD", 1999), ("500", "JPY", 500), ("1.234", "KWD", 1234),
                                      ("7", "ISK", 700), ("7", "UGX", 700), ("7", "MGA", 7)]
)  # fmt: skip
def test_units(amount, currency, units):
    assert units_of(Decimal(amount), currency) == units
