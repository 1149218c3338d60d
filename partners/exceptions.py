"""Refusals about keys and tokens, and about money."""

from skybridge.exceptions import Busy, DomainError, NotFound, Unauthorized


class TokenExpired(Unauthorized):
    code = "token_expired"
    message = "The token has expired."


class UserIdTaken(Unauthorized):
    code = "user_id_taken"
    message = "The token's user id belongs to another subject."


class TooManyKeys(DomainError):
    code = "too_many_api_keys"
    message = "An agency has at most two live keys; revoke one first, or replace one and let it end at once."


class KeyNotLive(DomainError):
    code = "api_key_not_live"
    message = "The key is revoked or has expired."


class CreditLimitExceeded(DomainError):
    code = "credit_limit_exceeded"
    message = "The account's credit limit does not allow this; settle the account, or pay by card."


class PaymentDeclined(DomainError):
    """The provider has refused for good; another card may do."""

    code = "payment_declined"
    message = "The card was declined; pay with another one."


class PaymentCanceled(DomainError):
    code = "payment_canceled"
    message = "The payment was given up before it was carried out."


class PaymentUncertain(Busy):
    """The provider has not answered, or not yet: whether money moved is not known. Asking again never charges twice."""

    code = "payment_uncertain"
    message = "The payment provider has not answered yet; the payment is looked up again."
    is_temporary = True


class CardPaymentsOff(DomainError):
    code = "card_payments_off"
    message = "Payments by card are not set up here; order on account."


class AgencyNotFound(NotFound):
    code = "agency_not_found"
    message = "Agency not found"
