"""Refusals in the words of the pages: what has happened and what to do next, by code, in the visitor's language.

A code that is not here is shown in the service's own English words.
"""

from django.utils.translation import gettext_lazy as _

from skybridge.exceptions import DomainError

TEXTS = {
    "not_found": _("This page, or what it was about, does not exist, or it is not yours to see."),
    "forbidden": _("You may not do this."),
    "method_not_allowed": _("This address cannot be opened in this way."),
    "internal_error": _("Something went wrong on our side. Nothing has been changed."),
    "busy": _("The system is busy at the moment. Nothing has been changed."),
    "too_many_requests": _("That was too often in a short time."),
    "concurrent_change": _("Somebody else has changed this at the same moment."),
    "stale_version": _("This has changed since you opened the page."),
    # Signing in.
    "wrong_code": _("This code does not fit, or has been used. Wait for the next one and try again."),
    "secret_unreadable": _(
        "Your app's secret cannot be read any more. Use a backup code, or ask an administrator to take it away."
    ),
    # Seats and check-in.
    "ticket_not_for_order": _("This booking is not complete yet, so nothing can be added to it."),
    "too_many_api_keys": _("An agency has at most two live keys."),
    "api_key_not_live": _("This key is revoked or has ended already."),
    "no_such_booking": _("No booking fits what you have typed."),
    "unknown_seat": _("This aircraft has no such seat."),
    "other_cabin": _("This seat is in another cabin than the ticket."),
    "seat_blocked": _("This seat is not for passengers on this flight."),
    "seat_taken": _("Somebody else has this seat now."),
    "exit_row": _("Nobody under 15 may sit in an exit row, and nobody of a booking with an infant on a lap."),
    "infant_row": _("There is one oxygen mask too few for another infant in this part of the row."),
    "seat_not_paid": _("This seat costs extra and is not paid yet."),
    "no_seat_left": _("No seat is left in this cabin that the passenger may have."),
    "no_seat_needed": _("An infant on a lap has no seat of its own."),
    "seat_needed": _("Who is checked in keeps a seat."),
    "no_seat_yet": _("Only passengers who both have a seat can swap."),
    "check_in_not_open": _("Check-in for this flight is not open yet."),
    "check_in_closed": _("Check-in for this flight is closed."),
    "flight_cancelled": _("This flight is cancelled."),
    "flight_departed": _("This flight has left."),
    "flight_closed_out": _("This flight is closed: nobody is checked in or seated any more."),
    "not_paid": _("This booking is not confirmed and paid yet."),
    "not_ticketed": _("The ticket is not issued yet."),
    "ticket_not_valid": _("This ticket is void, refunded or exchanged."),
    "coupon_used": _("This flight has been flown already."),
    "already_boarded": _("The passenger is on board."),
    "not_checked_in": _("The passenger is not checked in."),
    "name_needed": _("A passenger of this booking has no name yet."),
    "name_not_latin": _("A boarding pass shows Latin letters only."),
    "document_needed": _("This flight crosses a border: each passenger needs a travel document."),
    "document_expired": _("The travel document ends before the day of arrival."),
    "out_of_sequence": _("An earlier flight of this ticket has not been used."),
    "adult_not_checked_in": _(
        "Children and infants are checked in together with an adult of the booking, or after one."
    ),
    "children_checked_in": _("A child would stay checked in without an adult."),
    "bag_not_paid": _(
        "These are more bags than the ticket includes. Included, with what was bought: %(bags_allowed)d."
    ),
    "bag_too_heavy": _("A bag is heavier than one person may lift."),
    "hold_expired": _("The time to pay has run out, and the seats are free again."),
    # The airport.
    "boarding_not_open": _("Boarding is not open yet: a flight is closed after it has begun."),
    "no_boarding_pass": _("There is no such boarding pass."),
    "nonce_reused": _("This form has boarded somebody else already."),
    "not_on_flight": _("The ticket is not for this flight."),
    # Serving.
    "booking_not_found": _("There is no such booking, or it is not yours to see."),
    "ticket_not_found": _("There is no such ticket, or it is not yours to see."),
    "flight_not_found": _("There is no such flight."),
    "ask_agency": _("This booking was made by a travel agency. Ask the agency to change it."),
    "owner_pays": _("This change costs more, and who booked pays. Ask us to make it."),
    "pay_first": _("Pay for the booking; it is confirmed then."),
    "quote_not_found": _("This quote does not exist."),
    "quote_expired": _("This quote has run out. Nothing has been changed. Ask for a new one."),
    "quote_superseded": _("A newer quote has taken the place of this one. Nothing has been changed."),
    "quote_stale": _("The booking or its price has changed since this quote. Nothing has been changed."),
    "quote_used": _("Somebody else has confirmed this quote already."),
    "not_rectangular": _(
        "Each passenger who stays must stay on each flight that stays: choose whole passengers, or whole flights."
    ),
    "adult_missing": _("Children and infants cannot stay without an adult. Choose them, too."),
    "infant_without_adult": _("Each infant on a lap needs an adult who stays. Choose the infant, too."),
    "not_changeable": _("The fare does not allow changes. You can cancel instead."),
    "name_change_not_allowed": _("The ticket is issued: a missing name can be given, only the airline changes one."),
    "wrong_age": _("The birth date does not fit the kind of passenger on the day of travel."),
    "not_enough_seats": _("Too few seats are left on this flight."),
    "flight_closed": _("This flight is not on sale any more."),
    "order_in_progress": _("The order that sells this booking is not complete yet. Act on the order."),
    "approval_pending": _("This waits for a second person, who has not decided yet."),
    "choice_not_allowed": _("This cannot be chosen any more."),
    "other_route": _("This flight does not go where the booked one was to go, or not in time."),
    "payment_declined": _("The card that paid for the booking was declined. Nothing has been changed."),
    "payment_uncertain": _("We do not know yet whether the card was charged. Look again in a minute."),
    "credit_limit_exceeded": _("This is more than the account may owe. Nothing has been changed."),
    "flight_elsewhere": _("That flight does not go where the booked one goes."),
    "flight_overlaps": _("That flight does not fit between the booking's other flights."),
    "action_not_allowed": _("This cannot be done any more: look at the booking as it is now."),
    "illegal_transition": _("This cannot be done any more: look at the booking as it is now."),
    "cannot_change": _("The booking cannot be changed in this way: look at it as it is now."),
    "order_not_found": _("There is no such order, or it is not yours to see."),
    "payment_canceled": _("The payment was given up before it was carried out. Nothing was charged."),
    "nothing_to_mail": _("A booking without flights has no itinerary."),
    "not_in_booking": _("This passenger or flight is not in the booking any more."),
    "disruption_not_found": _("There is no such disruption of this booking."),
    "queue_unavailable": _("The mail cannot be sent at the moment. Try again in a minute."),
    # Selling.
    "hold_at_limit": _("The seats cannot be held any longer without being paid."),
    "party_too_large": _("A booking has at most nine seats."),
    "no_adult": _("A booking needs an adult."),
    "too_many_infants": _("Each infant on a lap needs an adult of its own."),
    "duplicate_flight": _("A booking takes each flight once."),
    "out_of_stock": _("One of the extras is sold out."),
    "product_not_found": _("One of the extras is not sold any more."),
    "product_not_for_passengers": _("One of the extras is not sold to passengers."),
    "currency_mismatch": _("One of the extras is sold in another currency."),
    "booking_not_for_sale": _("This booking cannot be paid for: it is not held any more, or has no flight yet."),
    "card_payments_off": _("Payments by card are not set up here."),
    "not_redrivable": _("This sale cannot be continued any more."),
    "request_in_progress": _("This has been sent already and is being carried out."),
}
ADVICE = {
    "not_found": _("Check the address, or search for the booking."),
    "forbidden": _("Sign in as somebody whose work it is. If you were filling in a form, open it again."),
    "internal_error": _("Try again. If it happens again, tell us the number below."),
    "busy": _("Wait a moment, then try again."),
    "too_many_requests": _("Wait a minute, then try again."),
    "concurrent_change": _("Look at it as it is now, then decide again."),
    "stale_version": _("Look at it as it is now, then decide again."),
    "ticket_not_for_order": _("Wait until its order is processed, or choose a seat that is free of charge."),
    "too_many_api_keys": _("Revoke one first, or replace one and let it end at once."),
    "no_such_booking": _(
        "Look at the confirmation for the six letters and digits, and type the surname as it stands there."
    ),
    "unknown_seat": _("Choose another seat."),
    "other_cabin": _("Choose another seat."),
    "seat_blocked": _("Choose another seat."),
    "seat_taken": _("The map shows what is free now. Choose another seat."),
    "exit_row": _("Choose a seat in another row."),
    "infant_row": _("Choose a seat on the other side of the aisle, or in another row."),
    "seat_not_paid": _("Pay for it, or choose one that is free of charge."),
    "no_seat_left": _("Ask at the airport, or choose another flight."),
    "seat_needed": _("Choose another one instead."),
    "no_seat_yet": _("Choose seats for both first."),
    "check_in_not_open": _("Come back when it opens; your seats can be chosen now."),
    "check_in_closed": _("Go to the check-in desk at the airport at once."),
    "flight_cancelled": _("Choose another flight or your money back on the page of the booking."),
    "flight_departed": _("Change what is left of the journey on the page of the booking, or ask us."),
    "flight_closed_out": _("Ask at the gate."),
    "not_paid": _("Pay for it on the page of the booking, or ask who sold it to you."),
    "not_ticketed": _("Wait a minute, then try again."),
    "ticket_not_valid": _("Look at the page of the booking for what has become of it."),
    "already_boarded": _("Ask at the gate."),
    "name_needed": _("Complete the names on the page of the booking."),
    "name_not_latin": _("Write the name as it stands in the two lowest lines of the passport, or ask us to."),
    "document_needed": _("Fill in the passport or identity card below."),
    "document_expired": _("Take another document, or ask at the airport."),
    "out_of_sequence": _("Check in for the earlier flight first, or ask us."),
    "adult_not_checked_in": _("Choose an adult too."),
    "children_checked_in": _("Undo the check-in of the child first."),
    "bag_not_paid": _(
        "Take fewer, or buy a bag under “Add extras” on the page of the booking. If it is not there, ask who sold you"
        " the ticket, or us."
    ),
    "bag_too_heavy": _("Ask the passenger to share it out among several bags."),
    "hold_expired": _("Look for flights again and book anew."),
    "no_boarding_pass": _("Copy the whole link once more, or find the booking and show the pass from there."),
    "nonce_reused": _("Scan the pass again."),
    "boarding_not_open": _("Come back when boarding has opened."),
    # Selling.
    "hold_at_limit": _("Pay now, or let them go and search anew."),
    "party_too_large": _("Make two bookings."),
    "no_adult": _("Add an adult."),
    "too_many_infants": _("Add an adult, or make it a child with a seat of its own."),
    "duplicate_flight": _("Choose another flight for the way back."),
    "out_of_stock": _("Choose fewer, or another one."),
    "product_not_found": _("Go back to the extras and choose again."),
    "product_not_for_passengers": _("Go back to the extras and choose again."),
    "booking_not_for_sale": _("Look at the booking for what has become of it."),
    "card_payments_off": _("Pay on account."),
    "not_redrivable": _("Look at the booking for what has become of it."),
    "request_in_progress": _("Wait a moment, then look at the booking."),
}


def text_of(refusal: DomainError) -> str:
    """Return what has happened; a text may name a number of the refusal's details."""
    if refusal.code not in TEXTS:
        return refusal.message
    text = str(TEXTS[refusal.code])
    return text % refusal.details if "%(" in text else text


def advice_on(refusal: DomainError) -> str:
    return str(ADVICE.get(refusal.code, ""))
