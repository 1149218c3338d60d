"""Refusals about keys, tokens and the people behind them."""

from skybridge.exceptions import DomainError, Unauthorized


class TokenExpired(Unauthorized):
    code = "token_expired"
    message = "The token has expired."


class UserIdTaken(Unauthorized):
    code = "user_id_taken"
    message = "The token's user id belongs to another subject."


class TooManyKeys(DomainError):
    code = "too_many_api_keys"
    message = "An agency has at most two live keys; revoke one first."


class KeyNotLive(DomainError):
    code = "api_key_not_live"
    message = "The key is revoked or has expired."
