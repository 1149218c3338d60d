from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from skybridge import sealing
from ticketing import signatures


class TicketingConfig(AppConfig):
    name = "ticketing"
    verbose_name = "Ticketing"

    def ready(self) -> None:
        register(boarding_pass_keys)
        register(travel_document_keys)


def boarding_pass_keys(**scope) -> list[Error]:
    """Tell at the start, not at the first check-in, that the keys of the settings cannot sign."""
    try:
        if settings.BOARDING_PASS_KEYS:
            signatures.key_ring(settings.BOARDING_PASS_KEYS)
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="ticketing.E001")]
    return []


def travel_document_keys(**scope) -> list[Error]:
    """Tell at the start, not at the first passport, that the keys of the settings cannot seal."""
    try:
        sealing.key_ring()
    except ValueError:
        return [Error("TRAVEL_DOCUMENT_KEYS are Fernet keys: 32 bytes in URL-safe base64.", id="ticketing.E002")]
    return []
