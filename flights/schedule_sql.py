"""The statements that merge one batch of a schedule, in the order in which `flights/imports.py` runs them.

A batch lies in the temporary table `schedule_batch`; `schedule_seen` remembers each flight that the import has met.
"""

CREATE = """
CREATE TEMPORARY TABLE schedule_batch (
    n bigint, line int, id uuid, carrier_id text, flight_number int, operational_suffix text, departure_date date,
    origin_id text, destination_id text, departs_at timestamptz, arrives_at timestamptz, aircraft_type text,
    registration text, seats_f int, seats_j int, seats_w int, seats_y int, on_sale bool, fare_tail text,
    flight_id uuid, differs bool NOT NULL DEFAULT false
);
CREATE TEMPORARY TABLE schedule_seen (
    n bigint, line int,
    carrier_id text, flight_number int, departure_date date, origin_id text, operational_suffix text,
    PRIMARY KEY (carrier_id, flight_number, departure_date, origin_id, operational_suffix)
)
"""
DROP = "DROP TABLE IF EXISTS schedule_batch; DROP TABLE IF EXISTS schedule_seen"

COPY = """
COPY schedule_batch (n, line, id, carrier_id, flight_number, operational_suffix, departure_date, origin_id,
    destination_id, departs_at, arrives_at, aircraft_type, registration, seats_f, seats_j, seats_w, seats_y, on_sale,
    fare_tail) FROM STDIN
"""

KEY = "carrier_id, flight_number, departure_date, origin_id, operational_suffix"
SAME_FLIGHT = " AND ".join(f"{{0}}.{column} = b.{column}" for column in KEY.split(", "))
CABINS = "(VALUES ('F', b.seats_f), ('J', b.seats_j), ('W', b.seats_w), ('Y', b.seats_y)) AS v (cabin, seats)"
WANTED_SEATS = "CASE c.cabin WHEN 'F' THEN b.seats_f WHEN 'J' THEN b.seats_j WHEN 'W' THEN b.seats_w ELSE b.seats_y END"

REMEMBER = f"""
INSERT INTO schedule_seen ({KEY}, n, line) SELECT {KEY}, n, line FROM schedule_batch ORDER BY n
ON CONFLICT DO NOTHING
"""
REFUSE_REPEATED = f"""
DELETE FROM schedule_batch b USING schedule_seen s WHERE {SAME_FLIGHT.format("s")} AND s.n <> b.n
RETURNING b.line, 'the same flight and date as line ' || s.line
"""
MATCH = f"""
UPDATE schedule_batch b SET flight_id = f.id FROM flights_flight f WHERE {SAME_FLIGHT.format("f")}
"""
COMPARE = f"""
UPDATE schedule_batch b SET differs = true FROM flights_flight f
WHERE f.id = b.flight_id AND (
    (f.destination_id, f.departs_at, f.arrives_at, f.aircraft_type)
        IS DISTINCT FROM (b.destination_id, b.departs_at, b.arrives_at, b.aircraft_type)
    OR (b.registration <> '' AND f.registration <> b.registration)
    OR EXISTS (
        SELECT 1 FROM {CABINS} LEFT JOIN flights_flightcabin c ON c.flight_id = b.flight_id AND c.cabin = v.cabin
        WHERE COALESCE(c.capacity, 0) <> v.seats
    )
)
"""
DIFFERING = "SELECT flight_id FROM schedule_batch WHERE differs"
LOCK_FLIGHTS = f"SELECT id FROM flights_flight WHERE id IN ({DIFFERING}) ORDER BY id FOR NO KEY UPDATE"
LOCK_CABINS = f"SELECT id FROM flights_flightcabin WHERE flight_id IN ({DIFFERING}) ORDER BY id FOR NO KEY UPDATE"

REFUSE_OPERATED = """
DELETE FROM schedule_batch b USING flights_flight f
WHERE b.differs AND f.id = b.flight_id
    AND (f.status <> 'scheduled' OR f.departs_at <= %(now)s OR b.departs_at <= %(now)s)
RETURNING b.line, CASE
    WHEN f.departs_at <= %(now)s OR f.status = 'departed' THEN 'the flight has departed and is not changed'
    WHEN f.status <> 'scheduled' THEN 'the flight is ' || f.status || ' and is not changed by a schedule'
    ELSE 'its new departure has passed' END
"""
REFUSE_REROUTED = """
DELETE FROM schedule_batch b USING flights_flight f
WHERE b.differs AND f.id = b.flight_id AND f.destination_id <> b.destination_id
    AND EXISTS (SELECT 1 FROM flights_flightcabin c WHERE c.flight_id = f.id AND c.sold + c.held > 0)
RETURNING b.line, 'seats to ' || f.destination_id || ' are sold or held; it cannot go to ' || b.destination_id
"""
REFUSE_TOO_SMALL = f"""
DELETE FROM schedule_batch b USING flights_flightcabin c
WHERE b.differs AND c.flight_id = b.flight_id AND c.sold + c.held > {WANTED_SEATS}
RETURNING b.line, c.sold + c.held || ' seats in cabin ' || c.cabin || ' are sold or held, more than ' || {WANTED_SEATS}
"""
COUNT = """
SELECT count(*) FILTER (WHERE flight_id IS NULL), count(*) FILTER (WHERE differs),
    count(*) FILTER (WHERE flight_id IS NOT NULL AND NOT differs)
FROM schedule_batch
"""

BEFORE = """jsonb_build_object('destination', f.destination_id, 'departs_at', f.departs_at, 'arrives_at', f.arrives_at,
        'aircraft_type', f.aircraft_type, 'registration', f.registration, 'seats',
        (SELECT jsonb_object_agg(c.cabin, c.capacity) FROM flights_flightcabin c WHERE c.flight_id = f.id))"""
AFTER = f"""jsonb_build_object('destination', b.destination_id, 'departs_at', b.departs_at, 'arrives_at', b.arrives_at,
        'aircraft_type', b.aircraft_type, 'registration', COALESCE(NULLIF(b.registration, ''), f.registration, ''),
        'seats', (SELECT jsonb_object_agg(v.cabin, v.seats) FROM {CABINS} WHERE v.seats > 0))"""
KINDS = {"new": "b.flight_id IS NULL", "changed": "b.differs", "unchanged": "b.flight_id IS NOT NULL AND NOT b.differs"}
# What is the matter with some flights of a kind; `before` is null for a new one.
EXAMPLES = {
    kind: f"""
SELECT b.line, b.carrier_id || b.flight_number || b.operational_suffix, b.departure_date, b.origin_id, f.id,
    CASE WHEN f.id IS NOT NULL THEN {BEFORE} END, {AFTER}
FROM schedule_batch b LEFT JOIN flights_flight f ON f.id = b.flight_id WHERE {condition} ORDER BY b.n LIMIT %s
"""
    for kind, condition in KINDS.items()
}

RECORD_CHANGES = f"""
INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
SELECT %(now)s, %(actor_kind)s, %(actor_id)s, %(door)s, 'flight.rescheduled', f.id, {BEFORE}, {AFTER}, %(source)s, ''
FROM schedule_batch b JOIN flights_flight f ON f.id = b.flight_id WHERE b.differs ORDER BY b.n
"""
UPDATE_REROUTED_FARES = """
UPDATE flights_flightcabin c SET fare_id = p.id
FROM schedule_batch b JOIN flights_flight f ON f.id = b.flight_id, flights_fare p
WHERE b.differs AND f.destination_id <> b.destination_id AND c.flight_id = f.id AND p.origin_id = b.origin_id
    AND p.destination_id = b.destination_id AND p.cabin = c.cabin AND p.fare_basis = c.cabin || b.fare_tail
"""
UPDATE_FLIGHTS = """
UPDATE flights_flight f SET destination_id = b.destination_id, departs_at = b.departs_at, arrives_at = b.arrives_at,
    aircraft_type = b.aircraft_type, registration = COALESCE(NULLIF(b.registration, ''), f.registration),
    updated_at = %(now)s
FROM schedule_batch b WHERE b.differs AND f.id = b.flight_id
"""
UPDATE_CABINS = f"""
UPDATE flights_flightcabin c SET capacity = {WANTED_SEATS}, free = {WANTED_SEATS} - c.sold - c.held
FROM schedule_batch b
WHERE b.differs AND c.flight_id = b.flight_id AND c.capacity <> {WANTED_SEATS} AND c.sold + c.held <= {WANTED_SEATS}
"""
ADD_CARRIERS = """
INSERT INTO flights_carrier (iata, name, accounting_code) SELECT DISTINCT carrier_id, '', '' FROM schedule_batch
ON CONFLICT DO NOTHING
"""
ADD_FLIGHTS = """
INSERT INTO flights_flight (id, carrier_id, flight_number, operational_suffix, departure_date, origin_id,
    destination_id, departs_at, arrives_at, aircraft_type, registration, status, updated_at)
SELECT id, carrier_id, flight_number, operational_suffix, departure_date, origin_id, destination_id, departs_at,
    arrives_at, aircraft_type, registration, 'scheduled', %(now)s
FROM schedule_batch WHERE flight_id IS NULL ORDER BY n
"""
ADD_CABINS = f"""
INSERT INTO flights_flightcabin (flight_id, cabin, fare_id, capacity, sold, held, free, on_sale)
SELECT COALESCE(b.flight_id, b.id), v.cabin, p.id, v.seats, 0, 0, v.seats, b.on_sale
FROM schedule_batch b CROSS JOIN LATERAL {CABINS}
JOIN flights_fare p ON p.origin_id = b.origin_id AND p.destination_id = b.destination_id AND p.cabin = v.cabin
    AND p.fare_basis = v.cabin || b.fare_tail
WHERE v.seats > 0 AND (b.flight_id IS NULL OR b.differs)
ORDER BY b.n
ON CONFLICT (flight_id, cabin) DO NOTHING
"""
