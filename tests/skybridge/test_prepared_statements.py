"""Statements stay prepared, whatever becomes of the transactions around them."""

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, NotSupportedError

from partners.models import Plan
from skybridge.problems import refusal_from
from tests.bookings.sales import query

pytestmark = pytest.mark.django_db(transaction=True)
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"


def run(times: int) -> int:
    """Run a statement, and return how many like it are prepared."""
    for number in range(times):
        query("SELECT %s::int AS to_be_kept", number)
    return query(PREPARED, "%$1::int AS to_be_kept")[0][0]


def test_a_rollback_leaves_them(db):
    assert run(3) == 1
    with transaction.atomic():
        run(1)
        transaction.set_rollback(True)
    assert run(0) == 1


def test_so_does_a_refusal_inside_of_a_transaction(db):
    plan = {"name": "twice", "rate": 1, "burst": 1, "quota_period": "day"}
    Plan.objects.create(**plan)
    assert run(3) == 1
    with transaction.atomic(), pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.create(**plan)
    assert run(0) == 1


def test_they_go_with_a_table(db):
    query("CREATE TABLE for_now (id int)")
    try:
        assert run(3) == 1
    finally:
        query("DROP TABLE for_now")
    assert run(0) == 0


def test_one_whose_table_was_taken_back_is_planned_anew(db):
    for column in ("first", "second"):
        with transaction.atomic():
            query("CREATE TABLE for_now (id int)")
            query(f"ALTER TABLE for_now ADD {column} int")
            for _ in range(3):
                assert query("SELECT count(*) FROM for_now") == [(0,)]
            transaction.set_rollback(True)


def test_a_migration_beside_costs_a_refusal(db):
    """Another connection changes a table: the next request finds that out, and the one after it goes on."""
    query("CREATE TABLE for_now (id int)")
    try:
        for _ in range(6):
            query("SELECT * FROM for_now")
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as beside:
            beside.execute("ALTER TABLE for_now ALTER id TYPE bigint")
        with pytest.raises(NotSupportedError) as failed:
            query("SELECT * FROM for_now")
        assert refusal_from(failed.value).code == "busy"
        connection.close_if_unusable_or_obsolete()  # what begins each request and task
        assert query("SELECT * FROM for_now") == []
    finally:
        query("DROP TABLE for_now")
