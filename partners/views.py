"""An agency's own pages: its day, orders, statement and API keys. Only its agents get in, to the keys only managers."""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import agency_desk, quotes
from orders.documents import quote_document
from orders.models import Order
from orders.services import redrive_execution
from partners import buckets, services
from partners.forms import (
    KeyForm,
    MonthForm,
    NewKeyForm,
    PlainForm,
    QuotedForm,
    RedriveForm,
    RotateForm,
    last_day,
)
from partners.keys import mode_of, terms_of
from partners.models import Agency, ApiKey
from partners.pages import page
from partners.statements import page_for
from skybridge import pages
from skybridge.exceptions import Forbidden, NotFound
from skybridge.pages import PageForm

LINES = 100  # of a statement on one page


def agents_page(*, managers: bool = False, **declared) -> Callable:
    """Declare a page of an agency: for its agents, or for those who manage it."""

    def declare(view):
        @functools.wraps(view)
        def opened(request, *args, **kwargs):
            caller = request.caller
            if caller.kind != "agent" or (managers and not caller.is_manager):
                raise Forbidden
            return view(request, *args, **kwargs)

        return page(**declared)(opened)

    return declare


def show(request, template: str, context: dict, form: PageForm | None = None) -> HttpResponse:
    return pages.show(request, f"partners/{template}.html", {"section": "agency", **context}, form=form)


@agents_page()
def agency_page(request):
    at = timezone.now()
    overview = agency_desk.read_overview(caller=request.caller, at=at)
    return show(request, "agency_page", {"tab": "agency", "overview": overview, "at": at})


# --- Orders ---


@agents_page()
def orders_page(request):
    status = request.GET.get("status", "")
    status = status if status in Order.Status.values else ""
    orders, following = agency_desk.order_page(status, request.GET.get("cursor", ""), caller=request.caller)
    context = {"tab": "orders", "orders": orders, "next": following, "status": status, "statuses": Order.Status.values}
    return show(request, "agency_orders", context)


@agents_page(methods=("GET", "POST"))
def order_page(request, order_id):
    """Show an order with what failed; redrive it, or cancel it by quote."""
    found = agency_desk.read_order_view(order_id, quote_id_of(request), caller=request.caller)
    form_class, act = ORDER_ACTS.get(request.POST.get("action", ""), (PlainForm, None))
    form = form_class(request.POST) if request.method == "POST" else None
    if form is not None and act and form.is_valid():
        with form.showing_refusals():
            return redirect(act(request, order_id, form.cleaned_data))
    quote = quote_document(found.quote, timezone.now()) if found.quote else None
    redriving = form if isinstance(form, RedriveForm) else RedriveForm()
    context = {"tab": "orders", "found": found, "order": found.order, "quote": quote, "redriving": redriving}
    return show(request, "agency_order", context, form)


def quote_id_of(request) -> UUID | None:
    try:
        return UUID(request.GET["quote"]) if "quote" in request.GET else None
    except ValueError:
        raise NotFound from None


def redrive(request, order_id: UUID, wanted: dict) -> str:
    redrive_execution(order_id, caller=request.caller, payment_token=wanted["token"])
    messages.success(request, _("The order goes on where it failed."))
    return address_of(order_id)


def quote_order(request, order_id: UUID, wanted: dict) -> str:
    quote = quotes.quote_cancellation(order_id, caller=request.caller)
    return f"{address_of(order_id)}?quote={quote.pk}"


def cancel_order(request, order_id: UUID, wanted: dict) -> str:
    quotes.confirm_quote(order_id, wanted["quote"], caller=request.caller)
    messages.success(request, _("The order is cancelled."))
    return address_of(order_id)


def address_of(order_id: UUID) -> str:
    return reverse("agency-order", args=[order_id])


ORDER_ACTS = {
    "redrive": (RedriveForm, redrive),
    "quote": (PlainForm, quote_order),
    "cancel": (QuotedForm, cancel_order),
}


# --- The statement ---


@agents_page()
def statement_page(request):
    """Show a month of the account, a hundred lines to a page."""
    at = timezone.now()
    asked = {"month": f"{at:%Y-%m}", "currency": settings.CURRENCY, **request.GET.dict()}
    form = MonthForm(asked)
    if not form.is_valid():
        return show(request, "agency_statement", {"tab": "statement"}, form)
    first, currency = form.cleaned_data["month"], form.cleaned_data["currency"]
    period = {"currency": currency, "first_day": first, "last_day": last_day(first)}
    found, page_number, page_count = page_for(request.caller, number=page_asked(request), size=LINES, **period)
    locators = agency_desk.locators_of({line.order_id for line in found.lines if line.order_id})
    context = {
        "tab": "statement", "found": found, "first": first, "currency": currency,
        "lines": [(line, line.order_id and locators.get(line.order_id)) for line in found.lines],
        "before": first - timedelta(days=1), "after": found.last_day + timedelta(days=1),
        "page_number": page_number, "page_count": page_count, "is_now": found.last_day >= at.date(),
    }  # fmt: skip
    return show(request, "agency_statement", context, form)


def page_asked(request) -> int:
    """Return the number of the page asked for, 0 if there is no such number: that is the last page."""
    asked = request.GET.get("page", "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 0


# --- API keys ---


@agents_page(managers=True, methods=("GET", "POST"))
def keys_page(request):
    """Show the agency's keys and what they use; make one (shown in this answer alone), rotate and revoke."""
    at = timezone.now()
    agency = Agency.objects.select_related("plan").get(pk=request.caller.agency_id)
    live = list(ApiKey.objects.live(at).filter(agency=agency).order_by("pk"))
    form_class, act = KEY_ACTS.get(request.POST.get("action", ""), (NewKeyForm, create))
    form: PageForm | None = None
    made: str | None = None
    if request.method == "POST":
        form = form_class(request.POST, live=live) if issubclass(form_class, KeyForm) else form_class(request.POST)
        if form.is_valid():
            with form.showing_refusals():
                made = act(request, agency, form)
                if made is None:
                    return redirect("agency-keys")
                live = list(ApiKey.objects.live(at).filter(agency=agency).order_by("pk"))
    return show(request, "agency_keys", keys_context(request, agency, live, form, made, at), None if made else form)


def create(request, agency: Agency, form: NewKeyForm) -> str:
    wanted = form.cleaned_data
    return services.create_api_key(agency, actor=request.caller, mode=wanted["mode"], name=wanted["name"])[1]


def rotate(request, agency: Agency, form: RotateForm) -> str:
    return services.rotate_api_key(form.api_key, actor=request.caller, overlap=form.cleaned_data["overlap"])[1]


def revoke(request, agency: Agency, form: KeyForm) -> None:
    services.revoke_api_key(form.api_key, actor=request.caller)
    messages.success(request, _("The key %(prefix)s… is revoked.") % {"prefix": form.api_key.prefix})


KEY_ACTS: dict[str, tuple[type[PageForm], Callable]] = {"rotate": (RotateForm, rotate), "revoke": (KeyForm, revoke)}


def keys_context(request, agency: Agency, live: list[ApiKey], form, made: str | None, at: datetime) -> dict:
    ended = ApiKey.objects.filter(agency=agency).exclude(pk__in=[api_key.pk for api_key in live]).order_by("-pk")
    asked = next((api_key for api_key in live if str(api_key.pk) == request.GET.get("key", "")), None)
    rotate_form = RotateForm(live=live, initial={"key": asked.pk}) if asked else None
    rotating = asked if request.GET.get("do") == "rotate" else None
    if isinstance(form, RotateForm) and not made and "key" in form.cleaned_data:  # refused: it is asked for again
        rotate_form, rotating = form, form.api_key
    return {
        "tab": "keys", "agency": agency, "made": made,
        "live": [(api_key, mode_of(api_key.prefix)) for api_key in live],
        "ended": [(api_key, mode_of(api_key.prefix)) for api_key in ended[:10]],
        "new_form": form if isinstance(form, NewKeyForm) and not made else NewKeyForm(),
        "is_full": len(live) >= services.MAX_LIVE_KEYS,
        "rotating": rotating,
        "revoking": asked if request.GET.get("do") == "revoke" else None,
        "rotate_form": rotate_form,
        **usage_of(agency, at),
    }  # fmt: skip


def usage_of(agency: Agency, at: datetime) -> dict:
    """Return what is left of the agency's plan, and the refused calls of two hours; None while it is not known."""
    bucket, plan, second = f"throttle:agency:{agency.pk}", terms_of(agency.plan), at.timestamp()
    count = buckets.left_in(bucket, plan, second)
    refused = buckets.refused_calls(bucket, second) if count else None
    used = agency.plan.quota - (count.quota_left or 0) if count and agency.plan.quota else None
    return {"count": count, "used": used, "refused": refused}
