"""Who makes a call of the schema, and the inventory of founding document 004."""

import pytest

from orders.demo import ensure_demo_products


@pytest.fixture
def caller(request, acme):
    """Return somebody who may make the call of the test's parameter `operation`."""
    return request.getfixturevalue(request.node.callspec.params["operation"].caller)


@pytest.fixture
def _inventory(db, settings, tmp_path):
    settings.STORAGE_DIRECTORY = tmp_path / "objects"
    ensure_demo_products()
