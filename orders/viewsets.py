"""The doors onto orders: founding document 004, and the same orders, executions and products in REST style."""

from math import ceil
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from bookings.selling import owner
from orders import examples, executions, quotes, serializers, services
from orders.documents import (
    execution_document,
    history_document,
    order_document,
    order_line,
    product_document,
    quote_document,
    recent_events,
)
from orders.emds import Tied
from orders.filters import OrderFilter
from orders.models import Execution, Order, OrderQuote, Product, arn_of
from orders.numbered_pages import page_of_orders
from orders.sales import Answer, NewOrder, place_order, sell_products
from partners.callers import Caller
from skybridge.api import ApiViewSet, operation, reply
from skybridge.money import rounded
from skybridge.times import utc_text
from skybridge.versions import etag


class OrderDoor(ApiViewSet):
    """What the doors onto orders share."""

    def initial(self, request, *args, **kwargs):
        """Read the order id of the path; one that is no UUID is an order that is not found."""
        super().initial(request, *args, **kwargs)
        if "order_id" in self.kwargs:
            self.kwargs["order_id"] = services.parse_order_id(self.kwargs["order_id"])

    @property
    def caller(self) -> Caller:
        return self.request.user

    @property
    def if_match(self) -> str | None:
        return self.request.headers.get("If-Match")

    def place(self, data: dict[str, Any]) -> Order:
        return place_order(new_order(self.caller, data), caller=self.caller)

    def place_once(self, data: dict[str, Any], answer: Answer) -> HttpResponse:
        """Place an order under the request's `Idempotency-Key`; products alone take it along in their statement."""
        wanted = new_order(self.caller, data)
        if wanted.is_plain:
            return sell_products(wanted, caller=self.caller, answer=answer, claim=self.claim)
        return self.once(lambda: answer(place_order(wanted, caller=self.caller)))


def new_order(caller: Caller, data: dict[str, Any]) -> NewOrder:
    """Return the order that input asks for; a product named twice for nobody in particular is one item."""
    agency_id, _, customer_id = owner(caller, user_id=data["customer_id"], field="customer_id")
    products: dict[str, int] = {}
    for item in data["items"]:
        if "product_id" in item and "ticket_id" not in item:
            products[item["product_id"]] = products.get(item["product_id"], 0) + item["quantity"]
    payment = data.get("payment", {})
    return NewOrder(
        agency_id,
        customer_id,
        products,
        [item["booking_id"] for item in data["items"] if "booking_id" in item],
        payment.get("method", Order.PaymentMethod.ACCOUNT),
        payment.get("token", ""),
        data.get("contact_email", ""),
        [tied(item) for item in data["items"] if "ticket_id" in item],
    )


def tied(item: dict[str, Any]) -> Tied:
    return Tied(item["product_id"], item["quantity"], item["ticket_id"], item.get("event_id"))


def pagination(query: dict, total: int) -> dict[str, int]:
    return {"page": query["page"], "limit": query["limit"], "total": total, "pages": ceil(total / query["limit"])}


def numbered_page(rows, query: dict) -> list:
    first = (query["page"] - 1) * query["limit"]
    return list(rows[first : first + query["limit"]])


class ProductViewSet(OrderDoor):
    @operation(
        "List products",
        query=serializers.ProductQuerySerializer,
        answers={200: serializers.ProductPageSerializer},
        examples=[examples.PRODUCT_PAGE],
        tags=["Orders"],
        operation_id="listProducts",
    )
    def list(self, request, query):
        """What is sold beside flights, with price and stock."""
        products = Product.objects.for_sale(query)
        page = numbered_page(products.order_by("product_id"), query)
        return reply(
            {"products": [product_document(p) for p in page], "pagination": pagination(query, products.count())}
        )


def answer(order: Order, http_status: int = 200) -> HttpResponse:
    return reply(order_document(order), http_status, {"ETag": etag(order.version)})


class OrderViewSet(OrderDoor):
    """Orders in REST style."""

    @operation(
        "Create an order",
        body=serializers.NewOrderSerializer,
        answers={201: serializers.OrderSerializer},
        refusals=[404, 409],
        examples=[examples.NEW_ORDER, examples.ORDER_CREATED],
        tags=["Orders"],
    )
    def create(self, request, data):
        """As `POST /orders`, answered with the order."""
        order = self.place(data)
        return answer(services.read_order(order.pk, caller=self.caller), 201)

    @operation(
        "List orders",
        query=serializers.OrderQuerySerializer,
        answers={200: serializers.OrderPageSerializer},
        examples=[examples.ORDER_PAGE],
        tags=["Orders"],
    )
    def list(self, request, query):
        """The caller's orders, newest first, by every filter; `next` leads on, whatever is ordered meanwhile."""
        found = OrderFilter(query, Order.objects.visible_to(self.caller)).qs
        orders, following = found.page(query)
        return reply({"orders": [order_line(o) for o in orders], "limit": query["limit"], "next": following})

    @operation(
        "Retrieve an order",
        answers={200: serializers.OrderSerializer},
        refusals=[404],
        examples=[examples.ORDER_FOUND],
        tags=["Orders"],
    )
    def retrieve(self, request, order_id):
        """An order with its items and what its status allows."""
        return answer(services.read_order(order_id, caller=self.caller))

    @operation(
        "Update an order's status",
        body=serializers.StatusSerializer,
        answers={200: serializers.OrderSerializer},
        refusals=[404, 409, 412],
        examples=[examples.STATUS, examples.ORDER_FOUND],
        tags=["Orders"],
    )
    def partial_update(self, request, order_id, data):
        """Move an order on; `cancelled` gives stock and seats back and pays the money back."""
        services.change_status(order_id, data["status"], caller=self.caller, if_match=self.if_match)
        return answer(services.read_order(order_id, caller=self.caller))

    @operation(
        "Delete an order",
        answers={200: serializers.DeletedOrderSerializer},
        refusals=[404, 409, 412],
        examples=[examples.DELETED],
        tags=["Orders"],
    )
    def destroy(self, request, order_id):
        """Stock and seats return and the money is paid back; the order's events and backups stay."""
        services.delete_order(order_id, caller=self.caller, if_match=self.if_match)
        return reply({"message": "Order deleted successfully", "order_id": order_id})

    @operation(
        "Cancel an order",
        answers={200: serializers.OrderSerializer},
        refusals=[404, 409, 412],
        examples=[examples.ORDER_FOUND],
        tags=["Orders"],
    )
    def cancel(self, request, order_id):
        """Give stock and seats back and pay the money back; bookings by their fare rules. Again: the same answer."""
        services.change_status(order_id, Order.Status.CANCELLED, caller=self.caller, if_match=self.if_match)
        return answer(services.read_order(order_id, caller=self.caller))


def created(order: Order) -> HttpResponse:
    answer = {
        "message": "Order created successfully",
        "order_id": order.pk,
        "execution_arn": arn_of(order.pk),
        "note": "Save this execution_arn to check workflow status later",
        "status": order.status,
        "total_amount": rounded(order.total_amount, order.currency),
        "currency": order.currency,
    }
    return reply(answer, 201)


class FoundingOrderViewSet(OrderViewSet):
    """Founding document 004: orders by page number, and the status of their workflow; read and deleted as in REST."""

    claims_itself = frozenset({"create"})

    @operation(
        "Create an order",
        body=serializers.NewOrderSerializer,
        answers={201: serializers.CreatedOrderSerializer},
        refusals=[404, 409],
        examples=[examples.NEW_ORDER, examples.CREATED],
        tags=["Orders"],
        operation_id="createOrder",
    )
    def create(self, request, data):
        """Sell products and pending bookings on one order, at today's prices, all of it or nothing.

        The stock is taken and the account charged at once; the workflow takes the payment, confirms the bookings,
        issues the tickets and backs the order up.
        """
        return self.place_once(data, created)

    @operation(
        "List orders by page number",
        query=serializers.PageNumberSerializer,
        answers={200: serializers.OrderNumberedPageSerializer},
        examples=[examples.NUMBERED_PAGE],
        tags=["Orders"],
        operation_id="listOrdersByPage",
    )
    def list(self, request, query):
        """The caller's orders, newest first."""
        page, total = page_of_orders(query, caller=self.caller)
        return reply({"orders": [order_line(o) for o in page], "pagination": pagination(query, total)})

    @operation(
        "Update an order's status",
        body=serializers.StatusSerializer,
        answers={200: serializers.UpdatedOrderSerializer},
        refusals=[404, 409, 412],
        examples=[examples.STATUS, examples.UPDATED],
        tags=["Orders"],
        operation_id="updateOrder",
    )
    def update(self, request, order_id, data):
        """Move an order on; `cancelled` gives stock and seats back and pays the money back."""
        order = services.change_status(order_id, data["status"], caller=self.caller, if_match=self.if_match)
        return reply({"message": "Order updated successfully", "order_id": order.pk, "status": order.status})

    @operation(
        "Retrieve a workflow's status",
        answers={200: serializers.WorkflowStatusSerializer},
        refusals=[404],
        examples=[examples.WORKFLOW_STATUS],
        tags=["Executions"],
        operation_id="workflowStatus",
    )
    def status(self, request, identifier):
        """By order id or execution ARN, with the last lines of its history."""
        execution = executions.find_execution(identifier, caller=self.caller)
        _, kind = executions.order_id_of(identifier)
        answer = {
            "execution_arn": execution.arn,
            "status": execution.status,
            "start_date": utc_text(execution.started_at),
            "stop_date": utc_text(execution.stopped_at),
            "input_identifier": identifier,
            "identifier_type": kind,
            "recent_events": recent_events(executions.latest_events(execution)),
        }
        return reply(answer)


class OrderQuoteViewSet(OrderDoor):
    """What cancelling an order gives back, and cancelling it at exactly that. For parts, see its bookings' quotes."""

    def quoted(self, quote: OrderQuote, http_status: int = 200) -> HttpResponse:
        return reply(quote_document(quote, timezone.now()), http_status)

    @operation(
        "Quote an order's cancellation",
        answers={201: serializers.OrderQuoteSerializer},
        refusals=[404, 409],
        examples=[examples.quote(201)],
        tags=["Quotes"],
    )
    def create(self, request, order_id):
        """What goes back for the whole order: its products, and its bookings by their fare rules.

        Good until `expires_at`, or until the order changes or is quoted again. One passenger or one flight is quoted at
        `/api/v1/bookings/{booking_id}/cancellations`.
        """
        return self.quoted(quotes.quote_cancellation(order_id, caller=self.caller), 201)

    @operation(
        "Retrieve an order's quote",
        answers={200: serializers.OrderQuoteSerializer},
        refusals=[404],
        examples=[examples.quote()],
        tags=["Quotes"],
    )
    def retrieve(self, request, order_id, quote_id):
        """The quote, with what has become of it."""
        return self.quoted(quotes.read_quote(order_id, quote_id, caller=self.caller))

    @operation(
        "Confirm an order's quote",
        answers={200: serializers.QuotedOrderSerializer},
        refusals=[404, 409],
        examples=[examples.QUOTED_ORDER],
        tags=["Quotes"],
    )
    def confirm(self, request, order_id, quote_id):
        """Cancel the order at exactly the quoted amounts, or not at all. Again: the same answer."""
        quote = quotes.confirm_quote(order_id, quote_id, caller=self.caller)
        order = services.read_order(order_id, caller=self.caller)
        document = order_document(order) | {"quote": quote_document(quote, timezone.now())}
        return reply(document, headers={"ETag": etag(order.version)})


class ExecutionViewSet(OrderDoor):
    """The executions of orders' workflow, by ARN or order id."""

    def found(self, identifier: str) -> Execution:
        return executions.find_execution(identifier, caller=self.caller)

    @operation(
        "List executions",
        query=serializers.ExecutionQuerySerializer,
        answers={200: serializers.ExecutionPageSerializer},
        examples=[examples.EXECUTION_PAGE],
        tags=["Executions"],
    )
    def list(self, request, query):
        """The executions of the caller's orders, newest first."""
        page, following = executions.execution_page(query, caller=self.caller)
        return reply({"executions": [execution_document(e) for e in page], "limit": query["limit"], "next": following})

    @operation(
        "Retrieve an execution",
        answers={200: serializers.ExecutionSerializer},
        refusals=[404],
        examples=[examples.EXECUTION_FOUND],
        tags=["Executions"],
    )
    def retrieve(self, request, identifier):
        """An execution: where it stands, what failed, what can be done."""
        return reply(execution_document(self.found(identifier)))

    @operation(
        "Retrieve an execution's history",
        query=serializers.HistoryQuerySerializer,
        answers={200: serializers.HistoryPageSerializer},
        refusals=[404],
        examples=[examples.HISTORY],
        tags=["Executions"],
        operation_id="executionHistory",
    )
    def history(self, request, identifier, query):
        """Its events, numbered without gaps, in the words of AWS Step Functions' GetExecutionHistory."""
        events, following = executions.history_page(self.found(identifier), query)
        return reply({"events": history_document(events), "limit": query["limit"], "next": following})

    @operation(
        "Stop an execution",
        body=serializers.StopSerializer,
        answers={200: serializers.ExecutionSerializer},
        refusals=[404, 409],
        examples=[examples.STOP, examples.EXECUTION_FOUND],
        tags=["Executions"],
    )
    def stop(self, request, identifier, data):
        """End it as ABORTED, undo what it did, and cancel its order."""
        order_id = self.found(identifier).pk
        execution = services.stop_execution(order_id, caller=self.caller, reason=data.get("cause", ""))
        return reply(execution_document(execution))

    @operation(
        "Redrive an execution",
        body=serializers.RedriveSerializer,
        answers={200: serializers.ExecutionSerializer},
        refusals=[404, 409],
        examples=[examples.REDRIVE, examples.EXECUTION_FOUND],
        tags=["Executions"],
    )
    def redrive(self, request, identifier, data):
        """Continue at the state that failed; the states before it are not repeated."""
        order_id = self.found(identifier).pk
        token = data.get("payment_token", "")
        execution = services.redrive_execution(order_id, caller=self.caller, payment_token=token)
        return reply(execution_document(execution))
