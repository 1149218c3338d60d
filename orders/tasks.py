from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from orders import backups, dashboard_sales, redriving, reservations, services, workflow
from orders.dashboard import keep_passengers
from orders.disruption import choices as disruption_choices
from orders.steps import WORKFLOW
from partners.callers import Caller


@shared_task(name="orders.carry_on")
def carry_on(*order_ids: str) -> None:
    workflow.carry_on(list(map(UUID, order_ids)))


@shared_task(name="orders.sweep_executions", expires=10)
def sweep_executions() -> None:
    workflow.sweep()


@shared_task(name="orders.redrive_failed")
def redrive_failed(ids: list[str], until: str, user_id: str, reason: str) -> None:
    caller = Caller(kind="staff", id=user_id, door="admin", is_staff=True)
    orders = [UUID(order_id) for order_id in ids]
    redriving.redrive_failed(orders, datetime.fromisoformat(until), caller=caller, reason=reason)


@shared_task(name="orders.keep_dashboard", expires=30)
def keep_dashboard() -> None:
    at = timezone.now()
    keep_passengers(at)
    dashboard_sales.keep(at)


@shared_task(name="orders.lapse_failed_orders")
def lapse_failed_orders() -> None:
    services.lapse_failed_orders(at=timezone.now(), caller=WORKFLOW)


@shared_task(name="orders.return_unused_payments")
def return_unused_payments() -> None:
    reservations.return_unused_payments(at=timezone.now(), actor=WORKFLOW)


@shared_task(name="orders.store_backups", expires=30)
def store_backups() -> None:
    with backups.only_one() as is_only_one:
        if is_only_one:
            backups.drain(at=timezone.now())


@shared_task(name="orders.refund_undecided")
def refund_undecided() -> None:
    disruption_choices.refund_undecided(at=timezone.now())
