"""What every provider of payments does, in its own words nowhere else than in its module.

A charge or refund is told with an idempotency key of ours: however often it is told, money moves once. A provider is
never called inside a transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

PROVIDERS = {
    "sandbox": "partners.payments.sandbox.SandboxProvider",
    "stripe": "partners.payments.stripe_provider.StripeProvider",
}


class Result(StrEnum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    PENDING = "pending"


@dataclass(frozen=True)
class Outcome:
    """What a provider says of a charge or refund. `code` and `message` tell why it was declined."""

    result: Result
    reference: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class ChargeRequest:
    key: UUID
    amount: Decimal
    currency: str
    token: str
    description: str = ""


@dataclass(frozen=True)
class RefundRequest:
    """Money to give back of the charge that was told with `charge_key`; `is_repeated`: it may have been told before."""

    key: UUID
    charge_key: UUID
    charge_reference: str
    amount: Decimal
    currency: str
    is_repeated: bool = False


class ProviderError(Exception):
    """The provider did not do what it should; nobody knows more."""


class ProviderUnavailable(ProviderError):
    """The provider could not be reached, or was busy: most likely nothing has happened."""


class ProviderTimeout(ProviderError):
    """The provider did not answer in time: it may have happened or not."""


class KeyMisused(Exception):
    """An idempotency key was told again with something else: a bug of ours."""


class Provider(Protocol):
    name: str

    def charge(self, request: ChargeRequest) -> Outcome:
        """Charge once per key. Raises ProviderError (tell it again), KeyMisused."""

    def refund(self, request: RefundRequest) -> Outcome:
        """Give money back once per key. Raises ProviderError (tell it again), KeyMisused."""

    def find(self, key: UUID) -> Outcome | None:
        """Return what came of a charge, None when it is not known. Raises ProviderError."""

    def late_answers(self) -> Iterable[tuple[UUID, Outcome]]:
        """Yield charges' keys with answers that came by themselves, late or twice; each is gone once it is taken."""


@cache
def provider_named(name: str) -> Provider:
    """Return a provider; its module is loaded when it is first used."""
    return import_string(PROVIDERS[name])()


def present_provider() -> Provider | None:
    """Return the provider of new payments, or None where payments by card are not set up."""
    return provider_named(settings.PAYMENT_PROVIDER) if settings.PAYMENT_PROVIDER else None
