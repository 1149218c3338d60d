import os

from django.core.management.base import BaseCommand
from django.utils import timezone

from bookings.demo import write_facts
from flights.demo import add_demo_schedule
from orders.demo import ensure_demo_limits, ensure_demo_products
from partners.demo import ensure_demo_callers, facts_file
from skybridge.events import Actor


class Command(BaseCommand):
    help = "Make sure that the demo schedule, agencies, keys and users are there, and write demo.json. Safe to repeat."
    requires_system_checks = []

    def add_arguments(self, parser):
        default = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
        parser.add_argument("--url", default=default, help=f"where the server answers ({default})")

    def handle(self, *args, url: str, verbosity: int, **options):
        actor, now = Actor("system", "demo", "command"), timezone.now()
        summary = add_demo_schedule(actor=actor, now=now)
        ensure_demo_products()
        callers = ensure_demo_callers(actor=actor)
        ensure_demo_limits(actor=actor)
        write_facts(callers, url, now)
        if verbosity:
            self.stdout.write(f"demo schedule: {summary}\n{facts_file()}")
