import pytest

from orders import backups
from skybridge.storage import store
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
