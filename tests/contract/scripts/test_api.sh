#!/bin/bash
# The bash test script of founding document 004, its gaps filled in. It needs curl and python3.
#
#     API_BASE=http://127.0.0.1:8000 API_KEY=... bash test_api.sh
set -euo pipefail

API_BASE="${API_BASE:-https://your-api-id.execute-api.region.amazonaws.com/stage}"
API_KEY="${API_KEY:-your-api-key-here}"
PATIENCE_SECONDS=60

# call METHOD PATH STATUS [BODY]: print the answer's body, or end the script where the status is another.
call() {
    local answer status
    answer=$(curl -sS -X "$1" -H "Content-Type: application/json" -H "x-api-key: $API_KEY" \
        ${4:+-d "$4"} -w '\n%{http_code}' "$API_BASE$2")
    status=${answer##*$'\n'}
    if [ "$status" != "$3" ]; then
        echo "FAILED: $1 $2 answered $answer" >&2
        exit 1
    fi
    echo "${answer%$'\n'*}"
}

# field NAME: print a field of the JSON on standard input, such as pagination.total or items.0.price.
field() {
    python3 -c '
import functools, json, sys
step = lambda value, name: value[int(name)] if isinstance(value, list) else value[name]
print(functools.reduce(step, sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}

# expect ANSWER NAME VALUE: end the script where a field of an answer has another value.
expect() {
    local found
    found=$(field "$2" <<< "$1")
    if [ "$found" != "$3" ]; then
        echo "FAILED: $2 is $found, not $3, in $1" >&2
        exit 1
    fi
}

echo "=== Testing Order Management API ==="

# 1. Create Order
echo -e "\n1. Creating order..."
ORDER_RESPONSE=$(call POST /orders 201 '{
    "customer_id": "CUST001",
    "items": [
      {"product_id": "PROD001", "quantity": 2},
      {"product_id": "PROD002", "quantity": 1}
    ]
  }')

ORDER_ID=$(field order_id <<< "$ORDER_RESPONSE")
EXECUTION_ARN=$(field execution_arn <<< "$ORDER_RESPONSE")

expect "$ORDER_RESPONSE" message "Order created successfully"
echo "Order ID: $ORDER_ID"
echo "Execution ARN: $EXECUTION_ARN"

# 2. List Orders
echo -e "\n2. Listing orders..."
ORDERS=$(call GET "/orders?page=1&limit=10" 200)
expect "$ORDERS" orders.0.order_id "$ORDER_ID"
expect "$ORDERS" pagination.page 1
expect "$ORDERS" pagination.limit 10
echo "Orders: $(field pagination.total <<< "$ORDERS")"

# 3. Get Order Details
echo -e "\n3. Getting order details..."
ORDER=$(call GET "/orders/$ORDER_ID" 200)
expect "$ORDER" customer_id CUST001
expect "$ORDER" total_amount 2029.97
expect "$ORDER" items.0.product_id PROD001
expect "$ORDER" items.0.quantity 2
expect "$ORDER" items.0.price 999.99
expect "$ORDER" items.1.price 29.99
echo "Total amount: $(field total_amount <<< "$ORDER")"

# 4. Workflow status, by order id and by ARN, until it has succeeded
for IDENTIFIER in "$ORDER_ID" "$EXECUTION_ARN"; do
    echo -e "\n4. Checking the workflow of $IDENTIFIER..."
    for ((waited = 0; waited < PATIENCE_SECONDS * 4; waited++)); do
        STATUS=$(call GET "/status/$IDENTIFIER" 200)
        [ "$(field status <<< "$STATUS")" = RUNNING ] || break
        sleep 0.25
    done
    expect "$STATUS" status SUCCEEDED
    expect "$STATUS" execution_arn "$EXECUTION_ARN"
    expect "$STATUS" input_identifier "$IDENTIFIER"
    echo "Status: $(field status <<< "$STATUS") ($(field identifier_type <<< "$STATUS"))"
done

# 5. Update Order Status
echo -e "\n5. Updating order status..."
UPDATED=$(call PUT "/orders/$ORDER_ID" 200 '{"status": "processing"}')
expect "$UPDATED" message "Order updated successfully"
expect "$UPDATED" status processing
echo "Status: $(field status <<< "$UPDATED")"

# 6. Delete Order
echo -e "\n6. Deleting order..."
DELETED=$(call DELETE "/orders/$ORDER_ID" 200)
expect "$DELETED" message "Order deleted successfully"
expect "$DELETED" order_id "$ORDER_ID"
GONE=$(call GET "/orders/$ORDER_ID" 404)
expect "$GONE" message "Order not found"
echo "Deleted: $ORDER_ID"

# 7. The documented refusals
echo -e "\n7. Checking the refusals..."
REFUSED=$(call POST /orders 400 '{"items": [{"product_id": "PROD001", "quantity": 2}]}')
expect "$REFUSED" message "Missing required field: customer_id"
API_KEY="no-key"
REFUSED=$(call GET /orders 403)
expect "$REFUSED" message Forbidden
echo "400, 403 and 404 as documented"

echo -e "\n=== Test Complete ==="
