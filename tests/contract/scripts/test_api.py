"""The Python test script of founding document 004, its gaps filled in.

API_BASE_URL=http://127.0.0.1:8000 API_KEY=... python test_api.py
"""

import os
import sys
import time

import requests

API_BASE_URL = os.environ.get("API_BASE_URL", "https://your-api-id.execute-api.region.amazonaws.com/stage")
API_KEY = os.environ.get("API_KEY", "your-api-key-here")
PATIENCE_SECONDS = 60

headers = {"Content-Type": "application/json", "x-api-key": API_KEY}


def call(method, path, expected_status=200, **options):
    """Make a call and return its JSON; end the script where the status is another."""
    options.setdefault("headers", headers)
    response = requests.request(method, f"{API_BASE_URL}{path}", timeout=30, **options)
    check(response.status_code == expected_status, f"{method} {path}: {response.status_code} {response.text}")
    return response.json()


def check(truth, what):
    if not truth:
        print(f"✗ {what}")
        sys.exit(1)


def test_all_endpoints():
    print("=== Order Management API Test ===\n")

    # 1. Create Order
    print("1. Testing POST /orders")
    order_data = {
        "customer_id": "CUST001",
        "items": [{"product_id": "PROD001", "quantity": 2}, {"product_id": "PROD002", "quantity": 1}],
    }
    order_response = call("POST", "/orders", 201, json=order_data)
    order_id = order_response["order_id"]
    execution_arn = order_response["execution_arn"]
    check(order_response["message"] == "Order created successfully", order_response)
    check(execution_arn.endswith(f":execution:OrderProcessingStateMachine:{order_id}"), execution_arn)
    print(f"✓ Order created: {order_id}")
    print(f"  Execution ARN: {execution_arn}")

    # 2. List Orders
    print("\n2. Testing GET /orders")
    page = call("GET", "/orders", params={"page": 1, "limit": 10})
    check({"page": 1, "limit": 10}.items() <= page["pagination"].items(), page["pagination"])
    check(page["pagination"]["total"] >= 1 and page["pagination"]["pages"] >= 1, page["pagination"])
    check(page["orders"][0]["order_id"] == order_id, "the newest order comes first")
    print(f"✓ {page['pagination']['total']} orders")

    # 3. Get Order Details
    print("\n3. Testing GET /orders/{order_id}")
    order = call("GET", f"/orders/{order_id}")
    check((order["customer_id"], order["total_amount"]) == ("CUST001", 2029.97), order)
    items = [(item["product_id"], item["quantity"], item["price"]) for item in order["items"]]
    check(items == [("PROD001", 2, 999.99), ("PROD002", 1, 29.99)], items)
    print(f"✓ Total amount: {order['total_amount']}")

    # 4. Workflow status by order id and by ARN, until it has succeeded
    for identifier, kind in ((order_id, "order_id"), (execution_arn, "execution_arn")):
        print(f"\n4. Testing GET /status/{{{kind}}}")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status = call("GET", f"/status/{identifier}")
            check(status["execution_arn"] == execution_arn, status)
            check((status["input_identifier"], status["identifier_type"]) == (identifier, kind), status)
            check({"type", "timestamp", "state"} <= status["recent_events"][-1].keys(), status)
            if status["status"] != "RUNNING" or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        check(status["status"] == "SUCCEEDED", status)
        print(f"✓ Workflow: {status['status']}, {status['recent_events'][-1]['type']}")

    # 5. Update Order Status
    print("\n5. Testing PUT /orders/{order_id}")
    updated = call("PUT", f"/orders/{order_id}", json={"status": "processing"})
    expected = {"message": "Order updated successfully", "order_id": order_id, "status": "processing"}
    check(updated == expected, updated)
    check(call("GET", f"/orders/{order_id}")["status"] == "processing", "the status stays")
    print("✓ Order updated")

    # 6. Delete Order
    print("\n6. Testing DELETE /orders/{order_id}")
    deleted = call("DELETE", f"/orders/{order_id}")
    check(deleted == {"message": "Order deleted successfully", "order_id": order_id}, deleted)
    check(call("GET", f"/orders/{order_id}", 404)["message"] == "Order not found", "a deleted order is not found")
    print("✓ Order deleted")

    # 7. The documented refusals
    print("\n7. Testing the refusals")
    refused = call("POST", "/orders", 400, json={"items": order_data["items"]})
    check(refused["message"] == "Missing required field: customer_id", refused)
    refused = call("GET", "/orders", 403, headers={})
    check(refused["message"] == "Forbidden", refused)
    print("✓ 400, 403 and 404 as documented")

    print("\n✓ All tests completed successfully!")


if __name__ == "__main__":
    test_all_endpoints()
