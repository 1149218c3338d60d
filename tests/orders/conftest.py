from datetime import timedelta

import pytest

from orders import backups
from skybridge.storage import store
from tests import factories
from tests.bookings.sales import confirmed
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import cancel, later
from tests.orders.objects import Watched


@pytest.fixture(autouse=True)
def _own_objects(settings, tmp_path):
    """Each test has an object store of its own."""
    settings.S3_BUCKET, settings.STORAGE_DIRECTORY = "", tmp_path / "objects"
    store.cache_clear()
    yield
    store.cache_clear()


@pytest.fixture
def watched(monkeypatch) -> Watched:
    watched = Watched()
    monkeypatch.setattr(backups, "store", lambda: watched)
    return watched


@pytest.fixture
def _whole(db):
    """Whatever a test does, the database is whole afterwards."""
    yield
    verify_invariants()


@pytest.fixture
def goods():
    """Two products for passengers, and one that is for nobody in particular."""
    shop.product("BAG1", "35.00", stock=40, rfic="C", rfisc="0CC")
    shop.product("SEATPREF", "24.00", stock=40, rfic="A", rfisc="0B5")
    shop.product("PROD001", "999.99", stock=40)


@pytest.fixture
def booking(acme, flight) -> dict:
    """A confirmed booking of two passengers."""
    sold = confirmed(acme, flight, seats=2)
    shop.run(sold)
    return sold


@pytest.fixture
def onward(flight):
    """A flight that leaves Los Angeles two hours after the first one arrives."""
    return factories.flight("LAX", "SEA", departs_at=flight.arrives_at + timedelta(hours=2))


@pytest.fixture
def rebooked(acme, flight) -> dict:
    """A booking of two whose flight was cancelled and who have the next one."""
    later(flight, 2)
    booking = confirmed(acme, flight, seats=2)
    cancel(flight)
    return booking
