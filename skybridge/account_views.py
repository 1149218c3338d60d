"""The pages of who is signed in: the second factor, and where one is signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import django_otp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from skybridge import second_factor, staff_sessions
from skybridge.events import Actor
from skybridge.exceptions import DomainError
from skybridge.pages import speaking
from skybridge.refusals import text_of
from ticketing.symbols import Symbology, draw


def actor_of(request) -> Actor:
    return Actor("staff" if request.user.is_staff else "agent", str(request.user.pk), "page")


def told(page: str) -> Callable:
    """Show a refusal of the service as a message on a page."""

    def decorator(view):
        @wraps(view)
        def wrapper(request, *args, **kwargs):
            try:
                return view(request, *args, **kwargs)
            except DomainError as refusal:
                messages.error(request, f"{text_of(refusal)} ({refusal.code})")
                return redirect(page)

        return wrapper

    return decorator


@never_cache
@login_required
@require_safe
@speaking
def second_factor_page(request) -> HttpResponse:
    """Show how to set up a second factor, or what can be done with the one that is there."""
    is_required = second_factor.is_required()
    facts: dict[str, Any] = {"device": second_factor.device_of(request.user), "is_required": is_required}
    if facts["device"]:
        facts["codes_left"] = second_factor.backup_codes_left(request.user)
    else:
        device = second_factor.new_device(request.user)
        svg = draw(device.config_url, Symbology.QR).svg(_("QR code with the secret below"))
        facts |= {"qr": mark_safe(svg), "secret": second_factor.secret_text(device), "name": settings.AIRLINE_NAME}
    return render(request, "account/second_factor.html", facts)


@sensitive_post_parameters("code")
@never_cache
@login_required
@require_POST
@speaking
@told("second-factor")
@sensitive_variables("codes")
def set_up_second_factor(request) -> HttpResponse:
    if second_factor.device_of(request.user):
        return redirect("second-factor")
    device, codes = second_factor.set_up(
        request.user,
        request.POST.get("code", ""),
        actor=actor_of(request),
        at=timezone.now(),
        keep=staff_sessions.current_id(request),
    )
    django_otp.login(request, device)
    return render(request, "account/backup_codes.html", {"codes": codes, "is_new": True})


@sensitive_post_parameters("code")
@never_cache
@login_required
@require_POST
@speaking
@told("second-factor")
def take_away_second_factor(request) -> HttpResponse:
    second_factor.check(request.user, request.POST.get("code", ""))
    second_factor.take_away(request.user, actor=actor_of(request), at=timezone.now())
    messages.success(request, _("Your second factor is off; signing in needs only your password."))
    return redirect("second-factor")


@sensitive_post_parameters("code")
@never_cache
@login_required
@require_POST
@speaking
@told("second-factor")
@sensitive_variables("codes")
def renew_backup_codes(request) -> HttpResponse:
    second_factor.check(request.user, request.POST.get("code", ""))
    codes = second_factor.renew_backup_codes(request.user, actor=actor_of(request), at=timezone.now())
    device = second_factor.device_of(request.user)
    django_otp.login(request, device)  # the backup code that was used is gone
    return render(request, "account/backup_codes.html", {"codes": codes})


@never_cache
@login_required
@require_safe
@speaking
def sessions_page(request) -> HttpResponse:
    sessions = staff_sessions.live_sessions(request.user, at=timezone.now())
    facts = {"sessions": sessions, "current": staff_sessions.current_id(request)}
    return render(request, "account/sessions.html", facts)


@login_required
@require_POST
@speaking
@told("sessions")
def end_session(request, session_id) -> HttpResponse:
    is_own = session_id == staff_sessions.current_id(request)
    staff_sessions.revoke(session_id, request.user, actor=actor_of(request), at=timezone.now())
    if is_own:
        logout(request)
        return redirect("login")
    messages.success(request, _("That session has ended."))
    return redirect("sessions")


@login_required
@require_POST
def sign_out_everywhere(request) -> HttpResponse:
    staff_sessions.revoke_all(request.user, actor=actor_of(request), at=timezone.now())
    logout(request)
    return redirect("login")
