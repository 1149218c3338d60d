"""Why a seat, a check-in or a bag is refused. What a gate refuses a boarding pass for is in `ticketing/gate.py`."""

from collections.abc import Iterable
from uuid import UUID

from skybridge.exceptions import DomainError, InvalidInput, NotFound


class TicketNotFound(NotFound):
    code = "ticket_not_found"
    message = "Ticket not found"


# --- Seats ---


class SeatRefused(DomainError):
    """The base of all refusals of a seat; `seat` names it. Holds that have run out may be worth releasing."""

    code = "seat_refused"

    def __init__(self, message: str = "", *, overdue_bookings: Iterable[UUID] = (), **details):
        super().__init__(message, **details)
        self.overdue_bookings = list(overdue_bookings)


class UnknownSeat(SeatRefused):
    code = "unknown_seat"
    message = "This aircraft has no such seat; see the flight's seat map."


class OtherCabin(SeatRefused):
    code = "other_cabin"
    message = "This seat is in another cabin than the ticket."


class SeatBlocked(SeatRefused):
    code = "seat_blocked"
    message = "This seat is not for passengers."


class SeatNotBlocked(SeatRefused):
    code = "seat_not_blocked"
    message = "This seat is not blocked."


class SeatTaken(SeatRefused):
    code = "seat_taken"
    message = "Somebody else has this seat; see the flight's seat map for free ones."


class ExitRow(SeatRefused):
    code = "exit_row"
    message = "Children cannot sit in an exit row, nor can adults of a booking with a lap infant."


class InfantRow(SeatRefused):
    code = "infant_row"
    message = "There is one oxygen mask too few for another infant in this row's block."


class SeatNotPaid(SeatRefused):
    code = "seat_not_paid"
    message = "This seat costs extra; order its product for this ticket and flight first."


class NoSeatLeft(SeatRefused):
    code = "no_seat_left"
    message = "No seat is left in this cabin that the passenger may have."


class NoSeatNeeded(SeatRefused):
    code = "no_seat_needed"
    message = "An infant on a lap has no seat of its own."


class SeatNeeded(SeatRefused):
    code = "seat_needed"
    message = "A checked-in passenger keeps a seat; choose another one instead."


class SeveralFlights(InvalidInput):
    code = "several_flights"
    message = "Say with event_id on which flight; the ticket has several."


class NoSeatYet(SeatRefused):
    code = "no_seat_yet"
    message = "Only passengers who both have a seat can swap."


# --- Check-in ---


class CheckInRefused(DomainError):
    """The base of all refusals of a check-in; `ticket_id` names the passenger where there is one."""

    code = "check_in_refused"


class CheckInNotOpen(CheckInRefused):
    code = "check_in_not_open"
    message = "Check-in is not open yet."


class CheckInClosed(CheckInRefused):
    code = "check_in_closed"
    message = "Check-in is closed."


class FlightCancelled(CheckInRefused):
    code = "flight_cancelled"
    message = "This flight is cancelled; rebook or refund it."


class FlightDeparted(CheckInRefused):
    code = "flight_departed"
    message = "This flight has left."


class FlightClosed(CheckInRefused):
    code = "flight_closed_out"
    message = "This flight has been closed out."


class NotPaid(CheckInRefused):
    code = "not_paid"
    message = "The booking is not confirmed and paid yet."


class NotTicketed(CheckInRefused):
    code = "not_ticketed"
    message = "The ticket is not issued yet; try again in a moment."


class TicketNotValid(CheckInRefused):
    code = "ticket_not_valid"
    message = "This ticket is void, refunded or exchanged."


class CouponUsed(CheckInRefused):
    code = "coupon_used"
    message = "This flight's coupon is used already."


class AlreadyBoarded(CheckInRefused):
    code = "already_boarded"
    message = "The passenger has boarded."


class NotCheckedIn(CheckInRefused):
    code = "not_checked_in"
    message = "The passenger is not checked in."


class NameNeeded(CheckInRefused):
    code = "name_needed"
    message = "Each passenger needs a surname at least; name them with PATCH /api/v1/bookings/{id} first."


class DocumentNeeded(CheckInRefused):
    code = "document_needed"
    message = "An international flight needs a travel document of each passenger."


class DocumentExpired(CheckInRefused):
    code = "document_expired"
    message = "The travel document expires before the passenger arrives."


class OutOfSequence(CheckInRefused):
    code = "out_of_sequence"
    message = "Coupons are used in order; an earlier flight of this ticket comes first."


class AdultNotCheckedIn(CheckInRefused):
    code = "adult_not_checked_in"
    message = "An infant or child is checked in together with an adult of its booking, or after it."


class BagNotPaid(CheckInRefused):
    code = "bag_not_paid"
    message = "More bags than the ticket includes; order a bag for this ticket and flight first."


class BagTooHeavy(CheckInRefused):
    code = "bag_too_heavy"
    message = "The bag is heavier than one person may lift."


class NameNotLatin(CheckInRefused):
    code = "name_not_latin"
    message = "A boarding pass shows Latin letters only; name the passenger as the passport's lines for machines do."


class NotOnFlight(CheckInRefused):
    code = "not_on_flight"
    message = "The ticket is not for this flight; leave event_id out for its next one."


class FlightNeeded(CheckInRefused):
    code = "flight_needed"
    message = "This ticket has no flight yet; seats and bags come with one."


class ChildrenCheckedIn(CheckInRefused):
    code = "children_checked_in"
    message = "An infant or child would stay checked in without an adult; undo its check-in first."


class BagNotFound(NotFound):
    code = "bag_not_found"
    message = "The ticket has no checked bag with this tag."


class NoTravelDocument(NotFound):
    code = "no_travel_document"
    message = "The ticket has no travel document."


class NothingToCheckIn(CheckInRefused):
    code = "nothing_to_check_in"
    message = "This order has sold no flights."


class TicketNeeded(InvalidInput):
    code = "ticket_needed"
    message = "Say with ticket_id whose seat this is; the order has several passengers."


# --- Boarding passes ---


class NoBoardingPass(NotFound):
    code = "no_boarding_pass"
    message = "There is no boarding pass; the passenger is not checked in on this flight."


class BoardingPassEnded(DomainError):
    code = "boarding_pass_ended"
    status_code = 410
    message = "This boarding pass is not valid any more."


# --- Gate ---


class BoardingNotOpen(CheckInRefused):
    code = "boarding_not_open"
    message = "Boarding is not open yet; a flight is closed out after it."
