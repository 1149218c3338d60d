"""Who is calling: an agency with its key, a traveller with a token, or staff and agents with a session.

The authenticators are asked in the order of the settings and the first whose credentials are shown decides: a bad key
is refused even beside a good token. `request.user` becomes a `Caller`.
"""

from django.conf import settings
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission

from partners.callers import Caller
from partners.keys import caller_with
from partners.models import Agent
from partners.tokens import terms_from, traveller_with
from skybridge.exceptions import Forbidden

BAD_KEY = {"pointer": "", "code": "bad_key", "message": "This API key is unknown, expired or revoked."}
NOT_IN_ROLE = {"pointer": "", "code": "not_in_role", "message": "Your role may not do this through the API."}
DEPARTING = ("skybridge.check_in", "skybridge.board")
# What staff must be allowed to see in the back office to read by the viewsets of a module; the first that fits.
SEEN_WITH = {
    "orders.disruption": "orders.view_disruption",
    "orders": "orders.view_order",
    "bookings": "bookings.view_booking",
    "ticketing": "ticketing.view_ticket",
    "flights": "flights.view_flight",
    "partners": "partners.view_ledgerentry",
}
NO_CREDENTIALS = {
    "pointer": "",
    "code": "no_credentials",
    "message": "Send an API key as x-api-key, or a token as Authorization: Bearer.",
}


def known(request, caller: Caller, auth: str) -> tuple[Caller, str]:
    request.caller_name = f"{caller.kind}:{caller.id}"  # for the access log
    return caller, auth


class ApiKeyAuthentication(BaseAuthentication):
    """The header `x-api-key`."""

    def authenticate(self, request):
        key = request.META.get("HTTP_X_API_KEY")
        if key is None:
            return None
        caller = caller_with(key)
        if caller is None:
            raise Forbidden(errors=[BAD_KEY])
        return known(request, caller, "key")


class BearerAuthentication(BaseAuthentication):
    """The header `Authorization: Bearer <JWT>`."""

    def authenticate(self, request):
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        return known(request, traveller_with(token.strip()), "token")

    def authenticate_header(self, request):
        return "Bearer"


class StaffSessionAuthentication(SessionAuthentication):
    """The session cookie of a member of staff or an agent; unsafe methods need the CSRF token.

    Staff read what their role sees in the back office. What they change is checked against their role there; here it
    takes an act of its own.
    """

    def authenticate(self, request):
        user = getattr(request, "user", None)
        if user is None or not user.is_active:
            return None
        self.enforce_csrf(request)
        if user.is_staff and not (user.has_perm("skybridge.use_api") or is_in_role(user, request)):
            raise Forbidden(errors=[NOT_IN_ROLE])
        return known(request, caller_from(user), "session")

    def enforce_csrf(self, request):
        """Look for the token among the headers alone: no body is a form."""
        request._post, request._files = QueryDict(), MultiValueDict()
        super().enforce_csrf(request)


def is_in_role(user, request) -> bool:
    """Tell whether staff see what they read, or are at a gate or check-in desk that calls this. No desk sells."""
    view = request.resolver_match.func
    module, action = view.cls.__module__, view.actions.get(request.method.lower())
    if request.method in SAFE_METHODS:
        return user.has_perm(next((seen for name, seen in SEEN_WITH.items() if module.startswith(f"{name}.")), ""))
    return module.startswith("ticketing.") and action != "issue" and user.has_perms(DEPARTING)


def caller_from(user) -> Caller:
    """Return the caller that a signed-in user is. Raises Forbidden for neither staff nor agent. At most one query."""
    plan = terms_from(settings.SESSION_PLAN)
    if user.is_staff:
        return Caller(kind="staff", id=str(user.pk), door="api", is_staff=True, plan=plan)
    agent = Agent.objects.select_related("agency").filter(user=user.pk, agency__is_active=True).first()
    if agent is None:
        raise Forbidden
    return Caller(
        kind="agent",
        id=str(user.pk),
        door="api",
        agency_id=agent.agency_id,
        agency_name=agent.agency.name,
        is_ground_handler=agent.agency.is_ground_handler,
        is_manager=agent.is_manager,
        plan=plan,
    )


class IsKnownCaller(BasePermission):
    """Let in whoever has shown credentials."""

    def has_permission(self, request, view):
        if not isinstance(request.user, Caller):
            raise Forbidden(errors=[NO_CREDENTIALS])
        return True
