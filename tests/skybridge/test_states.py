"""Every pair of statuses of every state machine, what repeats them in the database, races, and the event log."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction

from bookings.models import Booking
from flights.models import Flight
from orders.models import DisruptedBooking, Execution, Order
from partners.models import Payment, Refund
from skybridge.events import Actor
from skybridge.exceptions import ConcurrentChange, IllegalTransition
from skybridge.models import Event
from skybridge.states import StateMachine
from tests import factories
from ticketing.models import Bag, Coupon, Emd

ACTOR = Actor("system", "tests", "task")
MAKERS = {
    Bag: lambda status: factories.bag(status),
    Booking: lambda status: factories.booking(status),
    Coupon: lambda status: factories.coupon(status),
    DisruptedBooking: lambda status: factories.disrupted_booking(status),
    Emd: lambda status: factories.emd(status),
    Execution: lambda status: factories.execution(status),
    Flight: lambda status: factories.flight(status=status),
    Order: lambda status: factories.order(status),
    Payment: lambda status: factories.payment(status),
    Refund: lambda status: factories.refund(status),
}
MACHINES = sorted(StateMachine.__subclasses__(), key=lambda machine: machine.__name__)
PAIRS = [(machine, old, new) for machine in MACHINES for old in machine.Status for new in machine.Status]
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)


def test_every_machine_is_walked():
    assert set(MAKERS) == set(MACHINES)


def events_of(row) -> list[tuple]:
    return list(Event.objects.filter(subject_id=row.pk).values_list("action", "before", "after", "reason", "actor_id"))


@pytest.mark.django_db
@pytest.mark.parametrize(("machine", "old", "new"), PAIRS, ids=lambda value: getattr(value, "name", None))
def test_every_pair_of_statuses(machine, old, new):
    row = MAKERS[machine](old)
    allowed = machine.TRANSITIONS.get(old, ())
    if new in allowed:
        row.move_to(new, actor=ACTOR, reason="why")
        action = f"{machine._meta.model_name}.{new.name.lower()}"
        assert events_of(row) == [(action, {"status": old}, {"status": new}, "why", "tests")]
    else:
        with pytest.raises(IllegalTransition) as refused:
            row.move_to(new, actor=ACTOR)
        assert refused.value.details == {"status_now": old, "allowed": [str(status) for status in allowed]}
        assert all(str(status) in refused.value.message for status in allowed)
        assert events_of(row) == []
    expected = new if new in allowed else old
    assert (row.status, machine.objects.get(pk=row.pk).status) == (expected, expected)


@each_machine
def test_the_table_names_known_statuses_only(machine):
    named = set(machine.TRANSITIONS) | {status for row in machine.TRANSITIONS.values() for status in row}
    assert named <= set(machine.Status)
    assert all(row for row in machine.TRANSITIONS.values())


@pytest.mark.django_db
@each_machine
def test_the_check_constraint_repeats_the_statuses(machine):
    name = f"{machine._meta.model_name}_status"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        [(definition,)] = cursor.fetchall()
    assert set(re.findall(r"'(\w+)'::", definition)) == {str(status) for status in machine.Status}
    row = MAKERS[machine](machine.Status.values[0])
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        machine.objects.filter(pk=row.pk).update(status="?")


@pytest.mark.django_db
def test_further_columns_change_in_the_same_move():
    booking = factories.booking()
    booking.move_to(Booking.Status.CONFIRMED, actor=ACTOR, expires_at=None, version=2)
    stored = Booking.objects.get(pk=booking.pk)
    assert (stored.status, stored.expires_at, stored.version) == ("confirmed", None, 2)
    assert (booking.expires_at, booking.version) == (None, 2)


@pytest.mark.django_db
def test_several_rows_move_together_or_not_at_all():
    coupons = [factories.coupon("O"), factories.coupon("C"), factories.coupon("V")]
    with pytest.raises(IllegalTransition), transaction.atomic():
        Coupon.move_all(coupons, Coupon.Status.REFUNDED, actor=ACTOR)
    assert [Coupon.objects.get(pk=coupon.pk).status for coupon in coupons] == ["O", "C", "V"]
    assert not Event.objects.exists()


@pytest.mark.django_db
@each_machine
def test_a_row_that_has_moved_meanwhile(machine):
    [(old, (new, *_))] = list(machine.TRANSITIONS.items())[:1]
    row = MAKERS[machine](old)
    stale = machine.objects.get(pk=row.pk)
    row.move_to(new, actor=ACTOR)
    with pytest.raises(ConcurrentChange):
        stale.move_to(new, actor=ACTOR)
    assert (stale.status, len(events_of(row))) == (old, 1)


@pytest.mark.django_db(transaction=True)
def test_of_sessions_that_race_one_wins():
    pending = factories.booking()
    start, outcomes = Barrier(8), []

    def run(place: int) -> None:
        status = (Booking.Status.CONFIRMED, Booking.Status.CANCELED)[place % 2]
        booking = Booking.objects.get(pk=pending.pk)
        start.wait(10)
        try:
            with transaction.atomic():
                booking.move_to(status, actor=ACTOR)
            outcomes.append(status)
        except ConcurrentChange:
            outcomes.append(None)
        connection.close()

    threads = [Thread(target=run, args=[place]) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [status for status in outcomes if status]
    assert len(outcomes) == 8
    assert Booking.objects.get(pk=pending.pk).status == winner
    assert [after for _, _, after, _, _ in events_of(pending)] == [{"status": winner}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE skybridge_event SET reason = 'other'",
        "UPDATE skybridge_event SET id = id",
        "DELETE FROM skybridge_event",
        "INSERT INTO skybridge_event SELECT * FROM skybridge_event ON CONFLICT (id) DO UPDATE SET reason = 'other'",
    ],
)
def test_the_event_log_is_append_only(sql):
    booking = factories.booking()
    booking.move_to(Booking.Status.CANCELED, actor=ACTOR, reason="why")
    before = list(Event.objects.values())
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert list(Event.objects.values()) == before != []


@pytest.mark.django_db
def test_an_event_tells_when(pass_time):
    booking = factories.booking()
    pass_time(days=1)
    booking.move_to(Booking.Status.CANCELED, actor=ACTOR)
    assert Event.objects.get().at - booking.created_at > timedelta(days=1)
