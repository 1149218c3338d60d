from skybridge.exceptions import DomainError, InvalidInput, NotFound


class OrderNotFound(NotFound):
    code = "order_not_found"
    message = "Order not found"


class ExecutionNotFound(NotFound):
    code = "execution_not_found"
    message = "Execution not found"


class ProductNotFound(InvalidInput):
    """An order names a product that is not sold."""

    code = "product_not_found"


class OutOfStock(DomainError):
    """Too little stock of a product; the order took nothing."""

    code = "out_of_stock"


class BookingNotForSale(DomainError):
    """A booking that is not pending, has run out, or is on an order already."""

    code = "booking_not_for_sale"


class NotForPassengers(InvalidInput):
    """The product is sold without a passenger only: no document is issued for it."""

    code = "product_not_for_passengers"


class EventNeeded(InvalidInput):
    code = "event_id_needed"
    message = "This ticket has several flights; say with event_id which one the product is for."


class TicketNotForOrder(DomainError):
    code = "ticket_not_for_order"
    message = "A product is for a passenger of a confirmed booking, or of one that the same order sells."


class CurrencyMismatch(InvalidInput):
    code = "currency_mismatch"
    message = "All items of an order are sold in one currency."


class OrderActionNotAllowed(DomainError):
    """The order's status does not allow the action; `available_actions` lists what it allows."""

    code = "action_not_allowed"


class OrderInProgress(DomainError):
    """The booking belongs to an order that is being processed or stands still; act on the order."""

    code = "order_in_progress"
    message = "This booking is on an order that is not complete yet; act on its order."


class NotRedrivable(DomainError):
    code = "not_redrivable"
    message = "Only an execution that FAILED or TIMED_OUT can be redriven, until its order is cancelled."


class NotRunning(DomainError):
    code = "not_running"
    message = "This execution has ended; nothing is left to stop."


class OrderQuoteNotFound(NotFound):
    code = "quote_not_found"
    message = "Quote not found"


class QuoteNeeded(DomainError):
    code = "quote_needed"
    message = "This change costs money that a card must pay: ask for a quote and confirm it."


# --- Disruption ---


class NothingToChange(DomainError):
    code = "nothing_to_change"
    message = "The flight is like that already."


class FlightExists(DomainError):
    code = "flight_exists"
    message = "There is a flight of this number on that date already."


class DisruptionNotFound(NotFound):
    code = "disruption_not_found"
    message = "Disruption not found"


class ChoiceNotAllowed(DomainError):
    """The disruption leaves no such choice, or not any more; `choices` lists what it leaves."""

    code = "choice_not_allowed"


class OtherRoute(DomainError):
    code = "other_route"
    message = "That flight does not go where the disrupted one was to go, in the same cabin, in time."


class UnknownCabin(InvalidInput):
    code = "unknown_cabin"
    message = "The flight sells no such cabin; see its cabins."


# --- The pages ---


class AskAgency(DomainError):
    """A traveller wants to change what an agency has sold."""

    code = "ask_agency"
    status_code = 403
    message = "This booking was made by a travel agency; ask the agency to change it."


class OwnerPays(DomainError):
    """A traveller who has only shown a booking wants a change that its owner would have to pay."""

    code = "owner_pays"
    status_code = 403
    message = "This change costs more, and who booked pays. Ask us to make it."


class PayFirst(DomainError):
    code = "pay_first"
    status_code = 403
    message = "Pay for the booking; it is confirmed then."


class NothingToMail(DomainError):
    code = "nothing_to_mail"
    message = "A booking without flights has no itinerary."
