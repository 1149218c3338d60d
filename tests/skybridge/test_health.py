"""Health checks, the home page and the pages of the API's description, which load nothing from elsewhere."""

import re
from datetime import timedelta

import pytest
import redis
from django.db import OperationalError
from django.utils import timezone

from orders.models import Backup
from skybridge import views

PAGES = ("/", "/docs", "/redoc")


@pytest.mark.parametrize("slash", ["", "/"])
def test_livez_asks_nobody(slash, nobody, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = nobody.get(f"/livez{slash}")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("slash", ["", "/"])
def test_readyz(slash, nobody):
    answer = nobody.get(f"/readyz{slash}")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "valkey": "ok", "backups": "ok"}}


def test_backups_that_wait_are_named_and_do_not_stop_the_sale(nobody, django_assert_num_queries):
    taken_at = timezone.now() - timedelta(seconds=34)
    for version in (1, 2):
        Backup.objects.create(kind="order", stream="one", version=version, taken_at=taken_at, document={})
    nobody.get("/readyz")
    with django_assert_num_queries(2):  # SELECT 1, and what waits
        answer = nobody.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["backups"]) == (200, "2 waiting, oldest 34 s")


@pytest.fixture
def valkey_down(monkeypatch):
    monkeypatch.setattr(views, "valkey", lambda: redis.Redis.from_url("redis://127.0.0.1:1/0"))


def test_valkey_down_is_named_but_does_not_stop_the_sale(nobody, valkey_down):
    answer = nobody.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["valkey"].startswith("unreachable")


def test_a_database_that_is_down_is_503(nobody, monkeypatch):
    class Down:
        def cursor(self):
            raise OperationalError

    monkeypatch.setattr(views, "connection", Down())
    answer = nobody.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["checks"]["database"] == "unreachable"


def test_pending_migrations_are_503(nobody, monkeypatch):
    views.require_migrations.cache_clear()
    monkeypatch.setattr(views.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    answer = nobody.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "migrations pending")
    monkeypatch.undo()
    assert nobody.get("/readyz").status_code == 200


def resources(page: str) -> list[str]:
    return re.findall(r"""(?:src|href|data-schema|spec-url)\s*=\s*["']([^"']+)["']""", page)


@pytest.mark.parametrize("path", [*PAGES, "/docs/", "/redoc/"])
def test_pages_load_local_files_only(path, nobody):
    answer = nobody.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert resources(page)
    assert not any("//" in resource for resource in resources(page))
    assert not re.findall(r"<script(?![^>]*\bsrc=)|\bon\w+=|<style|\bstyle=", page)  # the policy would refuse them


@pytest.mark.parametrize("path", PAGES)
def test_what_the_pages_load_is_there(path, nobody):
    for resource in resources(nobody.get(path).content.decode()):
        answer = nobody.get(resource)
        assert answer.status_code in (200, 302), resource
        if resource.startswith("/static/"):
            assert b"".join(answer.streaming_content)


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json", "/livez", "/admin/login/", "/nowhere"])
def test_the_content_security_policy(path, nobody):
    policy = nobody.get(path)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy or "unsafe" not in policy.split("script-src")[1].split(";")[0]
    assert "http" not in policy


def test_the_schema_is_served(nobody):
    answer = nobody.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")
    assert "/bookFlight" in answer.json()["paths"]
