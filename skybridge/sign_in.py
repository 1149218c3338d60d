"""Signing in: one way for every door, in two steps for who has a second factor. Guessers are locked out."""

import time
from datetime import timedelta
from math import ceil

import django_otp
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from skybridge import problems, second_factor
from skybridge.client_addresses import household
from skybridge.exceptions import DomainError
from skybridge.pages import speaking
from skybridge.refusals import text_of

FIRST_STEP = "first_step"  # in a session that nobody has signed in to yet: who has shown the right password, and when
CODE_WITHIN_SECONDS = 600
LONGEST_NAME = 150
BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInLocked(DomainError):
    code = "sign_in_locked"
    status_code = 429


class SignIn(LoginView):
    """The website's form; a right password leads on to the code where the user has a second factor."""

    template_name = "skybridge/login.html"

    def form_valid(self, form):
        user = form.get_user()
        if second_factor.device_of(user) is None:
            return super().form_valid(form)
        self.request.session[FIRST_STEP] = {
            "user": user.pk,
            "password": user.get_session_auth_hash(),
            "at": time.time(),
            "next": self.get_success_url(),
        }
        return redirect("sign-in-code")


class OfficeSignIn(SignIn):
    """The back office's form, which lets in staff only."""

    template_name = "admin/login.html"
    authentication_form = AdminAuthenticationForm

    def get(self, request, *args, **kwargs):
        if admin.site.has_permission(request):
            return redirect("admin:index")
        return super().get(request, *args, **kwargs)

    def get_default_redirect_url(self):
        return reverse("admin:index")

    def get_context_data(self, **kwargs):
        context = {
            **admin.site.each_context(self.request),
            **super().get_context_data(**kwargs),
            "title": "Log in",
            "subtitle": None,
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
        }
        self.request.current_app = admin.site.name
        return {**context, self.redirect_field_name: self.get_success_url()}


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@speaking
def code_page(request) -> HttpResponse:
    """The second step: ask for the code of who has shown the right password within ten minutes."""
    step = request.session.get(FIRST_STEP, {})
    user = user_of(step)
    if user is None:
        return redirect("login")
    if request.method != "POST":
        return code_form(request)
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        return get_lockout_response(request, None, credentials)
    try:
        device = second_factor.check(user, request.POST.get("code", ""))
    except DomainError as refusal:
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        return code_form(request, refusal)
    del request.session[FIRST_STEP]
    login(request, user, backend=BACKEND)
    django_otp.login(request, device)
    return redirect(step["next"])


def user_of(step: dict) -> User | None:
    """Return who has taken the first step, if it was just now and with the password that still holds."""
    if time.time() - step.get("at", 0) > CODE_WITHIN_SECONDS:
        return None
    user = User.objects.filter(pk=step["user"], is_active=True).first()
    return user if user and user.get_session_auth_hash() == step["password"] else None


def code_form(request, refusal: DomainError | None = None) -> HttpResponse:
    status = refusal.status_code if refusal and refusal.status_code == 429 else 200
    text = text_of(refusal) if refusal else ""
    return render(request, "account/code.html", {"refused_for": text}, status=status)


def name_tried(request, credentials=None) -> str:
    """Return the user name under which an attempt is counted: as much of it as a user name has."""
    return (credentials or request.POST).get("username", "")[:LONGEST_NAME]


def locked_out(request, response=None, credentials=None) -> HttpResponse:
    """Tell who is locked out when to try again: a page, or the one error body for a program."""
    until = locked_until(request, credentials or {})
    seconds = max(1, ceil((until - timezone.now()).total_seconds()))
    minutes = ceil(seconds / 60)
    text = ngettext(
        "Too many attempts to sign in. Try again in %(minutes)s minute.",
        "Too many attempts to sign in. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
    if request.accepts("text/html"):
        facts = {"text": text, "until": until}
        answer = render(request, "account/locked_out.html", facts, status=SignInLocked.status_code)
    else:
        answer = problems.problem(SignInLocked(text), request.path)
    answer["Retry-After"] = str(seconds)
    return answer


def locked_until(request, credentials: dict):
    """Return when the last failure is forgotten."""
    attempts = AccessAttempt.objects.filter(
        username=name_tried(request, credentials), ip_address=household(request)
    ).order_by("-attempt_time")
    last = attempts.values_list("attempt_time", flat=True).first() or timezone.now()
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    return last + cool_off


# Where staff without a second factor may go while it is required.
FREE_PAGES = ("/account/second-factor", "/logout", "/login", "/admin/login", "/admin/logout", "/livez", "/readyz")


def require_second_factor(get_response):
    """Middleware: while STAFF_SECOND_FACTOR is `required`, staff who signed in without one can only set it up."""

    def middleware(request):
        return set_up_first(request) if lacks_second_factor(request) else get_response(request)

    return middleware


def lacks_second_factor(request) -> bool:
    """Tell whether the session needs a second factor; keys and tokens have none and need none."""
    if not second_factor.is_required() or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    if request.path.startswith(FREE_PAGES) or shows_credentials(request):
        return False
    return request.user.is_authenticated and request.user.is_staff and not request.user.is_verified()


def shows_credentials(request) -> bool:
    """Tell whether a call of the API shows a key or token, which decides, good or bad; pages know sessions only."""
    scheme = request.headers.get("Authorization", "").strip().partition(" ")[0].lower()
    if "x-api-key" not in request.headers and scheme != "bearer":
        return False
    try:
        return hasattr(resolve(request.path_info).func, "cls")
    except Resolver404:
        return False


class SecondFactorRequired(DomainError):
    code = "second_factor_required"
    status_code = 403
    message = "Set up your second factor first, at /account/second-factor/."


def set_up_first(request) -> HttpResponse:
    is_page = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", "")
    if is_page or request.path.startswith("/admin/"):
        return redirect("second-factor")
    return problems.problem(SecondFactorRequired(), request.path)
