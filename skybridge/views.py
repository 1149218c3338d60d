"""Health, the home page, and the error answers of paths that no viewset serves."""

import functools
import secrets

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from flights.forms import FlightsForm
from skybridge import pages, problems
from skybridge.exceptions import Forbidden, InvalidInput, NotFound
from skybridge.valkey import valkey


@require_safe
def home(request) -> HttpResponse:
    """Show where everything begins, the search of flights first."""
    return render(request, "skybridge/home.html", {"form": FlightsForm(at=timezone.now())})


@require_safe
def swagger(request) -> HttpResponse:
    return render(request, "skybridge/docs.html")


@require_safe
def redoc(request) -> HttpResponse:
    """The reference; ReDoc writes its style sheets itself, so this page's policy lets in those with its nonce."""
    nonce = secrets.token_urlsafe(16)
    response = render(request, "skybridge/redoc.html", {"style_nonce": nonce})
    response["Content-Security-Policy"] = f"{settings.CONTENT_SECURITY_POLICY}; style-src 'self' 'nonce-{nonce}'"
    return response


@require_safe
def livez(request) -> JsonResponse:
    """Tell that this process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request) -> JsonResponse:
    """Tell whether this process can do its work; Valkey down and late backups are named but do not stop the sale."""
    checks = {"database": database_state(), "valkey": valkey_state()}
    ready = checks["database"] == "ok"
    if ready:
        checks |= {name: import_string(function)() for name, function in settings.HEALTH_DETAILS.items()}
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


class MigrationsPending(Exception):
    pass


def database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        require_migrations()
    except MigrationsPending:
        return "migrations pending"
    except DatabaseError:
        return "unreachable"
    return "ok"


@functools.cache
def require_migrations() -> None:
    """Raise MigrationsPending until the database has every migration of this code, then never look again."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MigrationsPending


def valkey_state() -> str:
    try:
        valkey().ping()
    except redis.RedisError:
        return "unreachable: throttling counts per process"
    return "ok"


def bad_request(request, exception) -> HttpResponse:
    return pages.refuse(request, InvalidInput("Bad Request"))


def forbidden(request, exception=None, reason="") -> HttpResponse:
    return pages.refuse(request, Forbidden())


def not_found(request, exception) -> HttpResponse:
    return pages.refuse(request, NotFound())


def server_error(request) -> HttpResponse:
    return pages.refuse(request, problems.InternalError())
