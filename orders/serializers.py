"""Shapes of the orders' calls. Input is strict; the answers' shapes are `orders/documents.py`'s."""

from typing import Any

from rest_framework import serializers

from bookings.serializers import QuoteLineSerializer
from orders.models import Execution, Order, Product
from partners.payments.services import NO_TOKEN, is_token
from skybridge.pagination import MAX_LIMIT, PageQuerySerializer, PageSerializer
from skybridge.strict import StrictCharField, StrictChoiceField, StrictIntegerField, StrictSerializer, StrictUUIDField
from ticketing.serializers.tickets import EmdSerializer

MAX_QUANTITY = 10_000
MAX_ITEMS = 100


class NewItemSerializer(StrictSerializer):
    """A product and how many of it, for a passenger or for nobody in particular, or a booking."""

    product_id = StrictCharField(max_length=50, required=False)
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, required=False)
    ticket_id = StrictUUIDField(
        required=False, help_text="The passenger's, of a booking that is confirmed or ordered too."
    )
    event_id = StrictUUIDField(required=False, help_text="The flight, where the ticket has several.")
    booking_id = StrictUUIDField(required=False)

    def validate(self, attrs):
        if "event_id" in attrs and "ticket_id" not in attrs:
            raise serializers.ValidationError({"event_id": "A flight is named with a passenger's ticket_id only."})
        if "booking_id" in attrs:
            if len(attrs) > 1:
                raise serializers.ValidationError("An item is a product with a quantity, or a booking_id alone.")
            return attrs
        for name in ("product_id", "quantity"):
            if name not in attrs:
                raise serializers.ValidationError(
                    {name: serializers.ErrorDetail("This field is required.", "required")}
                )
        return attrs


class PaymentSerializer(StrictSerializer):
    """`account`: on the owner's account, within its credit limit. `card`: charged to a token of the provider."""

    method = StrictChoiceField(Order.PaymentMethod.choices, default=Order.PaymentMethod.ACCOUNT)
    token = StrictCharField(max_length=255, required=False, help_text="Of a card; see docs/payments.md.")

    def validate_token(self, token: str) -> str:
        if not is_token(token):
            raise serializers.ValidationError(NO_TOKEN)
        return token

    def validate(self, attrs):
        if (attrs["method"] == Order.PaymentMethod.CARD) != ("token" in attrs):
            raise serializers.ValidationError({"token": "A card is paid with its token, an account without one."})
        return attrs


class NewOrderSerializer(StrictSerializer):
    customer_id = StrictCharField(max_length=255)
    items: Any = serializers.ListSerializer(child=NewItemSerializer(), allow_empty=False, max_length=MAX_ITEMS)
    payment = PaymentSerializer(required=False)
    contact_email = serializers.EmailField(required=False, max_length=254)

    def validate_items(self, items):
        bookings = [item["booking_id"] for item in items if "booking_id" in item]
        if len(bookings) > len(set(bookings)):
            raise serializers.ValidationError("A booking is on an order once.")
        return items


class StatusSerializer(StrictSerializer):
    status = StrictChoiceField(Order.Status.choices)


class PageNumberSerializer(StrictSerializer):
    page = StrictIntegerField(min_value=1, max_value=10_000_000, default=1)
    limit = StrictIntegerField(min_value=1, default=10, help_text="Above 100 is served as 100.")

    def validate_limit(self, value: int) -> int:
        return min(value, MAX_LIMIT)


class ProductQuerySerializer(PageNumberSerializer):
    category = StrictChoiceField(Product.Category.choices, required=False)
    in_stock = serializers.BooleanField(required=False)


class OrderQuerySerializer(PageQuerySerializer):
    status = StrictChoiceField(Order.Status.choices, required=False)
    customer_id = StrictCharField(max_length=255, required=False)
    payment_method = StrictChoiceField(Order.PaymentMethod.choices, required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    total_at_least = serializers.DecimalField(max_digits=12, decimal_places=4, min_value=0, required=False)
    total_at_most = serializers.DecimalField(max_digits=12, decimal_places=4, min_value=0, required=False)
    product_id = StrictCharField(max_length=50, required=False)
    booking_id = StrictUUIDField(required=False)


class ExecutionQuerySerializer(PageQuerySerializer):
    status = StrictChoiceField(Execution.Status.choices, required=False)


class HistoryQuerySerializer(PageQuerySerializer):
    reverse_order = serializers.BooleanField(default=False, help_text="Newest first.")


class StopSerializer(StrictSerializer):
    cause = StrictCharField(max_length=500, required=False, allow_blank=True)


class RedriveSerializer(StrictSerializer):
    payment_token = StrictCharField(max_length=255, required=False, help_text="Another card, where one was declined.")


# --- Answers ---


class OrderLineSerializer(serializers.Serializer):
    order_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    total_amount = serializers.FloatField()
    refunded_amount = serializers.FloatField(help_text="Paid back, or not owed any more.")
    currency = serializers.CharField()
    status = serializers.ChoiceField(Order.Status.choices)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class OrderItemSerializer(serializers.Serializer):
    product_id = serializers.CharField(allow_null=True)
    booking_id = serializers.UUIDField(allow_null=True)
    description = serializers.CharField()
    quantity = serializers.IntegerField()
    price = serializers.FloatField(help_text="Of one piece, as it was sold.")
    emd = EmdSerializer(allow_null=True, help_text="Of a product that is for a passenger.")


class OrderSerializer(OrderLineSerializer):
    items = OrderItemSerializer(many=True)
    payment_method = serializers.ChoiceField(Order.PaymentMethod.choices)
    contact_email = serializers.CharField()
    execution_arn = serializers.CharField()
    available_actions = serializers.ListField(
        child=serializers.ChoiceField([*Order.ACTIONS.values(), "delete"]), help_text="What its status allows."
    )


class OrderQuoteSerializer(serializers.Serializer):
    """What cancelling an order gives back; the lines add up to it."""

    quote_id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    kind = serializers.ChoiceField(["cancellation"])
    status = serializers.ChoiceField(["open", "confirmed", "superseded", "expired"])
    refund_amount = serializers.FloatField(help_text="Goes back.")
    penalty_amount = serializers.FloatField(help_text="Cancel fees, in the sums already.")
    kept_amount = serializers.FloatField(help_text="Value that is given up and does not go back.")
    currency = serializers.CharField()
    lines = QuoteLineSerializer(many=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class QuotedOrderSerializer(OrderSerializer):
    quote = OrderQuoteSerializer()


class CreatedOrderSerializer(serializers.Serializer):
    message = serializers.CharField()
    order_id = serializers.UUIDField()
    execution_arn = serializers.CharField()
    note = serializers.CharField()
    status = serializers.CharField()
    total_amount = serializers.FloatField()
    currency = serializers.CharField()


class UpdatedOrderSerializer(serializers.Serializer):
    message = serializers.CharField()
    order_id = serializers.UUIDField()
    status = serializers.CharField()


class DeletedOrderSerializer(serializers.Serializer):
    message = serializers.CharField()
    order_id = serializers.UUIDField()


class PaginationSerializer(serializers.Serializer):
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField()
    pages = serializers.IntegerField()


class OrderNumberedPageSerializer(PageSerializer):
    limit = next = None  # type: ignore[assignment]
    orders = OrderLineSerializer(many=True)
    pagination = PaginationSerializer()


class OrderPageSerializer(PageSerializer):
    orders = OrderLineSerializer(many=True)


class ProductSerializer(serializers.Serializer):
    product_id = serializers.CharField()
    name = serializers.CharField()
    category = serializers.ChoiceField(Product.Category.choices)
    price = serializers.FloatField()
    currency = serializers.CharField()
    rfic = serializers.CharField(help_text="Reason for issuance code of its EMDs; empty: not for passengers.")
    rfisc = serializers.CharField(help_text="Reason for issuance sub-code.")
    stock = serializers.IntegerField()
    in_stock = serializers.BooleanField()


class ProductPageSerializer(PageSerializer):
    limit = next = None  # type: ignore[assignment]
    products = ProductSerializer(many=True)
    pagination = PaginationSerializer()


class RecentEventSerializer(serializers.Serializer):
    type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    state = serializers.CharField(allow_null=True)


class WorkflowStatusSerializer(serializers.Serializer):
    execution_arn = serializers.CharField()
    status = serializers.ChoiceField(Execution.Status.choices)
    start_date = serializers.DateTimeField()
    stop_date = serializers.DateTimeField(allow_null=True)
    input_identifier = serializers.CharField()
    identifier_type = serializers.ChoiceField(["order_id", "execution_arn"])
    recent_events = RecentEventSerializer(many=True)


class ExecutionSerializer(serializers.Serializer):
    execution_arn = serializers.CharField()
    name = serializers.UUIDField()
    order_id = serializers.UUIDField()
    status = serializers.ChoiceField(Execution.Status.choices)
    state = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField()
    start_date = serializers.DateTimeField()
    stop_date = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    cause = serializers.CharField(allow_null=True)
    redrive_count = serializers.IntegerField()
    redrive_date = serializers.DateTimeField(allow_null=True)
    available_actions = serializers.ListField(child=serializers.ChoiceField(["stop", "redrive"]))


class ExecutionPageSerializer(PageSerializer):
    executions = ExecutionSerializer(many=True)


class HistoryEventSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    previousEventId = serializers.IntegerField()
    type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    state = serializers.CharField(allow_null=True)
    details = serializers.DictField()


class HistoryPageSerializer(PageSerializer):
    events = HistoryEventSerializer(many=True)
