import time

from django.core.management.base import BaseCommand, CommandError

from orders.verification import Verification
from skybridge.progress import ProgressBar
from skybridge.storage import StorageUnavailable


class Command(BaseCommand):
    help = (
        "Compare each backup in the object store with what the database recorded, and each version with the one "
        "before. Names what is missing, tampered, unsound, unchained or unknown. Exit code 0: nothing; 1: something."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--store-only", action="store_true", help="Do without the database: chains alone.")

    def handle(self, *args, store_only: bool, **options) -> None:
        began_at = time.monotonic()
        bar = ProgressBar("Verifying")
        verification = Verification(store_only, bar)
        found = self.show(verification, bar)
        self.stdout.write(f"{verification.objects} objects, {found} findings, {time.monotonic() - began_at:.1f} s")
        if found:
            raise SystemExit(1)

    def show(self, verification: Verification, bar: ProgressBar) -> int:
        """Write a line for each finding, and return how many there are."""
        found = 0
        try:
            for finding in verification.findings():
                found += 1
                bar.close()
                self.stdout.write(str(finding))
        except StorageUnavailable as exc:
            raise CommandError(f"The object store is not available: {exc}") from exc
        finally:
            bar.close()
        return found
