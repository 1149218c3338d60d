from datetime import UTC, date, datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orders.archiving import YOUNGEST, Summary, archive_flights
from skybridge.arguments import day_of
from skybridge.events import Actor
from skybridge.progress import ProgressBar
from skybridge.storage import StorageError


class Command(BaseCommand):
    help = (
        "Move what flights that left before a day need no more to the object store, and delete it here: boarding "
        "passes, scans, bags, holds that ran out, and the flights that nobody bought. Safe to break off and repeat."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--before", type=day_of, required=True, metavar="2025-01-01", help="UTC")
        parser.add_argument("--dry-run", action="store_true", help="say what would be moved, and change nothing")

    def handle(self, *args, before: date, dry_run: bool, **options) -> None:
        at, bar = timezone.now(), ProgressBar("Archiving")
        moment = datetime(before.year, before.month, before.day, tzinfo=UTC)
        if moment > at - YOUNGEST:
            raise CommandError(f"Flights stay for {YOUNGEST.days} days after they left: name an earlier day.")
        actor = Actor("system", "archive_flights", "command")
        try:
            summary = archive_flights(moment, actor=actor, at=at, dry_run=dry_run, progress=bar)
        except StorageError as exc:
            raise CommandError(f"Broken off, nothing is lost; start again when it is mended. {exc}") from exc
        finally:
            bar.close()
        self.report(summary, "Would be archived" if dry_run else "Archived")

    def report(self, summary: Summary, words: str) -> None:
        self.stdout.write(f"{words}: {summary.flights:,} flights, {summary.gone:,} of them gone from here")
        for table, count in summary.rows.items():
            self.stdout.write(f"{table:<24} {count:>12,} rows")
        if summary.left:
            self.stdout.write(f"{summary.left:,} flights were being changed and wait for the next run")
