"""Who may open a page: staff with a permission, agents, travellers who have shown a booking's locator and surname."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject

from partners import buckets
from partners.authentication import caller_from
from partners.callers import Caller
from partners.tokens import terms_from
from skybridge import pages, problems
from skybridge.exceptions import Forbidden, InvalidInput

SHOWN_BOOKINGS = "shown_bookings"  # in the session: ids of the bookings that a traveller has shown to be theirs
MOST_SHOWN = 20


class SignInFirst(Exception):
    pass


def page(
    permission: str = "",
    *,
    guests: bool = False,
    anyone: bool = False,
    gates: bool = False,
    methods: Iterable[str] = ("GET",),
) -> Callable:
    """Declare a page: who may open it, and its methods; `request.caller` is who opens it.

    Staff need the permission, agents none. With `guests` a traveller may open it for a booking that the session has
    shown (the address names `booking_id`); with `anyone` the caller may be None; with `gates` agents must be a ground
    handler's. What a service refuses becomes a page; forms show it themselves (`PageForm.showing_refusals`).
    """
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)

    def declare(view):
        @functools.wraps(view)
        def opened(request, *args, **kwargs):
            try:
                if request.method not in allowed:
                    raise problems.MethodNotAllowed(headers={"Allow": ", ".join(sorted(allowed))})
                if "%00" in request.META["QUERY_STRING"]:  # no text of the database holds a NUL
                    raise InvalidInput("Bad Request")
                request.caller = caller_of(request, kwargs if guests else {}, anyone)
                check(request, permission, gates)
                with pages.in_language_of(request):
                    response = view(request, *args, **kwargs)
                    if not getattr(response, "is_rendered", True):
                        response.render()
            except SignInFirst:
                response = to_sign_in(request, guests)
            except Exception as exc:
                response = pages.refuse(request, problems.refusal_from(exc))
            add_never_cache_headers(response)
            return response

        return opened

    return declare


def may(request, permission: str) -> bool:
    """Tell whether the caller may do something: staff by their role, agents and travellers with what is theirs."""
    caller = request.caller
    return caller is not None and (not caller.is_staff or not permission or request.user.has_perm(permission))


def check(request, permission: str, gates: bool) -> None:
    caller = request.caller
    if caller is None:
        return
    if not may(request, permission) or (gates and not caller.works_at_gates):
        raise Forbidden
    request.caller_name = f"{caller.kind}:{caller.id}"  # for the access log
    buckets.require(f"throttle:{caller.kind}:{caller.id}", caller.plan)


def is_known(request) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def caller_of(request, named: dict[str, str], anyone: bool) -> Caller | None:
    """Return who opens a page; `named` holds the `booking_id` of a page that travellers may open.

    Raises SignInFirst when nobody has, but for a page that anyone may open: there, who is signed in and nobody's agent
    any more is a visitor as well.
    """
    if is_known(request):
        try:
            return replace(caller_from(request.user), door="page")
        except Forbidden:
            if not anyone:
                raise
    if anyone:
        return None
    booking_id = named.get("booking_id", "")
    if booking_id in shown_bookings(request):
        return guest(UUID(booking_id))
    raise SignInFirst


def looking(request) -> dict[str, Any]:
    """Tell templates who looks, where no `@page` has found out: on refusals and the pages of one's own account."""
    if hasattr(request, "caller"):
        return {}
    return {"caller": SimpleLazyObject(lambda: caller_of(request, {}, anyone=True))}


def guest(booking_id: UUID) -> Caller:
    """Return the traveller of one booking."""
    plan = terms_from(settings.SESSION_PLAN)
    return Caller(kind="traveller", id=f"booking:{booking_id}", door="page", booking_id=booking_id, plan=plan)


def shown_bookings(request) -> list[str]:
    return request.session.get(SHOWN_BOOKINGS, []) if settings.SESSION_COOKIE_NAME in request.COOKIES else []


def remember_shown(request, booking_id: UUID) -> None:
    """Let this session open a booking's pages, under a new session key."""
    others = [shown for shown in shown_bookings(request) if shown != str(booking_id)]
    request.session.cycle_key()
    request.session[SHOWN_BOOKINGS] = [*others, str(booking_id)][-MOST_SHOWN:]


def forget_shown(request) -> None:
    """Let this session open no booking's pages any more, under a new session key."""
    request.session.pop(SHOWN_BOOKINGS, None)
    request.session.cycle_key()


def to_sign_in(request, guests: bool) -> HttpResponse:
    """Lead to the form by which this page can be opened, and back after it."""
    form = reverse("manage" if guests else "login")
    back = urlencode({"next": request.get_full_path()}) if request.method in ("GET", "HEAD") else ""
    return redirect(f"{form}?{back}" if back else form)
