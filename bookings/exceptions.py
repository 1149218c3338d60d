from skybridge.exceptions import DomainError, InvalidInput, NotFound


class BookingNotFound(NotFound):
    code = "booking_not_found"
    message = "Booking not found"


class HoldExpired(DomainError):
    code = "hold_expired"
    message = "The hold has run out and its seats are free again; book anew."


class ActionNotAllowed(DomainError):
    """The booking's status, or the state of its tickets, does not allow the action."""

    code = "action_not_allowed"


class TooManyInfants(InvalidInput):
    code = "too_many_infants"
    message = "Each lap infant needs an adult of its own."


class PartyTooLarge(InvalidInput):
    code = "party_too_large"
    message = "A booking has 1 to 9 seats."


class CannotChange(DomainError):
    code = "cannot_change"


class NoAdult(InvalidInput):
    code = "no_adult"
    message = "A booking needs an adult (12 or over)."


class WrongAge(InvalidInput):
    code = "wrong_age"
    message = "The birth date does not fit the passenger type on the day of travel."
