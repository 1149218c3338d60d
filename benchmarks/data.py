"""Fill the database of DATABASE_URL with what the sides are measured on; with 0.02, a fiftieth of it.

python -m benchmarks.data 1
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from benchmarks.agencies import AGENCIES, HANDLER, LIMITED, agency_name  # noqa: E402
from benchmarks.boarding import check_in  # noqa: E402
from benchmarks.fill import add_agency, add_products, fill, give_keys  # noqa: E402
from benchmarks.sales import Volume, sell  # noqa: E402

FLIGHTS, LEAST_FLIGHTS = 250_000, 15_000
VOLUME = Volume(1_000_000, 300_000, boarding=12_000, pending=40_000)


def make(scale: float) -> None:
    """Migrate an empty database and fill it."""
    call_command("migrate", verbosity=0)
    fill(max(round(FLIGHTS * scale), LEAST_FLIGHTS))
    add_products()
    sell(VOLUME.scaled(scale))
    check_in()
    give_keys(agency_name(n) for n in range(AGENCIES))
    add_agency(LIMITED, rate=0.01, burst=1)
    add_agency(HANDLER, is_ground_handler=True)


if __name__ == "__main__":
    make(float(sys.argv[1]))
