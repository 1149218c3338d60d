from skybridge.exceptions import DomainError, InvalidInput, NotFound


class BookingNotFound(NotFound):
    code = "booking_not_found"
    message = "Booking not found"


class NoSuchBooking(NotFound):
    """One answer to whoever shows a locator and a surname that do not fit, whatever it is that does not."""

    code = "no_such_booking"
    message = "There is no booking with this locator or ticket number and this surname."


class HoldExpired(DomainError):
    code = "hold_expired"
    message = "The hold has run out and its seats are free again; book anew."


class HoldAtLimit(DomainError):
    code = "hold_at_limit"
    message = "Seats are not held any longer than this without being paid."


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


class FlightElsewhere(CannotChange):
    code = "flight_elsewhere"
    message = "That flight does not go where the booked one goes."


class FlightOverlaps(CannotChange):
    code = "flight_overlaps"
    message = "That flight does not fit between the booking's other flights."


class NotChangeable(CannotChange):
    code = "not_changeable"
    message = "The fare does not allow changes; cancel it, or see its rules."


class NameChangeNotAllowed(CannotChange):
    code = "name_change_not_allowed"
    message = "The ticket is issued: a name may be completed, but only staff changes it."


class PassengerNotInBooking(DomainError):
    code = "passenger_not_in_booking"
    message = "All passengers of this booking have names, and none has this one."


class NotInBooking(DomainError):
    """A ticket or flight that is to be cancelled is not one of the booking, or not any more."""

    code = "not_in_booking"


class NotRectangular(DomainError):
    code = "not_rectangular"
    message = "Each remaining passenger stays on each remaining flight: cancel whole passengers, or whole flights."


class AdultMissing(DomainError):
    code = "adult_missing"
    message = "Children and infants cannot stay without an adult; cancel them too."


class InfantWithoutAdult(DomainError):
    code = "infant_without_adult"
    message = "Each lap infant that stays needs an adult of its own; cancel the infant too."


class NoAdult(InvalidInput):
    code = "no_adult"
    message = "A booking needs an adult (12 or over)."


class WrongAge(InvalidInput):
    code = "wrong_age"
    message = "The birth date does not fit the passenger type on the day of travel."


class QuoteNotFound(NotFound):
    code = "quote_not_found"
    message = "Quote not found"


class QuoteExpired(DomainError):
    code = "quote_expired"
    message = "The quote has expired; ask for a new one."


class QuoteSuperseded(DomainError):
    code = "quote_superseded"
    message = "A newer quote of this booking has taken its place."


class QuoteStale(DomainError):
    code = "quote_stale"
    message = "The booking or its price has changed since the quote; ask for a new one."


class QuoteUsed(DomainError):
    code = "quote_used"
    message = "Somebody else has confirmed this quote."
