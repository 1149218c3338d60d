"""Who makes a call of the schema."""

import pytest


@pytest.fixture
def caller(request, acme):
    """Return somebody who may make the call of the test's parameter `operation`."""
    return request.getfixturevalue(request.node.callspec.params["operation"].caller)
