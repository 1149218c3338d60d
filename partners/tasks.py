from celery import shared_task
from django.utils import timezone

from orders.settlements import reconcile_payments as reconcile


@shared_task(name="partners.reconcile_payments")
def reconcile_payments() -> None:
    reconcile(at=timezone.now())
