"""Shapes that every app's answers share."""

from rest_framework import serializers

from skybridge.strict import StrictSerializer


class NothingSerializer(StrictSerializer):
    """No input at all."""


class FieldErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """The error body of every path (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    error = serializers.CharField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField()
