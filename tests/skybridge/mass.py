"""Some thousand sales by SQL alone, so that PostgreSQL plans as it does where tables have grown."""

from django.db import connection

from tests import factories

SALES = 9_000
# Each noun has identifiers of its own; they sort by time as the application's do.
NOUNS = ("orders", "bookings", "tickets", "coupons", "flights")
ID = (
    "(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7{noun}008' || lpad(to_hex(n), 15, '0'))::uuid"
)
SALE = f"""
CREATE TEMPORARY TABLE sale ON COMMIT DROP AS
SELECT *, {", ".join(f"{ID.format(noun=i)} AS {noun}" for i, noun in enumerate(NOUNS))}
FROM (
    SELECT n, now() - (%(sales)s - n) * interval '4 minutes' AS at, now() + (n - %(sales)s / 3) * interval '7 minutes'
        AS leaves_at, CASE n %% 3 WHEN 0 THEN %(agency)s::uuid END AS agency, 'customer-' || n / 5 AS customer,
        CASE WHEN n %% 50 = 0 THEN 'canceled' WHEN n %% 17 = 0 THEN 'refunded' ELSE 'confirmed' END AS status
    FROM generate_series(1, %(sales)s) AS n
) AS numbered
"""
ROWS = [
    """flights_flight (id, carrier_id, flight_number, operational_suffix, departure_date, origin_id, destination_id,
        departs_at, arrives_at, aircraft_type, registration, status, updated_at)
    SELECT flights, 'FL', 1000 + n, '', leaves_at::date, (%(airports)s::text[])[1 + n %% 6],
        (%(airports)s::text[])[1 + (n + 1) %% 6], leaves_at, leaves_at + interval '3 hours', '', '',
        CASE WHEN leaves_at < now() THEN 'departed' ELSE 'scheduled' END, at FROM sale""",
    """flights_flightcabin (flight_id, cabin, fare_id, capacity, sold, held, free, on_sale)
    SELECT flights, 'Y', %(fare)s, 100, 1, 0, 99, true FROM sale""",
    """flights_seathold (booking_id, flight_cabin_id, seats, expires_at)
    SELECT bookings, c.id, 1, at + interval '20 minutes' FROM sale JOIN flights_flightcabin c ON c.flight_id = flights
    WHERE n %% 3 = 0""",
    """orders_order (id, agency_id, customer_id, status, currency, total_amount, refunded_amount, payment_method,
        contact_email, version, created_at, updated_at)
    SELECT orders, agency, customer, CASE WHEN n %% 90 = 0 THEN 'pending' ELSE 'processing' END, 'USD', 100, 0,
        'account', '', 1, at, at FROM sale""",
    """bookings_booking (id, locator, status, agency_id, user_id, order_id, seats, currency, total_amount,
        refunded_amount, version, created_at, updated_at)
    SELECT bookings, upper(substr(md5(n::text), 1, 6)), status, agency, customer, orders, 1, 'USD', 100, 0, 1, at, at
    FROM sale ON CONFLICT DO NOTHING""",
    """orders_orderitem (order_id, position, booking_id, is_change, description, quantity, price)
    SELECT orders, 1, bookings, false, 'Booking', 1, 100 FROM sale""",
    """ticketing_ticket (id, booking_id, position, passenger_type, surname, given_name, title, number, issued_at,
        is_superseded, created_at)
    SELECT tickets, bookings, 1, 'ADT', 'Name' || n, 'Ada', '', '999' || lpad(n::text, 10, '0'), at, false, at
    FROM sale""",
    """ticketing_coupon (id, ticket_id, sequence, flight_id, cabin, status, takes_seat, fare_basis, currency,
        fare_amount, taxes, total_amount)
    SELECT coupons, tickets, 1, flights, 'Y', CASE WHEN leaves_at < now() THEN 'F' ELSE 'O' END, true, 'YXOW', 'USD',
        90, '[]', 100 FROM sale""",
    """ticketing_boardingpass (id, coupon_id, flight_id, sequence_number, seat, barcode, digest, issued_at, end_reason)
    SELECT coupons, coupons, flights, 1, '12A', 'M1', sha256(n::text::bytea), at, '' FROM sale
    WHERE leaves_at < now()""",
    """ticketing_scan (id, kind, flight_id, coupon_id, nonce, barcode, reason, is_conflict, device_id, scanned_at,
        received_at, answer, actor_kind, actor_id)
    SELECT coupons, 'board', flights, coupons, n::text, 'M1', '', false, '', at, at, '{}', 'agency', '1' FROM sale
    WHERE leaves_at < now()""",
    """ticketing_departure (flight_id, last_sequence_number, gate) SELECT flights, 1, '' FROM sale
    WHERE leaves_at < now()""",
    """orders_execution (order_id, status, state, attempt, losses, error, cause, redrive_count, last_event_id,
        started_at, stopped_at)
    SELECT orders, CASE WHEN n %% 400 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END, 'Notify', 0, 0, '', '', 0, 2, at, at
    FROM sale""",
    """orders_executionevent (execution_id, event_id, type, at, state, details)
    SELECT orders, e, 'TaskSucceeded', at, '', '{}' FROM sale, generate_series(1, 2) AS e""",
    """partners_ledgerentry (posting_id, at, kind, account_id, amount, currency, order_id, reference)
    SELECT orders, at, 'sale', COALESCE('agency:' || agency || ':USD', 'sales:USD'), 100 * side, 'USD', orders, ''
    FROM sale, (VALUES (1), (-1)) AS sides (side)""",
    """partners_payment (id, order_id, purpose, account_id, provider, token, amount, currency, status, is_wanted,
        refunded_amount, provider_reference, failure_code, failure_message, created_at)
    SELECT orders, orders, 'order', 'cards:USD', 'sandbox', 'tok', 100, 'USD', 'succeeded', true, 0, '', '', '', at
    FROM sale WHERE n %% 2 = 0""",
    """skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT at, 'agency', '1', 'api', action, subject, NULL, '{"status": "confirmed"}', '', md5(n::text)
    FROM sale, LATERAL (VALUES ('booking.confirmed', bookings), ('order.pending', orders)) AS what (action, subject)""",
    """orders_backup (kind, stream, version, taken_at, covers, key, sha256, stored_at, store_version)
    SELECT 'order', orders::text, 1, at, '{}', 'k', md5(n::text), at, '' FROM sale""",
    """skybridge_idempotencykey (caller, key, fingerprint, status, headers, body, created_at)
    SELECT 'agency:' || agency, n::text, '', 201, '{}', '', now() - n * interval '8 seconds' FROM sale
    WHERE agency IS NOT NULL""",
]


def sell(agency_id: str) -> None:
    """Fill all tables that grow, in the test's transaction; a third of the sales are an agency's."""
    airports = ["ATL", "BOS", "DEN", "JFK", "LAX", "ORD"]
    leaves, reaches, *_ = [factories.airport(iata) for iata in airports]
    parameters = {"sales": SALES, "agency": agency_id, "airports": airports, "fare": factories.fare(leaves, reaches).pk}
    with connection.cursor() as cursor:
        for table in ("orders_order", "bookings_booking"):  # one agency stands for as many as a large airline has
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN agency_id SET (n_distinct = 1000)")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(SALE, parameters)
        for rows in ROWS:
            cursor.execute(f"INSERT INTO {rows}", parameters)
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE")
        # These tables are still small enough for other plans than those of large ones.
        for name in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{name} = off")
