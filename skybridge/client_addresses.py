"""Where a request comes from, seen through the proxies that are ours."""

from ipaddress import IPv6Address, ip_address

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


def household(request) -> str | None:
    """Return the client's address as attempts are counted by it: nobody has another one at will."""
    return household_of(client_address(request))


def household_of(address: str | None) -> str | None:
    """Return what a household has of an address: IPv4 (also as IPv6 writes it) whole, of IPv6 the first half."""
    found = ip_address(address) if address else None
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64)
    return str(found) if found else None
