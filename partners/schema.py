"""The three ways to show who is calling, for the OpenAPI document."""

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "partners.authentication.ApiKeyAuthentication"
    name = "ApiKeyAuth"

    def get_security_definition(self, auto_schema):
        return {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "A partner agency's key: `sb_test_…` or `sb_live_…`.",
        }


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "partners.authentication.BearerAuthentication"
    name = "BearerAuth"

    def get_security_definition(self, auto_schema):
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A traveller's Amazon Cognito ID or access token.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "partners.authentication.StaffSessionAuthentication"
    name = "SessionAuth"

    def get_security_definition(self, auto_schema):
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "Staff and agents who are signed in; unsafe methods also need `X-CSRFToken`.",
        }
