from celery import shared_task
from django.utils import timezone

from bookings.expiry import sweep


@shared_task(name="bookings.expire_holds")
def expire_holds() -> None:
    sweep(at=timezone.now())
