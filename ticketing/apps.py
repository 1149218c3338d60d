from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from ticketing import signatures


class TicketingConfig(AppConfig):
    name = "ticketing"
    verbose_name = "Ticketing"

    def ready(self) -> None:
        register(boarding_pass_keys)


def boarding_pass_keys(**scope) -> list[Error]:
    """Tell at the start, not at the first check-in, that the keys of the settings cannot sign."""
    try:
        if settings.BOARDING_PASS_KEYS:
            signatures.key_ring(settings.BOARDING_PASS_KEYS)
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="ticketing.E001")]
    return []
