from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from orders.archives import is_sound, keys_of, put_back, read
from skybridge.arguments import day_of
from skybridge.events import Actor
from skybridge.storage import StorageError


class Command(BaseCommand):
    help = "Show archived flights: a day's, or one as JSON; put it back into the database; verify what is stored."

    def add_arguments(self, parser) -> None:
        parser.add_argument("date", type=day_of, nargs="?", help="the local date of departure")
        parser.add_argument("flight", nargs="?", default="", metavar="UA1161", help="write it as JSON, a line each")
        parser.add_argument("--put-back", action="store_true", help="put the day's flights, or the one, back")
        parser.add_argument("--verify", action="store_true", help="read every object; exit code 1 if one is not sound")

    def handle(self, *args, date: date | None, flight: str, **options) -> None:
        if date is None and not options["verify"]:
            raise CommandError("Name a day, or --verify all.")
        try:
            keys = list(keys_of(date, flight.upper()))
            if options["verify"]:
                self.verify(keys)
            elif options["put_back"]:
                self.put_back(keys)
            else:
                for key in keys:
                    self.stdout.write(read(key).decode() if flight else key)
        except StorageError as exc:
            raise CommandError(str(exc)) from exc

    def verify(self, keys: list[str]) -> None:
        broken = [key for key in keys if not is_sound(key)]
        for key in broken:
            self.stdout.write(f"not sound: {key}")
        self.stdout.write(f"{len(keys):,} objects, {len(broken)} not sound")
        if broken:
            raise SystemExit(1)

    def put_back(self, keys: list[str]) -> None:
        actor = Actor("system", "read_archive", "command")
        try:
            rows = put_back(keys, actor=actor, at=timezone.now())
        except IntegrityError as exc:
            raise CommandError(f"Nothing was put back. Another archived flight belongs to it: {exc}") from exc
        self.stdout.write(f"{len(keys):,} objects, {sum(rows.values()):,} rows put back")
