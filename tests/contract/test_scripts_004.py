"""The scripts of founding document 004, completed, against a system as `manage.py up` runs it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skybridge.embedded.engines import free_port
from tests.embedded.conftest import bare_environment, home
from tests.embedded.test_up import STOP_SECONDS, running

SCRIPTS = Path(__file__).parent / "scripts"
SECONDS = 180

__all__ = ["bare_environment", "home"]  # fixtures


@pytest.fixture
def system(bare_environment, home):
    """Return what the demo's `demo.json` says of a system that runs with its worker."""
    with running(free_port()) as supervisor:
        yield json.loads((home / "demo.json").read_text())
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(STOP_SECONDS)


def run(system: dict, *command: str) -> str:
    """Run a script as the demo's first agency; return what it prints."""
    address = {"API_BASE_URL": system["url"], "API_BASE": system["url"], "API_KEY": system["agencies"][0]["api_key"]}
    done = subprocess.run(
        command, cwd=SCRIPTS, env=os.environ | address, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_founding_scripts(system):
    """One system for both: it takes seconds to start."""
    printed = run(system, sys.executable, "test_api.py")
    assert printed.count("SUCCEEDED") == 2
    assert printed.endswith("All tests completed successfully!\n")
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the bash script needs bash and curl, which are not installed")
    printed = run(system, "bash", "test_api.sh")
    assert printed.count("Status: SUCCEEDED") == 2
    assert printed.endswith("=== Test Complete ===\n")
