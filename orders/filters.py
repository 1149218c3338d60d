"""The filters of the orders' list."""

import django_filters

from orders.models import Order


class OrderFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Order.Status.choices)
    customer_id = django_filters.CharFilter()
    payment_method = django_filters.ChoiceFilter(choices=Order.PaymentMethod.choices)
    created_after = django_filters.IsoDateTimeFilter("created_at", "gte")
    created_before = django_filters.IsoDateTimeFilter("created_at", "lt")
    total_at_least = django_filters.NumberFilter("total_amount", "gte")
    total_at_most = django_filters.NumberFilter("total_amount", "lte")
    product_id = django_filters.CharFilter("items__product_id", distinct=True)
    booking_id = django_filters.UUIDFilter("bookings__id")

    class Meta:
        model = Order
        fields: list[str] = []
