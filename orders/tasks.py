from uuid import UUID

from celery import shared_task
from django.utils import timezone

from orders import backups, reservations, services, workflow
from orders.disruption import choices as disruption_choices
from orders.steps import WORKFLOW


@shared_task(name="orders.carry_on")
def carry_on(order_id: str) -> None:
    workflow.advance(UUID(order_id))


@shared_task(name="orders.sweep_executions", expires=10)
def sweep_executions() -> None:
    workflow.sweep()


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
