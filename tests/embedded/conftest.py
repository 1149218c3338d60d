"""A fresh state directory, and an environment without the databases that this test run itself uses."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SKYBRIDGE_", "JWT_", "PORT", "HOST", "DJANGO_")


@pytest.fixture
def home():
    """Like tmp_path, but the engines' own account can enter it when the tests run as root."""
    directory = Path(tempfile.mkdtemp(prefix="skybridge-home-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def bare_environment(home, monkeypatch):
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SKYBRIDGE_HOME", str(home))
    monkeypatch.setenv("SKYBRIDGE_DEMO_SALES", "0")  # what is tested is the start
