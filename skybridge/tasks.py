from celery import shared_task

from skybridge import idempotency


@shared_task(name="skybridge.purge_idempotency_keys")
def purge_idempotency_keys() -> None:
    idempotency.purge()
