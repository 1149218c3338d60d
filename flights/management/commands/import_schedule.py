from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter

from flights.airports import load_airports
from flights.imports import Summary, airport_zones, import_flights
from flights.models import Airport
from flights.schedule_files import READERS, read_schedule
from flights.schedules import EXAMPLE, UnreadableFile
from skybridge.events import Actor
from skybridge.progress import ProgressBar

SHOWN = 20
COLUMNS = """Our CSV has a header with these columns in any order; other columns are ignored.
Times are local, seats are the aircraft's.

{}
{}"""


class Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Leaves the example's lines as they are."""


class Command(BaseCommand):
    help = "Merge a schedule file (our CSV or SSIM chapter 7, plain or gzip) into the flights; safe to repeat."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.formatter_class, parser.epilog = Formatter, COLUMNS.format(*EXAMPLE)
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=sorted(READERS), default="", help="told by the content if not given")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args, file: Path, dry_run: bool, **options):
        if not Airport.objects.exists():
            load_airports()
        bar = ProgressBar(file.name)
        records = read_schedule(file, airport_zones(), file_format=options["format"], progress=bar)
        actor = Actor("system", "import_schedule", "command")
        try:
            summary = import_flights(records, actor=actor, source=file.name, dry_run=dry_run)
        except UnreadableFile as error:
            raise CommandError(f"{file} cannot be read as a schedule: {error}") from None
        finally:
            bar.close()
        self.report(summary, dry_run)

    def report(self, summary: Summary, dry_run: bool) -> None:
        self.list_notes("refused", summary.refusals, summary.refused)
        self.list_notes("warning", summary.warnings, summary.warned)
        self.stdout.write(f"{'dry run: ' if dry_run else ''}{summary}")

    def list_notes(self, word: str, notes: list, total: int) -> None:
        for note in sorted(notes, key=lambda note: note.line)[:SHOWN]:
            self.stderr.write(f"line {note.line}: {word}: {note.reason}")
        if total > SHOWN:
            self.stderr.write(f"... and {total - SHOWN:,} more ({word})")
