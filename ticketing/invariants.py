"""What is always true of seats and check-in (`manage.py verify_invariants`)."""

from skybridge.invariants import Invariant

SEATS = [
    Invariant(
        "seats_are_taken_once",
        "No two live coupons of a flight have one seat.",
        """SELECT flight_id || ' ' || seat AS id FROM ticketing_coupon
        WHERE seat IS NOT NULL AND status IN ('O', 'C', 'L', 'F') GROUP BY flight_id, seat HAVING count(*) > 1""",
    ),
    Invariant(
        "lap_infants_have_no_seat",
        "A coupon with a seat takes one, on a flight.",
        "SELECT id FROM ticketing_coupon WHERE seat IS NOT NULL AND (NOT takes_seat OR flight_id IS NULL)",
    ),
    Invariant(
        "seats_have_row_and_letter",
        "A seat is named by its row and its letter.",
        "SELECT id FROM ticketing_coupon WHERE seat !~ '^[1-9][0-9]{0,2}[A-Z]$'",
    ),
    Invariant(
        "good_passes_show_the_seat",
        "A boarding pass that has not ended shows its coupon's seat.",
        """SELECT p.id FROM ticketing_boardingpass p JOIN ticketing_coupon k ON k.id = p.coupon_id
        WHERE p.ended_at IS NULL AND p.seat <> COALESCE(k.seat, '')""",
    ),
]

CHECK_IN = [
    Invariant(
        "checked_in_have_a_pass",
        "Who is checked in on a flight has a good boarding pass of it, or boarded before the close-out ended it.",
        """SELECT k.id FROM ticketing_coupon k
        WHERE k.status IN ('C', 'L') AND k.flight_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM ticketing_boardingpass p WHERE p.coupon_id = k.id AND p.flight_id = k.flight_id
            AND (p.ended_at IS NULL OR (k.status = 'L' AND p.end_reason = 'no_show')))""",
    ),
    Invariant(
        "good_passes_are_of_checked_in",
        "A boarding pass that has not ended is of a passenger who is checked in, has boarded or has flown.",
        """SELECT p.id FROM ticketing_boardingpass p JOIN ticketing_coupon k ON k.id = p.coupon_id
        WHERE p.ended_at IS NULL AND k.status NOT IN ('C', 'L', 'F')""",
    ),
    Invariant(
        "checked_in_have_a_seat",
        "Who is checked in on a flight and takes a seat has one, and it is known since when.",
        """SELECT id FROM ticketing_coupon WHERE status IN ('C', 'L')
        AND (checked_in_at IS NULL OR (takes_seat AND flight_id IS NOT NULL AND seat IS NULL))""",
    ),
    Invariant(
        "sequence_numbers_are_drawn",
        "No boarding pass has a sequence number that its flight has not drawn.",
        """SELECT p.id FROM ticketing_boardingpass p LEFT JOIN ticketing_departure d ON d.flight_id = p.flight_id
        WHERE p.sequence_number > COALESCE(d.last_sequence_number, 0)""",
    ),
    Invariant(
        "bags_travel_with_passengers",
        "A checked bag is of a passenger who is checked in or has boarded.",
        """SELECT b.id FROM ticketing_bag b JOIN ticketing_coupon k ON k.id = b.coupon_id
        WHERE b.status = 'checked' AND k.status NOT IN ('C', 'L')""",
    ),
]

INVARIANTS = [*SEATS, *CHECK_IN]
