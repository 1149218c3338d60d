"""A key revoked in one process, in another one that knows it well."""

import os
import subprocess
import sys
import time
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from partners import services
from tests.partners.conftest import ADMIN


def database_url() -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path="/" + connection.settings_dict["NAME"]))


@pytest.mark.django_db(transaction=True)
def test_a_revoked_key_stops_within_five_seconds_in_another_process(agency):
    api_key, key = services.create_api_key(agency, actor=ADMIN)
    command = [sys.executable, "-m", "tests.partners.watch_key", key]
    environment = os.environ | {"DATABASE_URL": database_url()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "in\n"
        revoked_at = time.time()
        services.revoke_api_key(api_key, actor=ADMIN)
        assert float(process.stdout.readline()) - revoked_at < 5
