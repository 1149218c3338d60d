"""What is always true of flights, bookings and tickets (`manage.py verify_invariants`)."""

from skybridge.invariants import Invariant

LIVE = "('O', 'C', 'L', 'F')"
CLOSED = "('canceled', 'refunded')"
SEATS_BY_BOOKING_AND_FLIGHT = f"""
    SELECT t.booking_id, k.flight_id, k.cabin, count(*) AS seats
    FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
    WHERE k.status IN {LIVE} AND k.takes_seat AND k.flight_id IS NOT NULL
    GROUP BY t.booking_id, k.flight_id, k.cabin
"""

INVENTORY = [
    Invariant(
        "capacity_is_sold_held_free",
        "A cabin's capacity is its sold, held and free seats together, none of them negative.",
        """SELECT id FROM flights_flightcabin
        WHERE capacity <> sold + held + free OR least(capacity, sold, held, free) < 0""",
    ),
    Invariant(
        "held_is_sum_of_holds",
        "A cabin's held seats are the sum of its seat holds.",
        """SELECT c.id FROM flights_flightcabin c
        LEFT JOIN (SELECT flight_cabin_id, sum(seats) AS seats FROM flights_seathold GROUP BY 1) h
          ON h.flight_cabin_id = c.id
        WHERE c.held <> COALESCE(h.seats, 0)""",
    ),
    Invariant(
        "sold_is_live_coupons",
        "A cabin's sold seats are the live coupons that take a seat of confirmed bookings.",
        f"""SELECT COALESCE(c.id::text, k.flight_id || ' ' || k.cabin) AS id
        FROM (SELECT * FROM flights_flightcabin WHERE sold > 0) c
        FULL JOIN (
            SELECT k.flight_id, k.cabin, count(*) AS seats
            FROM ticketing_coupon k
            JOIN ticketing_ticket t ON t.id = k.ticket_id
            JOIN bookings_booking b ON b.id = t.booking_id AND b.status = 'confirmed'
            WHERE k.status IN {LIVE} AND k.takes_seat AND k.flight_id IS NOT NULL
            GROUP BY k.flight_id, k.cabin
        ) k ON k.flight_id = c.flight_id AND k.cabin = c.cabin
        WHERE COALESCE(c.sold, 0) <> COALESCE(k.seats, 0)""",
    ),
]

HOLDS = [
    Invariant(
        "holds_are_of_pending_bookings",
        "Only a pending booking holds seats.",
        """SELECT h.booking_id AS id FROM flights_seathold h
        LEFT JOIN bookings_booking b ON b.id = h.booking_id
        WHERE b.status IS DISTINCT FROM 'pending'""",
    ),
    Invariant(
        "holds_match_booking",
        "Each hold of a pending booking has the booking's seats and its deadline, and there is at least one.",
        """SELECT b.id FROM bookings_booking b
        LEFT JOIN flights_seathold h ON h.booking_id = b.id
        WHERE b.status = 'pending' AND (h.seats, h.expires_at) IS DISTINCT FROM (b.seats, b.expires_at)""",
    ),
    Invariant(
        "holds_match_coupons",
        "A pending booking holds one seat for each of its live coupons that takes one.",
        f"""SELECT COALESCE(h.booking_id, k.booking_id) AS id
        FROM (
            SELECT h.booking_id, c.flight_id, c.cabin, h.seats
            FROM flights_seathold h JOIN flights_flightcabin c ON c.id = h.flight_cabin_id
        ) h
        FULL JOIN (
            SELECT k.* FROM ({SEATS_BY_BOOKING_AND_FLIGHT}) k
            JOIN bookings_booking b ON b.id = k.booking_id AND b.status = 'pending'
        ) k ON k.booking_id = h.booking_id AND k.flight_id = h.flight_id AND k.cabin = h.cabin
        WHERE h.seats IS DISTINCT FROM k.seats""",
    ),
]

TICKETS = [
    Invariant(
        "closed_bookings_have_no_live_coupons",
        "A canceled or refunded booking has no live coupon.",
        f"""SELECT b.id FROM bookings_booking b
        JOIN ticketing_ticket t ON t.booking_id = b.id JOIN ticketing_coupon k ON k.ticket_id = t.id
        WHERE b.status IN {CLOSED} AND k.status IN {LIVE}""",
    ),
    Invariant(
        "superseded_tickets_have_no_live_coupons",
        "A ticket that was exchanged or given up has no live coupon.",
        f"""SELECT t.id FROM ticketing_ticket t JOIN ticketing_coupon k ON k.ticket_id = t.id
        WHERE t.is_superseded AND k.status IN {LIVE}""",
    ),
    Invariant(
        "issued_tickets_have_numbers",
        "A ticket that was issued has its number of 13 digits, and no other ticket has one.",
        r"""SELECT id FROM ticketing_ticket
        WHERE (number IS NULL) <> (issued_at IS NULL) OR number !~ '^\d{13}$'""",
    ),
    Invariant(
        "unconfirmed_tickets_are_not_issued",
        "A booking that was never confirmed has no ticket number.",
        """SELECT t.id FROM ticketing_ticket t JOIN bookings_booking b ON b.id = t.booking_id
        WHERE b.status IN ('created', 'pending') AND (t.number IS NOT NULL OR t.issued_at IS NOT NULL)""",
    ),
    Invariant(
        "ticket_numbers_are_unique",
        "No two tickets have one number.",
        "SELECT number AS id FROM ticketing_ticket WHERE number IS NOT NULL GROUP BY number HAVING count(*) > 1",
    ),
    Invariant(
        "superseded_coupons_are_not_live",
        "A coupon that was given up is refunded or void.",
        f"SELECT id FROM ticketing_coupon WHERE is_superseded AND status IN {LIVE}",
    ),
    Invariant(
        "coupon_total_is_fare_and_taxes",
        "A coupon's total is its fare and its tax lines together.",
        """SELECT id FROM ticketing_coupon k
        WHERE total_amount <> fare_amount + COALESCE(
            (SELECT sum((tax ->> 'amount')::numeric) FROM jsonb_array_elements(k.taxes) AS tax), 0)""",
    ),
    Invariant(
        "coupon_flights_exist",
        "The flight of each coupon exists, with the coupon's cabin.",
        """SELECT k.id FROM ticketing_coupon k
        LEFT JOIN flights_flightcabin c ON c.flight_id = k.flight_id AND c.cabin = k.cabin
        LEFT JOIN flights_flight f ON f.id = c.flight_id
        WHERE k.flight_id IS NOT NULL AND f.id IS NULL""",
    ),
]

BOOKINGS = [
    Invariant(
        "seats_match_coupons",
        "A pending or confirmed booking has one live coupon per seat on each of its flights.",
        f"""SELECT b.id FROM bookings_booking b
        JOIN ({SEATS_BY_BOOKING_AND_FLIGHT}) k ON k.booking_id = b.id
        WHERE b.status IN ('pending', 'confirmed') AND k.seats <> b.seats""",
    ),
    Invariant(
        "booking_total_is_coupons",
        "A booking's total is the sum of its live coupons; one that is closed keeps the total that it had.",
        f"""SELECT b.id FROM bookings_booking b
        LEFT JOIN (
            SELECT t.booking_id, sum(k.total_amount) AS total
            FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
            WHERE k.status IN {LIVE} GROUP BY t.booking_id
        ) k ON k.booking_id = b.id
        WHERE b.status NOT IN {CLOSED} AND b.total_amount <> COALESCE(k.total, 0)""",
    ),
    Invariant(
        "refund_is_at_most_total",
        "Money goes back for sold coupons that were given up only, and never more than these were worth.",
        """SELECT b.id FROM bookings_booking b
        LEFT JOIN (
            SELECT t.booking_id, sum(k.total_amount) AS total
            FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
            JOIN bookings_booking b ON b.id = t.booking_id
            WHERE k.status IN ('R', 'V', 'E') AND (t.number IS NOT NULL OR b.order_id IS NOT NULL)
            GROUP BY t.booking_id
        ) k ON k.booking_id = b.id
        WHERE b.refunded_amount < 0 OR b.refunded_amount > COALESCE(k.total, 0)""",
    ),
    Invariant(
        "status_is_that_of_last_event",
        "A booking's status is the one that its last status event says.",
        """SELECT b.id FROM bookings_booking b
        LEFT JOIN (
            SELECT DISTINCT ON (subject_id) subject_id, after ->> 'status' AS status
            FROM skybridge_event
            WHERE action IN ('booking.created', 'booking.pending', 'booking.confirmed', 'booking.canceled',
                'booking.refunded')
            ORDER BY subject_id, id DESC
        ) e ON e.subject_id = b.id
        WHERE e.status IS DISTINCT FROM b.status""",
    ),
    Invariant(
        "infants_have_adults",
        "A pending or confirmed booking has no more lap infants than adults.",
        """SELECT b.id FROM bookings_booking b JOIN ticketing_ticket t ON t.booking_id = b.id
        WHERE b.status IN ('pending', 'confirmed') AND NOT t.is_superseded
        GROUP BY b.id
        HAVING count(*) FILTER (WHERE t.passenger_type = 'INF') > count(*) FILTER (WHERE t.passenger_type = 'ADT')""",
    ),
]

INVARIANTS = [*INVENTORY, *HOLDS, *TICKETS, *BOOKINGS]
