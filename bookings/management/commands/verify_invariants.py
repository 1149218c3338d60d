import time
from collections.abc import Iterator
from importlib import import_module

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction
from django.utils.module_loading import module_has_submodule

from skybridge.invariants import Invariant, examine
from skybridge.progress import ProgressBar


class Command(BaseCommand):
    help = "Prove over the whole database what must always be true. Exit code 0: all of it is; 1: something is not."

    def handle(self, *args, **options) -> None:
        invariants = list(all_invariants())
        require_database()
        began_at = time.monotonic()
        with transaction.atomic():
            see_one_moment()
            broken = self.examine_all(invariants)
        seconds = time.monotonic() - began_at
        self.stdout.write(f"{len(invariants)} invariants, {broken} broken, {seconds:.1f} s")
        if broken:
            raise SystemExit(1)

    def examine_all(self, invariants: list[Invariant]) -> int:
        """Write a line for each invariant; return how many are broken."""
        progress = ProgressBar("Verifying")
        broken = 0
        for done, invariant in enumerate(invariants):
            progress(done, len(invariants))
            began_at = time.monotonic()
            found = examine(invariant)
            seconds = time.monotonic() - began_at
            broken += bool(found.violations)
            progress.close()
            verdict = f"{found.violations} violations: {', '.join(found.ids)}" if found.violations else "ok"
            self.stdout.write(f"{invariant.name:<42} {seconds:6.2f} s  {verdict}")
        return broken


def all_invariants() -> Iterator[Invariant]:
    for app in apps.get_app_configs():
        if app.module and module_has_submodule(app.module, "invariants"):
            yield from import_module(f"{app.name}.invariants").INVARIANTS


def require_database() -> None:
    """Raise CommandError when the database does not let us in."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        raise CommandError(
            f"The database does not let us in, so nothing was verified: {reason}. "
            "Start it (`make run` starts the one that comes with it), or set DATABASE_URL to where it is."
        ) from None


def see_one_moment() -> None:
    """Let all queries see one moment, so that they can run beside sales, and take their time."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        if not connection.savepoint_ids:  # not inside another transaction, as tests are
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
