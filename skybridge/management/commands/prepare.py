from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from skybridge import roles
from skybridge.embedded import keys


class Command(BaseCommand):
    help = "Bring the database up to date and make sure that the demo data is there. Prints nothing."

    def handle(self, *args, **options) -> None:
        keys.make_key_pair(settings.HOME)
        keys.boarding_pass_pem(settings.HOME)
        try:
            if has_pending_migrations():
                call_command("migrate", interactive=False, verbosity=0)
            roles.apply()
        except OperationalError as error:
            raise CommandError(f"The database does not let us in: {last_line(error)}") from None
        except DatabaseError as error:
            raise CommandError(f"The database cannot be brought up to date: {last_line(error)}") from error
        if "demo" in get_commands():
            call_command("demo", verbosity=0)


def has_pending_migrations() -> bool:
    """Look first: `migrate` with nothing to do takes a while to find that out."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
