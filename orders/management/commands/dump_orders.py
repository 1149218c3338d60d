from django.core.management.base import BaseCommand

from orders.dumps import digest_of, dump


class Command(BaseCommand):
    help = "Write each row of orders, bookings, tickets and ledger as a line of JSON, sorted; or only their SHA-256."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--sha256", action="store_true", help="Write only the SHA-256 of the lines.")

    def handle(self, *args, sha256: bool, **options) -> None:
        if sha256:
            self.stdout.write(digest_of(dump()))
            return
        for line in dump():
            self.stdout.write(line)
