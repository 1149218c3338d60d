from celery import shared_task
from django.utils import timezone

from orders.departures import depart_flights as let_flights_leave
from skybridge.events import system
from ticketing.travel_documents import delete_old_documents


@shared_task(name="ticketing.depart_flights", expires=30)
def depart_flights() -> None:
    let_flights_leave(at=timezone.now())


@shared_task(name="ticketing.delete_travel_documents")
def delete_travel_documents() -> None:
    delete_old_documents(at=timezone.now(), actor=system("delete_travel_documents"))
