"""The executions of founding document 004: an order's workflow by its id or its ARN, and the list of all."""

import re
from datetime import datetime

import pytest

from tests.contract.operations import refusal, unknown_id
from tests.contract.ordering import create, order_that_is
from tests.orders import shop

pytestmark = pytest.mark.usefixtures("_inventory")


# --- The workflow's status ---


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_status_right_after_the_creation(slash, acme):
    created = create(acme)
    by_id = acme.get(f"/status/{created['order_id']}{slash}").json()
    assert by_id | {"start_date": ""} == {
        "execution_arn": created["execution_arn"],
        "status": "RUNNING",
        "start_date": "",
        "stop_date": None,
        "input_identifier": created["order_id"],
        "identifier_type": "order_id",
        "recent_events": [{"type": "ExecutionStarted", "timestamp": by_id["start_date"], "state": None}],
    }
    by_arn = acme.get(f"/status/{created['execution_arn']}{slash}").json()
    assert by_arn == by_id | {"input_identifier": created["execution_arn"], "identifier_type": "execution_arn"}


def test_the_status_after_the_workflow(acme):
    created = create(acme)
    shop.run(created)
    status = acme.get(f"/status/{created['order_id']}").json()
    assert status["status"] == "SUCCEEDED"
    assert datetime.fromisoformat(status["stop_date"]) >= datetime.fromisoformat(status["start_date"])
    assert status["recent_events"][-1]["type"] == "ExecutionSucceeded"
    assert len(status["recent_events"]) == 10
    assert {event["state"] for event in status["recent_events"]} <= {"IssueTickets", "BackUp", "Notify", None}
    assert acme.get(f"/orders/{created['order_id']}").json()["status"] == "processing"


@pytest.mark.parametrize(("status", "execution"), [("cancelled", "ABORTED"), ("failed", "FAILED")])
def test_the_status_of_what_was_stopped(status, execution, acme):
    order_id = order_that_is(status, acme)
    answer = acme.get(f"/status/{order_id}").json()
    assert (answer["status"], answer["recent_events"][-1]["type"]) == (execution, f"Execution{execution.title()}")


@pytest.mark.parametrize(
    "identifier",
    [
        "no-uuid",
        "arn:aws:states:us-east-1:123456789012:execution:OrderProcessingStateMachine:",
        "arn:aws:states:eu-west-1:123456789012:execution:OrderProcessingStateMachine:{}",
        "arn:aws:states:us-east-1:123456789012:execution:AnotherStateMachine:{}",
        "arn:{}",
        None,
    ],
)
def test_the_status_of_an_unknown_workflow_is_404(identifier, acme):
    order_id = create(acme)["order_id"]
    identifier = unknown_id() if identifier is None else identifier.format(order_id)
    refusal(acme.get(f"/status/{identifier}"), 404, "execution_not_found")


# --- Executions ---


def test_executions_by_status(acme, zenith):
    running, ended, stopped = (create(acme) for _ in range(3))
    shop.run(ended)
    acme.put(f"/orders/{stopped['order_id']}", {"status": "cancelled"})
    create(zenith)

    def arns(query=""):
        return [e["execution_arn"] for e in acme.get(f"/executions{query}").json()["executions"]]

    assert arns() == [made["execution_arn"] for made in (stopped, ended, running)]
    for status, made in (("RUNNING", [running]), ("SUCCEEDED", [ended]), ("ABORTED", [stopped]), ("FAILED", [])):
        assert arns(f"?status={status}") == [one["execution_arn"] for one in made]
    problem = refusal(acme.get("/executions?status=DONE"), 400, "invalid_input")
    assert "TIMED_OUT" in problem["message"]


def test_executions_by_page(acme):
    made = [create(acme)["execution_arn"] for _ in range(5)]
    page = acme.get("/executions?limit=2").json()
    found = [e["execution_arn"] for e in page["executions"]]
    while page["next"]:
        create(acme)  # what comes meanwhile does not move the pages
        page = acme.get(f"/executions?limit=2&cursor={page['next']}").json()
        found += [e["execution_arn"] for e in page["executions"]]
    assert found == made[::-1]


def test_times_are_utc(acme):
    order_id = create(acme)["order_id"]
    texts = re.findall(r'"(20\d\d-[^"]+)"', acme.get(f"/orders/{order_id}").content.decode())
    texts += re.findall(r'"(20\d\d-[^"]+)"', acme.get(f"/status/{order_id}").content.decode())
    assert len(texts) == 4
    assert all(text.endswith("Z") for text in texts)
