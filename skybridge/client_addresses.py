"""Where a request comes from, seen through the proxies that are ours."""

from ipaddress import ip_address

from django.conf import settings


def client_address(request) -> str | None:
    """Return the client's address, or None where there is none (a Unix socket).

    Behind `TRUSTED_PROXIES` proxies it is that many places from the right of X-Forwarded-For: what stands further left,
    the client may have written itself.
    """
    given = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        given = hops[-min(settings.TRUSTED_PROXIES, len(hops))].strip() or given
    try:
        return str(ip_address(given))
    except ValueError:
        return None
