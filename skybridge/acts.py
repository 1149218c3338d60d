"""Acts of the back office: what staff do to one thing or to several, after a page that shows what will come of it.

An `Act` names its permission, its form, what it shows first and the service that carries it out. `ActsAdmin` gives each
a button on the thing's page and an action of the list; both lead to one page, and from there each thing is dealt with
in the service's own transaction. Whatever a service refuses is a message with its code. A page that is submitted twice,
or that shows a thing as it is no more, does nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache

from partners.callers import Caller
from skybridge import approvals, context
from skybridge.admin import staff_caller
from skybridge.exceptions import DomainError, StaleVersion, StillRunning
from skybridge.lists import COUNTED, money
from skybridge.models import IdempotencyKey

MOST = 200  # things of one page
SHOWN_OF_ALL = 20
MOST_MESSAGES = 20
MOST_BUTTONS = 3
CHANGES_BY_ITSELF = {"last_used_at", "document"}
Lines = Sequence[tuple[str, str]]


class ActForm(forms.Form):
    """What an act asks for; a reason always. `rows` are the things that it is about."""

    reason = forms.CharField(
        label="Why", max_length=200, widget=forms.TextInput(attrs={"size": 60, "autocomplete": "off"}),
        help_text="Kept in the history.",
    )  # fmt: skip
    field_order: Sequence[str] | None = None

    def __init__(self, *args, rows: Sequence[Any] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.rows = rows
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])


@dataclass(frozen=True)
class Doing:
    """One person's doing: who, when, what the form says, and the token of what was shown."""

    user: User
    caller: Caller
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def reason(self) -> str:
        return self.data.get("reason", "")


@dataclass(frozen=True)
class Shown:
    """What an act would do to a thing, and the token that its confirmation brings back ("": the thing's version)."""

    lines: Lines = ()
    token: str = ""


@dataclass(frozen=True)
class Done:
    """What has come of it. A secret is shown on the page that follows and nowhere else."""

    text: str
    secret: str = ""
    is_waiting: bool = False


def nothing_to_show(row: Any, doing: Doing) -> Shown:
    return Shown()


def always(row: Any) -> bool:
    return True


def version_of(row: models.Model) -> str:
    """Return a digest of a row as it was read."""
    deferred = row.get_deferred_fields() | CHANGES_BY_ITSELF
    names = [f.attname for f in row._meta.concrete_fields if f.attname not in deferred]
    return digest({name: getattr(row, name) for name in names})


def digest(facts: dict) -> str:
    return sha256(repr(sorted((name, str(value)) for name, value in facts.items())).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Act:
    """Something that staff do. `permission`: any one of those named, with blanks between.

    `asks_first`: nothing is shown before the form is filled in. `is_offered` hides the button on things whose state
    does not allow it; the service decides. `everything` are the things that "all at once" is about, if that is offered;
    `queue` leaves those that were there at a moment to tasks, and returns how many.
    """

    name: str
    label: str
    permission: str
    carry_out: Callable[[Any, Doing], Done]
    show: Callable[[Any, Doing], Shown] = nothing_to_show
    form: type[ActForm] = ActForm
    is_offered: Callable[[Any], bool] = always
    version: Callable[[Any], str] = version_of
    everything: Callable[[], QuerySet] | None = None
    everything_label: str = ""
    queue: Callable[[Doing, datetime], int] | None = None
    asks_first: bool = False
    for_several: bool = True
    is_grave: bool = False
    explanation: str = ""

    def is_for(self, user) -> bool:
        return any(user.has_perm(name) for name in self.permission.split())


@dataclass(frozen=True)
class Entry:
    """A thing on the page: what would come of it, or why it cannot be."""

    row: Any
    lines: Lines = ()
    token: str = ""
    refusal: str = ""


def words_of(refusal: DomainError) -> str:
    return f"{refusal.message} ({refusal.code})"


# --- A second person's word ---


def second_word(act: str, object_id: UUID, facts: dict, at: datetime) -> tuple[str, str]:
    """Return the line that says what confirming does while a second person's word is needed."""
    words = {
        "granted": "Granted: confirming carries it out.",
        "pending": "Asked for; somebody else has not decided yet. Confirming does nothing more.",
        "": "Needed. Confirming asks for it; once it is granted, come back here and confirm again.",
    }
    return "Second person", words[approvals.state_of(act, object_id, facts, at=at)]


def with_second_word(
    act: str, object_id: UUID, facts: dict, doing: Doing, carry_out: Callable[[], Done], *, is_needed: bool = True
) -> Done:
    """Carry out what a second person has granted, using the approval up in the same transaction, or ask for it."""
    if not is_needed:
        return carry_out()
    try:
        with transaction.atomic():
            approvals.require_granted(act, object_id, facts, actor=doing.caller, at=doing.at)
            return carry_out()
    except approvals.ApprovalRequired:
        approvals.ask(act, object_id, facts, reason=doing.reason, user=doing.user, at=doing.at)
    amount = money(Decimal(facts["amount"]), facts["currency"])
    return Done(f"Asked: {amount} waits for a second person under Approvals. Nothing has changed yet.", is_waiting=True)


# --- The pages ---


class ActsAdmin(admin.ModelAdmin):
    """Mixin for an admin whose things can be acted on: `acts`, in the order of their buttons."""

    acts: Sequence[Act] = ()

    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("act/<slug:name>/", self.admin_site.admin_view(self.act_view), name=name), *super().get_urls()]

    def act_url(self, act: Act, query: str = "") -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_act", args=[act.name]) + query

    def acts_for(self, request) -> list[Act]:
        return [act for act in self.acts if act.is_for(request.user)]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        offered = [act for act in self.acts_for(request) if obj is not None and act.is_offered(obj)]
        buttons, more = arranged(offered)
        context["acts"] = [(act, self.act_url(act, f"?id={obj.pk}")) for act in buttons]
        context["more_acts"] = [(act, self.act_url(act, f"?id={obj.pk}")) for act in more]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def changelist_view(self, request, extra_context=None):
        everywhere = [act for act in self.acts_for(request) if act.everything]
        offered = [(act, self.act_url(act, "?all=yes")) for act in everywhere]
        return super().changelist_view(request, {"acts_on_all": offered, **(extra_context or {})})

    def get_actions(self, request):
        actions = super().get_actions(request)
        acts = [act for act in self.acts_for(request) if act.for_several]
        return actions | {act.name: (list_action(act), act.name, f"{act.label} …") for act in acts}

    @property
    def all_acts(self) -> dict[str, Act]:
        return {act.name: act for act in self.acts}

    def act_view(self, request, name: str) -> HttpResponse:
        """Show what an act would do, or carry it out."""
        act = self.all_acts.get(name)
        if act is None:
            raise Http404
        if not (act.is_for(request.user) and self.has_view_permission(request)):
            raise PermissionDenied
        if act.queue and act.everything and ("all" in request.GET or "all" in request.POST):
            return self.all_page(request, act, act.everything(), act.queue)
        return self.act_page(request, act, self.rows_for(request, act))

    def rows_for(self, request, act: Act) -> list[Any]:
        """Return the things that a request names, or all that the act is for. Raises Http404."""
        if "all" in request.GET and act.everything:
            return list(act.everything()[:MOST])
        named = (request.POST if request.method == "POST" else request.GET).getlist("id")[:MOST]
        try:
            rows = list(self.get_queryset(request).filter(pk__in=named).order_by("pk"))
        except (ValueError, ValidationError):
            raise Http404 from None
        if not rows or (len(rows) > 1 and not act.for_several):
            raise Http404
        return rows

    def act_page(self, request, act: Act, rows: list[Any]) -> HttpResponse:
        """Take one step: ask, show, or carry out what has been shown."""
        step = request.POST.get("step", "") if request.method == "POST" else ""
        form = act.form(request.POST if step else None, rows=rows)
        is_filled = bool(step) and form.is_valid()
        doing = Doing(request.user, staff_caller(request), timezone.now(), form.cleaned_data if is_filled else {})
        if is_filled and step == "confirm":
            if not act.asks_first or request.POST.get("of", "") == wish_of(doing.data):
                return self.carried_out(request, act, rows, doing)
            messages.warning(request, "The form was changed after this was shown; look again, then confirm.")
        entries = self.entries(act, rows, doing) if is_filled or not act.asks_first else []
        return self.shown_page(request, act, rows, form, entries, doing)

    def all_page(self, request, act: Act, found: QuerySet, queue: Callable[[Doing, datetime], int]) -> HttpResponse:
        """Show how many things an act is for and what comes of some; confirmed, leave those of that moment to tasks."""
        at = timezone.now()
        until = moment_of(request.POST.get("all", "")) if request.method == "POST" else at
        form = act.form(request.POST if request.method == "POST" else None)
        is_filled = request.method == "POST" and form.is_valid()
        doing = Doing(request.user, staff_caller(request), at, form.cleaned_data if is_filled else {})
        if is_filled:
            return self.queued(request, queue, doing, until)
        entries = self.entries(act, found[:SHOWN_OF_ALL], doing)
        facts = {
            **self.shown_facts(request, act, (), form, entries, doing),
            "possible": found.order_by()[:COUNTED].count(), "counted": COUNTED, "until": until.isoformat(),
        }  # fmt: skip
        return self.act_response(request, "admin/act.html", facts)

    def queued(self, request, queue: Callable[[Doing, datetime], int], doing: Doing, until: datetime) -> HttpResponse:
        if not claim(request):
            messages.error(request, f"This page was submitted before; nothing was done again. ({StillRunning.code})")
            return redirect(self.back_to(()))
        try:
            number = queue(doing, until)
        except DomainError as refusal:
            messages.error(request, words_of(refusal))
        else:
            messages.success(request, f"{number:,} queued, 0 refused. What comes of each is in its history.")
        return redirect(self.back_to(()))

    def entries(self, act: Act, rows: Iterable[Any], doing: Doing) -> list[Entry]:
        found = []
        for row in rows:
            try:
                shown = act.show(row, doing)
            except DomainError as refusal:
                found.append(Entry(row, refusal=words_of(refusal)))
            else:
                found.append(Entry(row, shown.lines, shown.token or act.version(row)))
        return found

    def shown_page(self, request, act: Act, rows, form, entries: list[Entry], doing: Doing) -> HttpResponse:
        facts = self.shown_facts(request, act, rows, form, entries, doing)
        return self.act_response(request, "admin/act.html", facts)

    def shown_facts(self, request, act: Act, rows, form, entries: list[Entry], doing: Doing) -> dict[str, Any]:
        return {
            **self.page_facts(request, act),
            "rows": rows,
            "form": form,
            "entries": entries,
            "possible": sum(not entry.refusal for entry in entries),
            "back": self.back_to(rows),
            "of": wish_of(doing.data),
            "once": uuid4().hex,
            "is_all": "all" in request.GET and len(rows) == MOST,
        }

    def page_facts(self, request, act: Act) -> dict[str, Any]:
        title = act.label
        return {
            **self.admin_site.each_context(request), "title": title, "act": act, "opts": self.opts,
            "act_page": self.act_url(act), "media": self.media,
        }  # fmt: skip

    def act_response(self, request, template: str, facts: dict) -> HttpResponse:
        request.current_app = self.admin_site.name
        return never_cache(lambda request: TemplateResponse(request, template, facts))(request)

    def back_to(self, rows: Sequence[Any]) -> str:
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"{page}_change", args=[rows[0].pk]) if len(rows) == 1 else reverse(f"{page}_changelist")

    def carried_out(self, request, act: Act, rows: list[Any], doing: Doing) -> HttpResponse:
        """Deal with each thing, say what came of it, and go back; a secret is shown at once and kept nowhere."""
        if not claim(request):
            messages.error(request, f"This page was submitted before; nothing was done again. ({StillRunning.code})")
            return redirect(self.back_to(rows))
        done, refused = self.deal_with(act, rows, doing, request.POST)
        say(request, done, refused)
        if any(one.secret for _, one in done):
            facts = {**self.page_facts(request, act), "done": done, "back": self.back_to(rows)}
            return self.act_response(request, "admin/act_done.html", facts)
        return redirect(self.back_to(rows))

    def deal_with(self, act: Act, rows, doing: Doing, posted) -> tuple[list[tuple[Any, Done]], list[str]]:
        done, refused = [], []
        for row in rows:
            token = posted.get(f"token-{row.pk}", "")
            try:
                done.append((row, deal_with_one(act, row, replace(doing, token=token))))
            except DomainError as refusal:
                refused.append(f"{named(row)}: {words_of(refusal)}")
        return done, refused


def arranged(offered: Sequence[Act]) -> tuple[list[Act], list[Act]]:
    """Return the acts that have a button of their own, and those under *More*, the grave ones last."""
    if len(offered) <= MOST_BUTTONS:
        return sorted(offered, key=attrgetter("is_grave")), []
    buttons = [act for act in offered if not act.is_grave][: MOST_BUTTONS - 1]
    return buttons, sorted((act for act in offered if act not in buttons), key=attrgetter("is_grave"))


def deal_with_one(act: Act, row: Any, doing: Doing) -> Done:
    """Carry an act out on a thing that is as it was shown. Raises StaleVersion, or what the service refuses."""
    is_quoted = len(doing.token) == 36
    if not doing.token or not (is_quoted or doing.token == act.version(row)):
        raise StaleVersion("This has changed since it was shown; look again and decide anew.")
    with context.saying(doing.reason):
        return act.carry_out(row, doing)


def moment_of(text: str) -> datetime:
    """Read the moment at which a page was shown, which it brings back. Raises Http404."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        raise Http404
    return moment


def wish_of(data: dict) -> str:
    """Return a digest of what a form asks for, the reason apart."""
    return digest({name: value for name, value in data.items() if name != "reason"})


def claim(request) -> bool:
    """Tell whether a page is submitted for the first time."""
    once = request.POST.get("once", "")
    caller, key = f"staff:{request.user.pk}", f"act:{once[:64]}"
    return (
        bool(once)
        and IdempotencyKey.objects.get_or_create(
            caller=caller, key=key, defaults={"fingerprint": b"", "status": 303, "body": b""}
        )[1]
    )


def named(row: models.Model) -> str:
    """Return a thing's name; before one in small letters, which a message must not capitalise, what kind it is."""
    name = str(row)
    return f"{row._meta.verbose_name} {name}" if name[:1].islower() else name


def say(request, done: Sequence[tuple[Any, Done]], refused: Sequence[str]) -> None:
    """Show what came of it: each by itself if they are few, and a count if they are several."""
    if len(done) + len(refused) > 1:
        level = messages.success if not refused else messages.warning
        level(request, f"{len(done)} done, {len(refused)} refused.")
    for row, one in done[:MOST_MESSAGES]:
        (messages.warning if one.is_waiting else messages.success)(request, f"{named(row)}: {one.text}")
    for text in refused[:MOST_MESSAGES]:
        messages.error(request, text)
    if len(refused) > MOST_MESSAGES:
        messages.error(request, f"… and {len(refused) - MOST_MESSAGES} more refused.")


def list_action(act: Act) -> Callable:
    """Return the list's action that leads to an act's page."""

    def action(modeladmin: ActsAdmin, request, queryset):
        rows = list(queryset.order_by("pk")[: MOST + 1])
        if len(rows) > MOST:
            messages.error(request, f"At most {MOST} at once; choose fewer.")
            return None
        return modeladmin.act_page(request, act, rows) if rows else None

    action.__name__ = act.name
    return action
