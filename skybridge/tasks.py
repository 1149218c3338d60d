from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from skybridge import idempotency, staff_sessions


@shared_task(name="skybridge.purge_idempotency_keys")
def purge_idempotency_keys() -> None:
    idempotency.purge()


@shared_task(name="skybridge.clear_sessions")
def clear_sessions() -> None:
    """Delete Django's expired sessions, and what we know of those that ended long ago."""
    call_command("clearsessions")
    staff_sessions.forget_old(at=timezone.now())
