import time
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from orders.restoring import RestoreRefused, restore
from skybridge.progress import ProgressBar
from skybridge.storage import NotStored, StorageUnavailable, Tampered


def moment(text: str) -> datetime:
    """Read an ISO 8601 time with its zone."""
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(text)
    return found


class Command(BaseCommand):
    help = (
        "Rebuild orders, bookings, tickets and ledger from the object store, in an empty database (migrated, no demo). "
        "All or nothing."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--until", type=moment, metavar="TIME", help="As of a time, such as 2026-11-21T08:00:00Z.")
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="With --until: this database goes on from there, the store's later versions are given up.",
        )

    def handle(self, *args, until: datetime | None, take_over: bool, **options) -> None:
        began_at = time.monotonic()
        bars = {label: ProgressBar(label) for label in ("Reading", "Loading")}
        try:
            restored = restore(
                until=until, take_over=take_over, progress=lambda label, done, size: bars[label](done, size)
            )
        except (RestoreRefused, NotStored, Tampered, StorageUnavailable) as exc:
            raise CommandError(f"Nothing was restored. {exc}") from exc
        finally:
            for bar in bars.values():
                bar.close()
        seconds = time.monotonic() - began_at
        self.stdout.write(f"{restored.orders} orders and {restored.accounts} accounts restored, {seconds:.1f} s")
