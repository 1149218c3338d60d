import logging
import os
import time

from django.core.management.base import BaseCommand, CommandError

from orders.simulation import Simulation, simulate_once

logger = logging.getLogger(__name__)
POLITE = 10  # what `nice` is given: the demo's visitors come first


class Command(BaseCommand):
    help = "Sell some of the demo's coming week, check passengers in and board them; once in a database."
    requires_system_checks = []

    def handle(self, *args, **options) -> None:
        os.nice(POLITE)
        began_at = time.monotonic()
        logger.info("demo sales begin")
        try:
            done = simulate_once(Simulation())
        except KeyboardInterrupt:
            raise CommandError("Stopped; what was sold until now stays.") from None
        if done is None:
            logger.info("demo sales were made before")
        else:
            facts = {"facts": {**done, "seconds": round(time.monotonic() - began_at, 1)}}
            logger.info("demo sales are made", extra=facts)
