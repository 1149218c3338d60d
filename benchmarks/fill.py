"""Many flights by SQL alone, on the real airports: 20 a day on every route, for a year from yesterday on.

More flights are more routes: what one search finds stays the same.
"""

import math
from collections.abc import Iterable
from typing import Any

from django.db import connection

from benchmarks.agencies import kept_of, key_of
from benchmarks.loading import SETTINGS, without_indexes
from flights.airports import load_airports

DAYS = 365
FLIGHTS_A_DAY = 20  # of a route
CARRIERS = ["AA", "AC", "AF", "AS", "B6", "BA", "DL", "F9", "LH", "NK", "UA", "WN"]

ROUTES = """
CREATE TEMPORARY TABLE route AS
WITH airport AS (
    SELECT iata, row_number() OVER (ORDER BY city_code = '', iata) AS rank
    FROM flights_airport WHERE timezone <> '' LIMIT %(airports)s
)
SELECT row_number() OVER (ORDER BY greatest(o.rank, d.rank), o.rank, d.rank) - 1 AS n,
    o.iata AS origin, d.iata AS destination
FROM airport o JOIN airport d ON o.iata <> d.iata ORDER BY n LIMIT %(routes)s
"""
FARES = """
INSERT INTO flights_fare (origin_id, destination_id, cabin, fare_basis, currency, base_amount, taxes, total_amount)
SELECT origin, destination, cabin, cabin || 'XOW', 'USD', base, jsonb_build_array(
        jsonb_build_object('code', 'US', 'amount', (base * 0.075)::numeric(12, 2)::text, 'refundable', false),
        jsonb_build_object('code', 'ZP', 'amount', '5.20', 'refundable', false),
        jsonb_build_object('code', 'AY', 'amount', '5.60', 'refundable', true),
        jsonb_build_object('code', 'XF', 'amount', '4.50', 'refundable', false)),
    base + (base * 0.075)::numeric(12, 2) + 15.30
FROM route, (VALUES ('Y', 200), ('J', 560)) AS cabin (cabin, base)
"""
FLIGHTS = """
INSERT INTO flights_flight (id, carrier_id, flight_number, operational_suffix, departure_date, origin_id,
    destination_id, departs_at, arrives_at, aircraft_type, registration, status, updated_at)
SELECT uuidv7(), (%(carriers)s::text[])[1 + k %% cardinality(%(carriers)s::text[])],
    1 + k / cardinality(%(carriers)s::text[]), '', (leaves AT TIME ZONE o.timezone)::date, origin, destination, leaves,
    leaves + interval '3 hours', '737-924ER', '', 'scheduled', now()
FROM generate_series(0, %(days)s - 1) AS day, route JOIN flights_airport o ON o.iata = origin,
    generate_series(0, %(a_day)s - 1) AS i,
    LATERAL (SELECT n::int * %(a_day)s + i AS k,
        (current_date - 1 + day + (i + 1) * interval '70 minutes') AT TIME ZONE o.timezone AS leaves) AS at
"""
CABINS = """
INSERT INTO flights_flightcabin (flight_id, cabin, fare_id, capacity, sold, held, free, on_sale)
SELECT f.id, p.cabin, p.id, seats, 0, 0, seats, true
FROM flights_flight f
JOIN flights_fare p ON p.origin_id = f.origin_id AND p.destination_id = f.destination_id
JOIN (VALUES ('Y', 165), ('J', 14)) AS cabin (cabin, seats) ON cabin.cabin = p.cabin
"""
PRODUCTS = """
INSERT INTO orders_product (product_id, name, category, price, currency, stock, on_sale)
SELECT 'BENCHMARK' || n, 'Bag', 'baggage', 10, 'USD', 1000000, true FROM generate_series(0, 99) AS n
"""
AGENCY = """
WITH plan AS (
    INSERT INTO partners_plan (name, rate, burst, quota_period) VALUES (%(name)s, %(rate)s, %(burst)s, 'day')
    RETURNING id
)
INSERT INTO partners_agency (id, name, plan_id, is_active, is_ground_handler, created_at)
SELECT uuidv7(), %(name)s, id, true, %(is_ground_handler)s, now() FROM plan
"""
KEY = """
INSERT INTO partners_apikey (id, agency_id, name, prefix, digest, created_at)
SELECT uuidv7(), id, '', %(prefix)s, %(digest)s, now() FROM partners_agency WHERE name = %(name)s
"""


def fill(flights: int) -> None:
    """Put flights into an empty database: its indexes are made afterwards, its foreign keys are not checked."""
    load_airports()
    routes = math.ceil(flights / DAYS / FLIGHTS_A_DAY)
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        cursor.execute(ROUTES, {"routes": routes, "airports": math.isqrt(routes) + 2})
        cursor.execute(FARES)
        cursor.executemany("INSERT INTO flights_carrier VALUES (%s, '', '')", [[carrier] for carrier in CARRIERS])
        with without_indexes(["flights_flight", "flights_flightcabin"]):
            cursor.execute(FLIGHTS, {"carriers": CARRIERS, "days": DAYS, "a_day": FLIGHTS_A_DAY})
            cursor.execute(CABINS)
        cursor.execute("RESET ALL")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def add_agency(name: str, *, rate: float = 100_000, burst: int = 1_000_000, is_ground_handler: bool = False) -> str:
    """Add an agency with a plan of its own, which lets everything through unless told otherwise; return its key."""
    terms: dict[str, Any] = {"name": name, "rate": rate, "burst": burst, "is_ground_handler": is_ground_handler}
    with connection.cursor() as cursor:
        cursor.execute(AGENCY, terms)
    give_keys([name])
    return key_of(name)


def give_keys(names: Iterable[str]) -> None:
    """Give agencies their keys, which are made of their names."""
    with connection.cursor() as cursor:
        for name in names:
            prefix, digest = kept_of(key_of(name))
            cursor.execute(KEY, {"name": name, "prefix": prefix, "digest": digest})


def add_products() -> None:
    """Add a hundred products that do not sell out."""
    with connection.cursor() as cursor:
        cursor.execute(PRODUCTS)
