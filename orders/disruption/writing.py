"""Writing down what becomes of disrupted bookings: some hundred in a transaction, in a constant number of statements.

Nothing is written over what has changed since it was read: a booking with another version, or whose new seats have
gone meanwhile, is left as it is and returned, to be planned anew. Locks are taken as everywhere: orders, bookings,
coupons, cabins, each by primary key.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from bookings.fare_rules import FREE_UNTIL
from bookings.models import Booking
from orders.delivery import make_versions
from orders.disruption.reaccommodation import Move, Party
from orders.emds import lock_orders_of
from orders.models import DisruptedBooking, Order
from skybridge.events import Actor, Happening, record
from skybridge.identifiers import uuid7
from ticketing import bags, passes
from ticketing.models import BoardingPass, Coupon
from ticketing.services import move_coupons

Status = DisruptedBooking.Status
CHUNK = 300  # bookings of one transaction


class Decision(NamedTuple):
    """What is to become of a party, and which disruptions touch it (flight id -> disruption id)."""

    party: Party
    status: str
    moves: Sequence[Move]
    disruptions: Mapping[UUID, UUID]
    ends_check_in: bool = False  # of the disrupted flights, though nobody moves
    closes_at: datetime | None = None  # when the first of the flights leaves that there is a choice about

    @property
    def has_choice(self) -> bool:
        return self.status in (Status.WAITING, Status.REBOOKED)


class LockedCoupon(NamedTuple):
    id: UUID
    booking_id: UUID
    sequence: int
    flight_id: UUID | None
    cabin: str
    status: str
    takes_seat: bool


# All is looked up by key. The planner would scan tables that were small when it last counted their rows, and these
# grow by thousands in a second: 300 orders' backups took 18 s of a core instead of 0.2 s. A plan kept from before would
# not know of it.
BY_KEY = """
SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)"""
COUPONS = """
SELECT k.id, t.booking_id, k.sequence, k.flight_id, k.cabin, k.status, k.takes_seat
FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
WHERE t.booking_id = ANY(%(booking_ids)s::uuid[]) AND k.status IN ('O', 'C', 'L', 'F')
ORDER BY k.id FOR NO KEY UPDATE OF k
"""
CABINS = """
SELECT c.id, c.flight_id, c.cabin, CASE WHEN c.on_sale THEN c.free ELSE 0 END FROM flights_flightcabin c
WHERE (c.flight_id, c.cabin) IN (SELECT * FROM unnest(%(flight_ids)s::uuid[], %(cabins)s::text[]))
ORDER BY c.id FOR NO KEY UPDATE
"""
COUNT_SEATS = """
UPDATE flights_flightcabin c SET sold = c.sold + n.seats, free = c.free - n.seats
FROM unnest(%(ids)s::bigint[], %(seats)s::int[]) AS n (id, seats) WHERE c.id = n.id
"""
REVALIDATE = """
UPDATE ticketing_coupon k SET flight_id = n.flight_id, seat = NULL, checked_in_at = NULL, is_no_show = FALSE
FROM unnest(%(ids)s::uuid[], %(flight_ids)s::uuid[]) AS n (id, flight_id) WHERE k.id = n.id
"""
LET_CHOOSE = """
UPDATE ticketing_coupon k SET fare_rules = k.fare_rules || jsonb_build_object(%(name)s::text, n.until)
FROM unnest(%(ids)s::uuid[], %(until)s::text[]) AS n (id, until)
WHERE k.id = n.id AND k.status IN ('O', 'C', 'L') AND k.fare_rules <> '{}'
"""


def execute(sql: str, parameters: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def write_decisions(decisions: Sequence[Decision], *, actor: Actor, reason: str, at: datetime) -> list[Decision]:
    """Write decisions down in one transaction; return those that could not be, because something has changed."""
    wanted = {decision.party.booking_id: decision for decision in decisions}
    with transaction.atomic():
        execute(BY_KEY, {})
        orders = lock_orders_of(wanted)
        bookings = list(Booking.objects.locked().filter(pk__in=wanted, status=Booking.Status.CONFIRMED))
        current = {booking.pk for booking in bookings if booking.version == wanted[booking.pk].party.version}
        coupons = lock_coupons(current)
        fitting, seats = fit([wanted[pk] for pk in wanted if pk in current], coupons)
        writing = Writing(fitting, [k for k in coupons if k.booking_id in fitting], actor, reason, at)
        writing.end_check_in()
        writing.move_seats(seats)
        writing.revalidate()
        writing.let_choose()
        writing.supersede()
        writing.record()
        count_up(fitting, concerned(orders.values(), bookings, fitting, writing.has_offloaded), at)
    return [decision for pk, decision in wanted.items() if pk not in fitting]


def concerned(
    orders: Iterable[Order], bookings: Iterable[Booking], written: Collection[UUID], with_emds: bool = False
) -> list[Order]:
    """Return the locked orders that sell bookings which are written, or all where EMDs have moved too."""
    selling = {booking.order_id for booking in bookings if booking.pk in written}
    return [order for order in orders if with_emds or order.pk in selling]


def lock_coupons(booking_ids: Collection[UUID]) -> list[LockedCoupon]:
    return [LockedCoupon(*row) for row in execute(COUPONS, {"booking_ids": list(booking_ids)})]


def fit(
    decisions: Sequence[Decision], coupons: Iterable[LockedCoupon]
) -> tuple[dict[UUID, Decision], Mapping[int, int]]:
    """Lock the cabins concerned; return the decisions whose seats are still free, and what each cabin sells more."""
    places = {
        place
        for decision in decisions
        for move in decision.moves
        for place in ((move.leg.flight_id, move.leg.cabin), (move.option.flight_id, move.option.cabin))
    }
    parameters = {"flight_ids": [flight for flight, _ in places], "cabins": [cabin for _, cabin in places]}
    rows = execute(CABINS, parameters) if places else []
    ids = {(flight_id, cabin): pk for pk, flight_id, cabin, _ in rows}
    free = {pk: seats for pk, _, _, seats in rows}
    taken = Counter((k.booking_id, k.flight_id) for k in coupons if k.takes_seat)
    fitting: dict[UUID, Decision] = {}
    seats: Counter[int] = Counter()
    for decision in decisions:
        pk, count = decision.party.booking_id, decision.party.seats
        as_read = all(taken[pk, move.leg.flight_id] == count for move in decision.moves)
        if as_read and all(free.get(move.option.cabin_id, 0) >= count for move in decision.moves):
            fitting[pk] = decision
            for move in decision.moves:
                free[move.option.cabin_id] -= count
                seats[move.option.cabin_id] += count
                seats[ids[move.leg.flight_id, move.leg.cabin]] -= count
    return fitting, seats


class Writing:
    """One transaction's decisions, by booking, with the locked coupons of their bookings."""

    def __init__(
        self, decisions: Mapping[UUID, Decision], coupons: Sequence[LockedCoupon], actor: Actor, reason: str,
        at: datetime,
    ):  # fmt: skip
        self.decisions, self.coupons = decisions, coupons
        self.actor, self.reason, self.at = actor, reason, at
        self.decide_by = at + settings.DISRUPTION_CHOICE
        self.has_offloaded = False
        self.options = {(pk, move.leg.sequence): move for pk, decision in decisions.items() for move in decision.moves}

    def end_check_in(self) -> None:
        """Take off who has checked in for a flight that is given up; nothing for who has not."""
        concerned = [k for k in self.coupons if k.status in ("C", "L") and self.leaves(k)]
        if not concerned:
            return
        offload([k.id for k in concerned], actor=self.actor, reason=self.reason, at=self.at)
        self.has_offloaded = True

    def leaves(self, coupon: LockedCoupon) -> bool:
        decision = self.decisions[coupon.booking_id]
        gone = {leg.flight_id for leg in decision.party.legs if leg.has_to_move}
        if decision.ends_check_in:
            gone |= set(decision.disruptions)
        return coupon.flight_id in gone or (coupon.booking_id, coupon.sequence) in self.options

    def move_seats(self, seats: Mapping[int, int]) -> None:
        if seats:
            execute(COUNT_SEATS, {"ids": list(seats), "seats": list(seats.values())})

    def revalidate(self) -> None:
        """Let open coupons be for other flights, at the fare that was paid."""
        moved = [k for k in self.coupons if (k.booking_id, k.sequence) in self.options]
        flights = [self.options[k.booking_id, k.sequence].option.flight_id for k in moved]
        if not moved:
            return
        execute(REVALIDATE, {"ids": [k.id for k in moved], "flight_ids": flights})
        happenings = [
            Happening("coupon.revalidated", k.id, {"flight_id": str(k.flight_id)}, {"flight_id": str(flight_id)})
            for k, flight_id in zip(moved, flights, strict=True)
        ]
        record(happenings, actor=self.actor, at=self.at)

    def let_choose(self) -> None:
        """Let whoever has a choice get everything back until the deadline."""
        choosing = [k for k in self.coupons if self.decisions[k.booking_id].has_choice]
        if choosing:
            until = [self.deadline(self.decisions[k.booking_id]).isoformat() for k in choosing]
            execute(LET_CHOOSE, {"name": FREE_UNTIL, "ids": [k.id for k in choosing], "until": until})

    def deadline(self, decision: Decision) -> datetime:
        """Return until when a party can choose, never after it has left."""
        return min(self.decide_by, decision.closes_at or self.decide_by)

    def supersede(self) -> None:
        """Close what was waiting because of an earlier disruption of the same flight."""
        waiting = DisruptedBooking.objects.filter(booking__in=self.decisions, status=Status.WAITING)
        older = [
            row
            for row in waiting.select_related("disruption").order_by("pk").select_for_update(of=("self",))
            if row.disruption.flight_id in self.decisions[row.booking_id].disruptions
        ]
        DisruptedBooking.move_all(
            older, Status.SUPERSEDED, actor=self.actor, reason="disrupted again", at=self.at, decided_at=self.at
        )

    def record(self) -> None:
        """Keep what became of each booking, with an event each."""
        rows = [row for decision in self.decisions.values() for row in self.rows_of(decision)]
        DisruptedBooking.objects.bulk_create(rows)
        happenings = [self.happening(decision) for decision in self.decisions.values()]
        record(happenings, actor=self.actor, at=self.at)

    def rows_of(self, decision: Decision) -> Iterable[DisruptedBooking]:
        for disruption_id in decision.disruptions.values():
            yield DisruptedBooking(
                id=uuid7(),
                disruption_id=disruption_id,
                booking_id=decision.party.booking_id,
                status=decision.status,
                passengers=decision.party.passengers,
                moves=[move_document(move) for move in decision.moves],
                decide_by=self.deadline(decision) if decision.has_choice else None,
                created_at=self.at,
            )

    def happening(self, decision: Decision) -> Happening:
        before = {"flights": [leg_text(move.leg) for move in decision.moves]} if decision.moves else None
        after: dict[str, Any] = {"disruption": decision.status}
        if decision.moves:
            after["flights"] = [leg_text(move.option) for move in decision.moves]
        return Happening("booking.disrupted", decision.party.booking_id, before, after, self.reason)


def offload(coupon_ids: Collection[UUID], *, actor: Actor, reason: str, at: datetime) -> None:
    """Undo the check-in of locked coupons: their passes end, their bags come off, their seats stay theirs."""
    coupons = list(Coupon.objects.filter(pk__in=coupon_ids).order_by("pk"))
    lifted = [coupon for coupon in coupons if coupon.status == Coupon.Status.LIFTED]
    move_coupons(lifted, Coupon.Status.CHECKED_IN, actor=actor, reason=reason, at=at, boarded_at=None)
    move_coupons(coupons, Coupon.Status.OPEN, actor=actor, reason=reason, at=at, checked_in_at=None)
    passes.end_passes(coupon_ids, BoardingPass.End.FLIGHT_CHANGED, at=at)
    bags.remove_bags(list(bags.checked_bags(coupon_ids)), actor=actor, reason=reason, at=at)


def move_document(move: Move) -> dict[str, Any]:
    leg, option = move
    return {
        "sequence": leg.sequence,
        "cabin": leg.cabin,
        "from_id": str(leg.flight_id),
        "from": leg_text(leg),
        "to_id": str(option.flight_id),
        "to": leg_text(option),
    }


def leg_text(leg: Any) -> str:
    """Return a flight as `FL123 JFK-LAX 2026-12-01T15:00:00+00:00`."""
    return f"{leg.designator} {leg.origin}-{leg.destination} {leg.departs_at.isoformat()}"


def count_up(booking_ids: Collection[UUID], orders: Iterable[Order], at: datetime) -> None:
    """Make the next version of locked bookings and orders, and keep the orders' backups. One statement."""
    make_versions(booking_ids, [order.pk for order in orders], at)


def touch_pending(disruption_ids: Collection[UUID], *, at: datetime) -> None:
    """Count the pending bookings of disrupted flights up, so that nobody confirms one as it was read before.

    Those that have changed since are as the flight is now.
    """
    disrupted = "tickets__coupons__flight__disruptions"
    pending = Booking.objects.filter(
        **{f"{disrupted}__in": disruption_ids}, status=Booking.Status.PENDING,
        updated_at__lt=F(f"{disrupted}__created_at"),
    )  # fmt: skip
    ids = sorted(set(pending.values_list("pk", flat=True)))
    for start in range(0, len(ids), CHUNK):
        with transaction.atomic():
            chunk = ids[start : start + CHUNK]
            orders = lock_orders_of(chunk)
            bookings = list(Booking.objects.locked().filter(pk__in=chunk, status=Booking.Status.PENDING))
            written = {booking.pk for booking in bookings}
            count_up(written, concerned(orders.values(), bookings, written), at)
