from uuid import UUID

from celery import shared_task
from django.utils import timezone

from bookings.expiry import sweep
from orders.itineraries import Wanted, send_itinerary
from skybridge.events import Actor


@shared_task(name="bookings.expire_holds")
def expire_holds() -> None:
    sweep(at=timezone.now())


@shared_task(
    name="bookings.mail_itinerary", autoretry_for=(OSError,), retry_backoff=10, retry_backoff_max=600, max_retries=8
)
def mail_itinerary(booking_id: str, to: str, language: str, kind: str, who: str, door: str, message_id: str) -> None:
    wanted = Wanted(UUID(booking_id), to, language, Actor(kind, who, door), message_id)
    send_itinerary(wanted, at=timezone.now())
