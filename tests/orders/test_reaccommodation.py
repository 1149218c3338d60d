"""The plan of re-accommodation: never more seats than there are, parties together, journeys that can be made."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orders.disruption.reaccommodation import Leg, Option, Party, Rules, Supply, broken_connections, plan

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR, RULES = timedelta(hours=1), Rules()
PLACES = ("JFK", "LAX", "SEA")


def leg(sequence: int, hours: int, moves: bool) -> Leg:
    leaves = NOON + hours * HOUR
    route = PLACES[sequence - 1 : sequence + 1]
    return Leg(
        sequence, UUID(int=sequence), "FL1", "Y", *route, leaves, leaves + 3 * HOUR, leaves, leaves + 3 * HOUR, False,
        moves,
    )  # fmt: skip


@st.composite
def parties(draw):
    gap = draw(st.integers(4, 30))
    legs = [leg(1, 0, True)] + ([leg(2, gap, draw(st.booleans()))] if draw(st.booleans()) else [])
    seats = draw(st.integers(1, 5))
    return lambda number: Party(UUID(int=number + 100), 1, seats, seats, tuple(legs))


@st.composite
def supplies(draw):
    options, free = [], {}
    for cabin_id, (route, hours, seats) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 90), st.integers(0, 9)), max_size=12))
    ):
        leaves = NOON + hours * HOUR
        places = PLACES[route : route + 2]
        options.append(Option(UUID(int=1000 + cabin_id), cabin_id, "FL2", "Y", *places, leaves, leaves + 3 * HOUR))
        free[cabin_id] = seats
    return options, free


@given(st.lists(parties(), max_size=8), supplies())
def test_a_plan_can_be_flown(makers, supply):
    wanted = [make(number) for number, make in enumerate(makers)]
    options, free = supply
    plans = plan(wanted, Supply(options, free), RULES, NOON - 24 * HOUR)
    assert set(plans) == {party.booking_id for party in wanted}
    taken = dict.fromkeys(free, 0)
    for party in wanted:
        moves = plans[party.booking_id]
        if moves is None:
            continue
        assert {leg.sequence for leg in party.legs if leg.has_to_move} <= {move.leg.sequence for move in moves}
        now = {move.leg.sequence: move.option for move in moves}
        for move in moves:
            taken[move.option.cabin_id] += party.seats
            assert (move.option.origin, move.option.destination) == (move.leg.origin, move.leg.destination)
            assert move.leg.departs_at <= move.option.departs_at <= move.leg.departs_at + RULES.window
        journey = [now.get(leg.sequence, leg) for leg in party.legs]
        for one, two in pairwise(journey):
            assert one.arrives_at + RULES.connection <= two.departs_at
    assert all(taken[cabin_id] <= free[cabin_id] for cabin_id in free)


def test_a_stopover_is_the_passengers_to_decide():
    party = Party(UUID(int=1), 1, 1, 1, (leg(1, 0, True), leg(2, 30, False)))
    late = Option(UUID(int=9), 1, "FL2", "Y", "JFK", "LAX", NOON + 40 * HOUR, NOON + 43 * HOUR)
    onward = Option(UUID(int=8), 2, "FL3", "Y", "LAX", "SEA", NOON + 50 * HOUR, NOON + 53 * HOUR)
    assert plan([party], Supply([late, onward], {1: 9, 2: 9}), RULES, NOON) == {party.booking_id: None}


def test_a_connection_booked_shorter_than_the_rule_is_not_broken():
    one, two = leg(1, 0, False), leg(2, 3, False)
    two = two._replace(departs_at=one.arrives_at + timedelta(minutes=30))
    assert broken_connections([one, two._replace(was_departing_at=two.departs_at)], RULES) == []
    assert broken_connections([one, two._replace(was_departing_at=two.departs_at + HOUR)], RULES) != []
