"""The worker's application with states that hang or kill their own process.

STRUCK says which, as JSON: `{"TakePayment before *": 0.5, "Notify after CUST001": "kill"}` lets every order take half a
second before the effect of TakePayment, and those of CUST001 kill the process after that of Notify. A state that is
struck `together` is so before its effect for many orders at once; one that is not named is as it is.
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import django

django.setup()

from orders import workflow  # noqa: E402 (models are there only now)
from orders.models import Order  # noqa: E402
from skybridge.celery import app  # noqa: E402, F401 (celery finds it here)

STRUCK = json.loads(os.environ["STRUCK"])
MARKS = Path(os.environ["MARKS"])


def strike(state: str, place: str, order_id: UUID) -> None:
    """Do what is to happen to an order before or after the effect of a state."""
    customer = Order.objects.values_list("customer_id", flat=True).get(pk=order_id)
    deed = STRUCK.get(f"{state} {place} {customer}", STRUCK.get(f"{state} {place} *"))
    if deed is not None:
        do(deed, f"{state} {place} {customer}")


def do(deed: float | str, mark: str) -> None:
    (MARKS / mark).touch()
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(deed))


def struck(state: workflow.State) -> workflow.State:
    def run(order_id: UUID) -> None:
        strike(state.name, "before", order_id)
        state.run(order_id)
        strike(state.name, "after", order_id)

    return state._replace(run=run, run_all=None, concerns=lambda execution: True)


def struck_together(state: workflow.State) -> workflow.State:
    def run_all(order_ids: Sequence[UUID]) -> Mapping[UUID, Exception]:
        do(STRUCK[f"{state.name} together"], f"{state.name} together")
        assert state.run_all
        return state.run_all(order_ids)

    return state._replace(run_all=run_all)


for name in {key.partition(" ")[0] for key in STRUCK}:
    strikes = struck_together if f"{name} together" in STRUCK else struck
    workflow.BY_NAME[name] = strikes(workflow.BY_NAME[name])
