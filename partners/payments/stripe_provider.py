"""Stripe: charges are PaymentIntents, confirmed at once and without the customer; each carries our key as metadata.

A decline, and whatever Stripe says is wrong with the request, is final; anything else is told again with the same
idempotency key. Stripe keeps keys for a day or more, and the metadata answers after that.
Source: docs.stripe.com/api (payment_intents, refunds, idempotent_requests, errors), docs.stripe.com/currencies.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import stripe
from django.conf import settings

from partners.payments.provider import (
    ChargeRequest,
    KeyMisused,
    Outcome,
    ProviderTimeout,
    ProviderUnavailable,
    RefundRequest,
    Result,
)
from skybridge.money import minor_unit

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 8.0  # less than PAYMENT_ANSWER_WITHIN
OUR_KEY = "skybridge_key"
# Where Stripe's units are not those of ISO 4217.
UNITS = {"ISK": Decimal("0.01"), "UGX": Decimal("0.01"), "MGA": Decimal(1)}
CHARGED = {"succeeded": Result.SUCCEEDED, "canceled": Result.DECLINED, "requires_payment_method": Result.DECLINED}
REFUNDED = {"succeeded": Result.SUCCEEDED, "failed": Result.DECLINED, "canceled": Result.DECLINED}


def units_of(amount: Decimal, currency: str) -> int:
    """Return an amount in the units in which Stripe counts its currency."""
    return int(amount / UNITS.get(currency, minor_unit(currency)))


class StripeProvider:
    name = "stripe"

    def __init__(self) -> None:
        self.client = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            max_network_retries=0,  # whoever calls tries again
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        ).v1

    def charge(self, request: ChargeRequest) -> Outcome:
        try:
            with errors_translated():
                return charge_outcome(self.client.payment_intents.create(charge_params(request), once(request.key)))
        except stripe.StripeError as exc:
            return declined(exc)

    def refund(self, request: RefundRequest) -> Outcome:
        try:
            with errors_translated():
                present = self.refund_made(request) if request.is_repeated else None
                return refund_outcome(present or self.client.refunds.create(refund_params(request), once(request.key)))
        except stripe.StripeError as exc:
            return declined(exc)

    def find(self, key: UUID) -> Outcome | None:
        """Look among the newest since the key was made, which is exact, then in the search, which is a minute late."""
        made_at = (key.int >> 80) // 1000  # version 7
        with errors_translated():
            newest = self.client.payment_intents.list({"created": {"gte": made_at - 60}, "limit": 100})
            found = next((intent for intent in newest.data if has_key(intent, key)), None)
            if found is None:
                found = next(
                    iter(self.client.payment_intents.search({"query": f"metadata['{OUR_KEY}']:'{key}'"}).data), None
                )
        return None if found is None else charge_outcome(found)

    def late_answers(self) -> tuple[()]:
        """Return nothing: `reconcile` asks Stripe about what is pending."""
        return ()

    def refund_made(self, request: RefundRequest) -> Any | None:
        made = self.client.refunds.list({"payment_intent": request.charge_reference, "limit": 100})
        return next((refund for refund in made.data if has_key(refund, request.key)), None)


def once(key: UUID) -> Any:
    return {"idempotency_key": str(key)}


def charge_params(request: ChargeRequest) -> Any:
    token = request.token
    legacy = {"payment_method_data": {"type": "card", "card": {"token": token}}}
    return {
        "amount": units_of(request.amount, request.currency),
        "currency": request.currency.lower(),
        "payment_method_types": ["card"],
        "confirm": True,
        "off_session": True,
        "error_on_requires_action": True,
        "description": request.description,
        "metadata": {OUR_KEY: str(request.key)},
        **(legacy if token.startswith("tok_") else {"payment_method": token}),
    }


def refund_params(request: RefundRequest) -> Any:
    return {
        "payment_intent": request.charge_reference,
        "amount": units_of(request.amount, request.currency),
        "metadata": {OUR_KEY: str(request.key)},
    }


def has_key(thing: Any, key: UUID) -> bool:
    return getattr(thing.metadata, OUR_KEY, None) == str(key)


def charge_outcome(intent: Any) -> Outcome:
    result = CHARGED.get(intent.status, Result.PENDING)
    error = getattr(intent, "last_payment_error", None) if result == Result.DECLINED else None
    return Outcome(result, intent.id, text_of(error, "code"), text_of(error, "message"))


def refund_outcome(refund: Any) -> Outcome:
    result = REFUNDED.get(refund.status, Result.PENDING)
    failure = (text_of(refund, "failure_reason") or refund.status) if result == Result.DECLINED else ""
    return Outcome(result, refund.id, failure, failure)


def declined(exc: stripe.StripeError) -> Outcome:
    """Return the outcome that a final refusal stands for."""
    logger.info("stripe refuses: %s", exc)
    code = text_of(exc.error, "decline_code") or exc.code or "refused"
    intent = getattr(exc.error, "payment_intent", None)
    return Outcome(Result.DECLINED, text_of(intent, "id"), code, exc.user_message or "")


def text_of(thing: Any, name: str) -> str:
    """Return a text that a part of Stripe's answer may have."""
    return getattr(thing, name, None) or ""


@contextmanager
def errors_translated() -> Iterator[None]:
    """Raise what leaves the outcome open as a ProviderError; a refusal stays a CardError or InvalidRequestError."""
    try:
        yield
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.IdempotencyError as exc:
        raise KeyMisused(str(exc)) from exc
    except stripe.APIConnectionError as exc:
        error = ProviderTimeout if "timed out" in str(exc.__cause__ or exc).lower() else ProviderUnavailable
        raise error(str(exc)) from exc
    except stripe.StripeError as exc:  # busy, broken, the first call still running, or our secret key is wrong
        logger.error("stripe: %s", exc)
        raise ProviderTimeout(str(exc)) from exc
