import os
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Start everything: databases, web server, worker and beat. (manage.py starts it without loading Django.)"

    def run_from_argv(self, argv: list[str]) -> None:
        os.execv(sys.executable, [sys.executable, "-m", "skybridge.embedded", *argv[2:]])
