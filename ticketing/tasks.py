from celery import shared_task
from django.utils import timezone

from orders.departures import depart_flights as let_flights_leave


@shared_task(name="ticketing.depart_flights", expires=30)
def depart_flights() -> None:
    let_flights_leave(at=timezone.now())
