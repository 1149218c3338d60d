import sys
from datetime import date
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from flights.models import Flight
from flights.offers import parse_designator
from orders.disruption.services import cancel_flights, preview_cancellation
from skybridge.arguments import day_of
from skybridge.events import Actor
from skybridge.exceptions import DomainError
from skybridge.progress import ProgressBar


class Command(BaseCommand):
    help = "Cancel flights of one day and re-accommodate their passengers; again, to take up what was broken off."

    def add_arguments(self, parser):
        parser.add_argument("date", type=day_of, help="the local date of departure")
        parser.add_argument("--flights", nargs="+", default=[], metavar="UA1161", help="these flights")
        parser.add_argument("--origins", nargs="+", default=[], metavar="EWR", help="all flights from these airports")
        parser.add_argument("--reason", default="", help="what passengers are told; needed to cancel")
        parser.add_argument("--workers", type=int, default=2, help="how many write at once (2)")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")

    def handle(self, *args, **options):
        if not (options["dry_run"] or options["reason"].strip()):
            raise CommandError("Say why with --reason; passengers are told. To look only: --dry-run.")
        flight_ids = chosen(options["date"], options["flights"], options["origins"])
        if not flight_ids:
            raise CommandError("There are no such flights that have not left.")
        at, bar = timezone.now(), ProgressBar("Re-accommodating", sys.stderr)
        try:
            if options["dry_run"]:
                done = preview_cancellation(flight_ids, at=at)
            else:
                done = cancel_flights(
                    flight_ids, options["reason"], actor=Actor("system", "cancel_flights", "command"), at=at,
                    workers=options["workers"], progress=bar,
                )  # fmt: skip
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from None
        finally:
            bar.close()
        self.report(done, len(flight_ids), "Would be cancelled" if options["dry_run"] else "Cancelled")

    def report(self, done: dict, flights: int, label: str) -> None:
        self.stdout.write(
            f"{label}: {flights} flights, {done['bookings']:,} bookings, {done['passengers']:,} passengers"
        )
        for status, count in done["outcome"].items():
            self.stdout.write(f"{status:<10} {count['bookings']:>8,} bookings {count['passengers']:>8,} passengers")


def chosen(day: date, designators: list[str], origins: list[str]) -> list[UUID]:
    """Return the flights of a day that were named, by designator or by origin; with neither, none."""
    flights = Flight.objects.filter(departure_date=day).exclude(status=Flight.Status.DEPARTED)
    found = set(flights.filter(origin__in=[origin.upper() for origin in origins]).values_list("pk", flat=True))
    for text in designators:
        try:
            carrier, number, suffix = parse_designator(text)
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from None
        named = flights.filter(carrier=carrier, flight_number=number, operational_suffix=suffix)
        ids = list(named.values_list("pk", flat=True))
        if not ids:
            raise CommandError(f"There is no flight {text} on {day} that has not left.")
        found.update(ids)
    return sorted(found)
