"""Shapes of the calls about money: what they take and, for the documentation, what they answer."""

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from skybridge.strict import StrictAmountField, StrictCharField, StrictDateField, StrictSerializer, StrictUUIDField

LONGEST = timedelta(days=366)


class CurrencyField(StrictCharField):
    """An ISO 4217 code, by default the airline's own currency."""

    def __init__(self, **kwargs):
        super().__init__(max_length=3, required=False, **kwargs)

    def to_internal_value(self, data):
        code = super().to_internal_value(data)
        if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
            raise serializers.ValidationError("A currency is three capital letters, such as USD.")
        return code


class StatementQuerySerializer(StrictSerializer):
    currency = CurrencyField(help_text="ISO 4217; by default the airline's currency.")
    agency = serializers.UUIDField(required=False, help_text="Whose statement; needed by staff, else your own.")

    def get_fields(self):
        """Add `from`, which Python keeps for itself, and `to`."""
        first = StrictDateField(required=False, help_text="First day (UTC); by default the first of the month.")
        last = StrictDateField(required=False, help_text="Last day (UTC); by default today.")
        return {"from": first, "to": last, **super().get_fields()}

    def validate(self, attrs):
        last = attrs.setdefault("to", timezone.now().date())
        first = attrs.setdefault("from", last.replace(day=1))
        if not date(2000, 1, 1) <= first <= last <= date(2999, 12, 31):
            raise serializers.ValidationError({"from": "The first day is from 2000 on, and not after the last."})
        if last - first >= LONGEST:
            raise serializers.ValidationError({"from": "A statement covers at most 366 days."})
        return {"currency": settings.CURRENCY, "agency": None, **attrs}


class StatementLineSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="`sale`, `payment`, `refund`, `cancellation`, `change`, `settlement`, …")
    order_id = serializers.UUIDField(allow_null=True)
    reference = serializers.CharField()
    debit = serializers.FloatField(help_text="What the account owes more.")
    credit = serializers.FloatField(help_text="What it owes less.")
    balance = serializers.FloatField(help_text="What it owes after this; negative: credit.")


class StatementSerializer(serializers.Serializer):
    account = serializers.CharField()
    currency = serializers.CharField()
    to = serializers.DateField()
    opening_balance = serializers.FloatField(help_text="What was owed when the first day began.")
    lines = StatementLineSerializer(many=True)
    closing_balance = serializers.FloatField(help_text="What was owed when the last day ended.")

    def get_fields(self):
        fields = super().get_fields()
        return {**fields, "from": serializers.DateField()}


class NewSettlementSerializer(StrictSerializer):
    """Who has paid: an agency, or a traveller who orders without one."""

    agency_id = StrictUUIDField(required=False)
    customer_id = StrictCharField(max_length=255, required=False)
    amount = StrictAmountField(help_text="What was received, in the currency's places.")
    currency = CurrencyField()
    reference = StrictCharField(max_length=200, help_text="The bank's, such as the number of the transfer.")

    def validate(self, attrs):
        if "customer_id" in attrs and "agency_id" in attrs:
            raise serializers.ValidationError("Name an agency or a customer, not both.")
        if "customer_id" not in attrs and "agency_id" not in attrs:
            required = serializers.ErrorDetail("This field is required.", "required")
            raise serializers.ValidationError({"agency_id": required})
        return {"currency": settings.CURRENCY, "agency_id": None, "customer_id": "", **attrs}


class SettlementSerializer(serializers.Serializer):
    posting_id = serializers.UUIDField()
    account = serializers.CharField()
    amount = serializers.FloatField()
    currency = serializers.CharField()
    reference = serializers.CharField()
    balance = serializers.FloatField(help_text="What the account owes now.")
