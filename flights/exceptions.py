from collections.abc import Iterable

from skybridge.exceptions import DomainError, InvalidInput, NotFound


class FlightNotFound(NotFound):
    code = "flight_not_found"
    message = "Flight not found"


class AmbiguousFlight(DomainError):
    """One number leaves several airports on that day; `flights` lists them."""

    code = "ambiguous_flight"
    message = "This number leaves several airports on that date; say which with origin."


class SoldOut(DomainError):
    """Too few free seats; on the cabins named, holds that have run out are worth releasing."""

    code = "not_enough_seats"
    message = "Not enough seats available"

    def __init__(self, cabin_ids: Iterable[int]):
        super().__init__()
        self.cabin_ids = list(cabin_ids)


class FlightClosed(DomainError):
    code = "flight_closed"
    message = "This flight is not open for sale: it is cancelled, closed, or about to depart."


class InvalidDesignator(InvalidInput):
    code = "invalid_flight_id"
    message = "flightId is a carrier and a number, such as UA1161."


class DuplicateFlight(InvalidInput):
    code = "duplicate_flight"
    message = "A booking takes each flight once."


class UploadGone(DomainError):
    code = "upload_gone"
    message = "The uploaded file is not here any more; choose it again."


class UploadTooLarge(DomainError):
    code = "upload_too_large"
    status_code = 413
    message = "The file is too large to be uploaded; use the command import_schedule."


class UnreadableSchedule(DomainError):
    code = "unreadable_schedule"
    status_code = 400
