"""Bookings and orders of two years by SQL alone, on the flights of `benchmarks/fill.py`: what all invariants allow.

Of the bookings so many are ordered as there are orders, each with one order, and the others ran out. The last ones are
special: `boarding` passengers' bookings are on a few flights of their own, and after those `pending` ones are held for
months. A third of the orders belong to agency 0, one in three hundred to agency 1, the rest to all others; pending
bookings belong to agencies 2 to 17. One flight in fifty is not sold at all.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.agencies import AGENCIES, ALPHABET, SELLERS
from benchmarks.loading import run, without_indexes
from flights.models import Flight
from flights.offers import flight_offers

UNSOLD = 50  # one flight in so many
BOARDING_FLIGHTS = 60
HELD_DAYS = 300
LOCATOR = " || ".join(
    f"substr('{ALPHABET}', 1 + ((n * 7919 + 104729) / {27**i} %% 27)::int, 1)" for i in range(6)
)  # another one for each number: 7919 and 27 have no common divisor


@dataclass(frozen=True)
class Volume:
    """How much is sold; `boarding` and `pending` bookings are some of all."""

    bookings: int
    orders: int
    boarding: int = 0
    pending: int = 0

    def scaled(self, scale: float) -> "Volume":
        return Volume(*(round(count * scale) for count in vars(self).values()))


PLAN_AND_AGENCIES = """
WITH plan AS (
    INSERT INTO partners_plan (name, rate, burst, quota_period) VALUES ('sales', 100000, 1000000, 'day') RETURNING id
)
INSERT INTO partners_agency (id, name, plan_id, is_active, is_ground_handler, created_at)
SELECT uuidv7(), 'Agency ' || lpad(n::text, 3, '0'), id, true, false, now()
FROM plan, generate_series(0, %(agencies)s - 1) AS n
"""
# Two in three surnames are one of two thousand, spread as names are; each third is rare. One in three has accents.
SALE = f"""
CREATE UNLOGGED TABLE sale AS
WITH flight AS (
    SELECT f.id, c.id AS cabin_id, row_number() OVER (ORDER BY f.id) - 1 AS k
    FROM flights_flight f JOIN flights_flightcabin c ON c.flight_id = f.id AND c.cabin = 'Y'
), numbered AS (
    SELECT n, now() - (%(bookings)s - n) * interval '60 seconds' AS at,
        CASE WHEN n > %(bookings)s - %(pending)s THEN 'pending'
            WHEN n > %(normal)s THEN 'boarding' ELSE 'normal' END AS kind,
        CASE WHEN n > %(normal)s THEN %(normal_orders)s + n - %(normal)s
            ELSE n * %(normal_orders)s / %(normal)s END AS o,
        CASE WHEN n > %(normal)s THEN 0 ELSE (n - 1) * %(normal_orders)s / %(normal)s END AS before
    FROM generate_series(1::bigint, %(bookings)s) AS n
), sold AS (
    SELECT *, kind <> 'pending' AND o > before AS is_ordered, o %% 10 AS fate,
        CASE WHEN kind = 'boarding' THEN n %% %(boarding_flights)s * {UNSOLD}
            ELSE (n %% %(flights)s) + CASE WHEN (n %% %(flights)s) %% {UNSOLD} = 0 THEN 1 ELSE 0 END END AS k,
        CASE WHEN kind = 'pending' THEN {SELLERS.start} + n %% {len(SELLERS)}
            WHEN kind = 'normal' AND o = before THEN 2 + n %% {AGENCIES - 2}
            WHEN o %% 300 = 0 THEN 1 WHEN o %% 3 = 1 THEN 0 ELSE 2 + (o / 3) %% {AGENCIES - 2} END AS a
    FROM numbered
)
SELECT s.n, s.at, s.kind, s.is_ordered, s.o, uuidv7(s.at - now()) AS booking_id,
    CASE WHEN s.is_ordered THEN uuidv7(s.at - now()) END AS order_id,
    {LOCATOR} AS locator, agency.id AS agency_id, flight.id AS flight_id, flight.cabin_id, 1 + n %% 2 AS seats,
    CASE WHEN s.kind = 'pending' THEN 'pending' WHEN NOT s.is_ordered THEN 'canceled'
        WHEN s.kind = 'boarding' OR s.fate < 7 THEN 'confirmed' WHEN s.fate < 9 THEN 'canceled' ELSE 'refunded'
    END AS booking_status,
    CASE WHEN s.kind = 'boarding' THEN 'processing' WHEN s.fate >= 7 THEN 'cancelled'
        WHEN s.fate = 0 THEN 'delivered' WHEN s.fate = 1 THEN 'shipped' ELSE 'processing' END AS order_status,
    CASE WHEN s.o %% 2 = 0 THEN 'card' ELSE 'account' END AS method, 'agency:' || agency.id || ':USD' AS account,
    (1 + n %% 2) * %(total)s::numeric AS total, (1 + n %% 2) * (%(total)s::numeric - %(base)s::numeric) AS taxes,
    CASE WHEN s.o %% 4 = 0 THEN 10 ELSE 0 END AS extra, 'customer-' || n / 5 AS customer
FROM sold s
JOIN flight ON flight.k = least(s.k, %(flights)s - 1)
JOIN (SELECT id, row_number() OVER (ORDER BY name) - 1 AS a FROM partners_agency WHERE name LIKE 'Agency %%') AS agency
    ON agency.a = s.a
ORDER BY s.n
"""
PASSENGER = """
CREATE UNLOGGED TABLE passenger AS
SELECT s.n, s.at, s.kind, s.booking_id, s.flight_id, s.booking_status, s.is_ordered, p AS position,
    uuidv7(s.at - now()) AS ticket_id, uuidv7(s.at - now()) AS coupon_id,
    CASE WHEN s.is_ordered THEN '999' || lpad((2 * s.n + p)::text, 10, '0') END AS number,
    CASE WHEN s.kind = 'boarding' THEN 'Passenger'
        WHEN s.n % 3 = 0 THEN 'Müller' || (power(random(), 3) * 1000)::int
        WHEN s.n % 3 = 1 THEN 'Smith' || (power(random(), 3) * 1000)::int
        ELSE initcap(substr(md5(s.n::text), 1, 7)) END AS surname,
    (ARRAY['Ada', 'Zoe', 'Grace', 'Jose', 'Ivan', 'Mary'])[1 + s.n % 6] AS given_name
FROM sale s CROSS JOIN LATERAL generate_series(1, s.seats) AS p
ORDER BY s.n, p
"""
# Tables and what goes into them from `sale` and `passenger`. A payment and its refund have their order's id.
ROWS: dict[str, list[str]] = {
    "skybridge_event": [
        """(at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
        SELECT at, 'agency', agency_id::text, 'api', noun || '.' || status, subject_id, NULL,
            jsonb_build_object('status', status), '', md5(n::text)
        FROM sale CROSS JOIN LATERAL (VALUES
            (1, 'booking', 'pending', booking_id), (2, 'order', 'pending', order_id),
            (3, 'booking', 'confirmed', booking_id), (4, 'order', 'processing', order_id),
            (5, 'booking', booking_status, booking_id), (6, 'order', order_status, order_id)
        ) AS step (place, noun, status, subject_id)
        WHERE CASE place WHEN 1 THEN true WHEN 5 THEN booking_status NOT IN ('pending', 'confirmed')
            WHEN 6 THEN is_ordered AND order_status <> 'processing' ELSE is_ordered END
        ORDER BY n, place"""
    ],
    "ticketing_coupon": [
        """(id, ticket_id, sequence, flight_id, cabin, status, takes_seat, fare_basis, currency, fare_amount, taxes,
            total_amount, fare_rules)
        SELECT coupon_id, ticket_id, 1, flight_id, 'Y', CASE WHEN booking_status IN ('pending', 'confirmed') THEN 'O'
            WHEN booking_status = 'canceled' THEN 'V' ELSE 'R' END, true, 'YXOW', 'USD', %(base)s, %(tax_lines)s::jsonb,
            %(total)s, %(fare_rules)s::jsonb FROM passenger ORDER BY n, position"""
    ],
    "ticketing_ticket": [
        """(id, booking_id, position, passenger_type, surname, given_name, title, number, issued_at, is_superseded,
            created_at)
        SELECT ticket_id, booking_id, position, 'ADT', surname, given_name, '', number,
            CASE WHEN is_ordered THEN at END, false, at FROM passenger ORDER BY n, position"""
    ],
    "bookings_booking": [
        """(id, locator, status, agency_id, user_id, order_id, seats, currency, total_amount, refunded_amount, version,
            created_at, updated_at, expires_at)
        SELECT booking_id, locator, booking_status, agency_id, customer, order_id, seats, 'USD', total,
            CASE WHEN is_ordered AND booking_status <> 'confirmed' THEN total ELSE 0 END, 1, at, at,
            CASE kind WHEN 'pending' THEN date_trunc('day', now()) + make_interval(days => %(held_days)s) END
        FROM sale ORDER BY n"""
    ],
    "orders_order": [
        """(id, agency_id, customer_id, status, currency, total_amount, refunded_amount, payment_method, contact_email,
            version, created_at, updated_at)
        SELECT order_id, agency_id, customer, order_status, 'USD', total + extra,
            CASE order_status WHEN 'cancelled' THEN total + extra ELSE 0 END, method,
            CASE method WHEN 'card' THEN 'person' || n / 4 || '@example.com' ELSE '' END, 1, at, at
        FROM sale WHERE is_ordered ORDER BY n"""
    ],
    "orders_orderitem": [
        """(order_id, position, product_id, booking_id, is_change, description, quantity, price)
        SELECT order_id, 1, NULL, booking_id, false, 'Booking ' || locator, 1, total FROM sale WHERE is_ordered
        UNION ALL SELECT order_id, 2, 'BENCHMARK' || n %% 100, NULL, false, 'Bag', 1, extra
        FROM sale WHERE is_ordered AND extra > 0"""
    ],
    "orders_execution": [
        """(order_id, status, state, attempt, losses, error, cause, redrive_count, last_event_id, started_at,
            stopped_at)
        SELECT order_id, CASE WHEN o %% 1000 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END, 'Notify', 0, 0, '', '', 0, 5, at,
            at FROM sale WHERE is_ordered ORDER BY n"""
    ],
    "orders_executionevent": [
        """(execution_id, event_id, type, at, state, details)
        SELECT order_id, e, (ARRAY['ExecutionStarted', 'TaskStateEntered', 'TaskSucceeded', 'TaskStateExited',
            'ExecutionSucceeded'])[e], at, CASE WHEN e BETWEEN 2 AND 4 THEN 'ConfirmBookings' ELSE '' END, '{}'
        FROM sale, generate_series(1, 5) AS e WHERE is_ordered ORDER BY n, e"""
    ],
    "partners_payment": [
        """(id, order_id, purpose, account_id, provider, token, amount, currency, status, is_wanted, refunded_amount,
            provider_reference, failure_code, failure_message, created_at)
        SELECT order_id, order_id, 'order', account, 'sandbox', 'tok', total + extra, 'USD', 'succeeded', true,
            CASE order_status WHEN 'cancelled' THEN total + extra ELSE 0 END, '', '', '', at
        FROM sale WHERE is_ordered AND method = 'card' ORDER BY n"""
    ],
    "partners_refund": [
        """(id, payment_id, amount, status, reason, provider_reference, failure_code, failure_message, created_at)
        SELECT order_id, order_id, total + extra, 'succeeded', '', '', '', '', at
        FROM sale WHERE is_ordered AND method = 'card' AND order_status = 'cancelled' ORDER BY n"""
    ],
    "partners_ledgerentry": [
        """(posting_id, at, kind, account_id, amount, currency, order_id, reference)
        SELECT posting.id, at, posting.kind, leg.account, leg.amount, 'USD', order_id,
            CASE WHEN is_sale THEN '' ELSE order_id::text END
        FROM sale CROSS JOIN LATERAL (VALUES
            (order_id, 'sale', 1, true),
            (uuidv7(at - now()), 'cancellation', -1, order_status = 'cancelled'),
            (uuidv7(at - now()), 'payment', 1, method = 'card'),
            (uuidv7(at - now()), 'refund', -1, method = 'card' AND order_status = 'cancelled')
        ) AS posting (id, kind, sign, is_made)
        CROSS JOIN LATERAL (VALUES
            (true, account, sign * (total + extra)), (true, 'sales:USD', -sign * (total + extra - taxes)),
            (true, 'taxes:USD', -sign * taxes),
            (false, 'bank:sandbox:USD', sign * (total + extra)), (false, account, -sign * (total + extra))
        ) AS leg (is_sale, account, amount)
        WHERE is_ordered AND is_made AND is_sale = (posting.kind IN ('sale', 'cancellation')) ORDER BY n"""
    ],
    "orders_backup": [
        """(kind, stream, version, taken_at, covers, key, sha256, stored_at, store_version)
        SELECT 'order', order_id::text, 1, at, jsonb_build_object('bookings', jsonb_build_object(booking_id, 1),
            'ledger', CASE method WHEN 'card' THEN 5 ELSE 3 END * CASE order_status WHEN 'cancelled' THEN 2 ELSE 1 END),
            'orders/' || order_id, md5(n::text) || md5(n::text), at, ''
        FROM sale WHERE is_ordered ORDER BY n"""
    ],
    "flights_seathold": [
        """(booking_id, flight_cabin_id, seats, expires_at)
        SELECT booking_id, cabin_id, seats, date_trunc('day', now()) + make_interval(days => %(held_days)s)
        FROM sale WHERE kind = 'pending' ORDER BY n"""
    ],
}
ACCOUNTS = """
INSERT INTO partners_account (code, kind, agency_id, customer_id, currency, balance, created_at)
SELECT account, 'agency', agency_id, '', 'USD',
    COALESCE(sum(total + extra) FILTER (WHERE method = 'account' AND order_status <> 'cancelled'), 0), now()
FROM sale WHERE is_ordered GROUP BY account, agency_id
UNION ALL SELECT name || ':USD', split_part(name, ':', 1), NULL, '', 'USD', 0, now()
FROM unnest('{sales,taxes,bank:sandbox}'::text[]) AS name
ON CONFLICT DO NOTHING
"""
ROOM = """
UPDATE flights_flightcabin SET capacity = 400, free = 400
WHERE id IN (SELECT cabin_id FROM sale WHERE kind = 'boarding') AND capacity < 400
"""
SEATS = """
UPDATE flights_flightcabin c SET sold = n.sold, held = n.held, free = c.capacity - n.sold - n.held
FROM (
    SELECT cabin_id, COALESCE(sum(seats) FILTER (WHERE booking_status = 'confirmed'), 0) AS sold,
        COALESCE(sum(seats) FILTER (WHERE kind = 'pending'), 0) AS held
    FROM sale GROUP BY 1
) n WHERE n.cabin_id = c.id AND n.sold + n.held > 0
"""


def sell(volume: Volume) -> None:
    """Fill all tables. The products of `fill.add_products` are there; the tables `sale` and `passenger` stay."""
    parameters = {"agencies": AGENCIES, "held_days": HELD_DAYS} | fare() | numbers(volume)
    run({"agencies": [PLAN_AND_AGENCIES]}, parameters, at_once=1)
    run({"sale": [SALE]}, parameters, at_once=1)
    run({"passenger": [PASSENGER], "accounts": [ACCOUNTS], "seats": [ROOM, SEATS]}, at_once=1)
    with without_indexes(list(ROWS)):
        run(
            {table: [f"INSERT INTO {table} {select}" for select in selects] for table, selects in ROWS.items()},
            parameters,
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def numbers(volume: Volume) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM flights_flight")
        [flights] = cursor.fetchone()
    return {
        "bookings": volume.bookings,
        "pending": volume.pending,
        "normal": volume.bookings - volume.pending - volume.boarding,
        "normal_orders": volume.orders - volume.boarding,
        "flights": flights,
        "boarding_flights": max(1, min(BOARDING_FLIGHTS, flights // UNSOLD, volume.boarding // 100)),
    }


def fare() -> dict[str, Any]:
    """Return what every seat costs, as coupons keep it."""
    flight = Flight.objects.first()
    assert flight
    offer = next(offer for offer in flight_offers(flight.pk, at=timezone.now()) if offer.cabin == "Y")
    return {
        "base": offer.base_amount,
        "total": offer.total_amount,
        "tax_lines": offer.tax_lines,
        "fare_rules": json.dumps(offer.fare_rules, default=str),
    }
