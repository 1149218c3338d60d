"""The back office's common ground: rows that staff may look at, but that only services change, and their history."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast
from django.forms.models import model_to_dict
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from partners.callers import Caller
from partners.models import Agency
from skybridge import history
from skybridge.events import Happening, record
from skybridge.exports import ExportMixin
from skybridge.lists import CutPaginator, Finder, NumberedDayFilter, badge, exact
from skybridge.models import Event, IdempotencyKey
from skybridge.versioned_admin import VersionedAdmin

PEOPLE = ("staff", "agent")
CONDITIONS = {"status", "status_now", "state", "outcome"}  # columns


def staff_caller(request) -> Caller:
    """Return the member of staff that works in the admin, as services know callers."""
    return Caller(kind="staff", id=str(request.user.pk), door="admin", is_staff=True)


def facts(*groups: tuple[str, Iterable[Any]]) -> Any:
    """Return the fieldsets of a page of facts: *Record* and *Rules* are folded, others as wide as the page."""
    looks = {"Record": ("collapse",), "Rules": ("collapse",), "Details": ("wide",), "Processing": ("wide",)}
    return [(name, {"fields": tuple(fields), "classes": looks.get(name, ())}) for name, fields in groups]


class HistoryMixin(ExportMixin):
    """The history of a thing is what the event log says of it and of its parts. Its list knows its own filters only."""

    object_history_template = "admin/object_history.html"

    def lookup_allowed(self, lookup, value, request) -> bool:
        """Allow the list's own filters: any other would tell, sign by sign, what no page shows."""
        filters = self.get_list_filter(request)
        if lookup in (getattr(entry, "parameter_name", None) for entry in filters):
            return True
        shown = {entry[0] if isinstance(entry, tuple) else entry for entry in filters}
        fields = {name for field in self.opts.get_fields() for name in (field.name, getattr(field, "attname", ""))}
        return lookup.partition("__")[0] not in fields - shown and super().lookup_allowed(lookup, value, request)

    def history_subjects(self, obj) -> dict[UUID, str]:
        """Return the ids whose events belong to a thing's history, with a name for each part ("": the thing itself)."""
        return {history.subject_of(obj): ""}

    def history_view(self, request, object_id, extra_context=None):
        """Show a page of a thing's events, newest first. At most four statements besides those of the sign-in."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        subjects = self.history_subjects(obj)
        given = request.GET.get("before", "")
        events, following = history.page_of(subjects, int(given) if given.isdecimal() and len(given) < 19 else None)
        names = names_of(events)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {self.opts.verbose_name} {self.called(obj)}",
            "subtitle": None,
            "lines": [history.line_of(event, subjects[event.subject_id], names) for event in events],
            "following": following,
            "is_later_page": bool(given),
            "object": obj,
            "called": self.called(obj),
            "opts": self.opts,
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.object_history_template, context)

    def called(self, obj) -> str:
        """Return what a thing is called after its kind, in headings."""
        return str(obj)

    def condition(self, obj) -> str:
        """Return the badge beside the heading: what the list shows as the thing's status, or ""."""
        columns = [column for column in self.list_display if name_of(column) in CONDITIONS]
        if not columns:
            return ""
        column: Any = columns[0]
        return column(obj) if callable(column) else getattr(self, column)(obj)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context |= {"called": self.called(obj), "condition": self.condition(obj)}
        return super().render_change_form(request, context, add, change, form_url, obj)

    # What Django would write beside the event log.
    def log_addition(self, request, obj, message):
        return None

    def log_change(self, request, obj, message):
        return None


def name_of(column: Any) -> str:
    return column if isinstance(column, str) else column.__name__


def names_of(events: Iterable[Event]) -> dict[tuple[str, str], str]:
    """Return the names of the people and agencies that acted, by kind and id. At most one statement."""
    actors = {(event.actor_kind, event.actor_id) for event in events}
    users = {id_ for kind, id_ in actors if kind in PEOPLE and id_.isdecimal() and len(id_) < 10}
    agencies = {UUID(id_) for kind, id_ in actors if kind == "agency" and len(id_) == 36}
    if not (users or agencies):
        return {}
    people = User.objects.filter(pk__in=users).values_list(Value("user"), Cast("pk", CharField()), "username")
    firms = Agency.objects.filter(pk__in=agencies).values_list(Value("agency"), Cast("pk", CharField()), "name")
    found = {(kind, id_): name for kind, id_, name in people.order_by().union(firms.order_by(), all=True)}
    return {
        (kind, id_): found[known]
        for kind, id_ in actors
        if (known := ("user" if kind in PEOPLE else kind, id_)) in found
    }


class ListMixin(admin.ModelAdmin):
    """A list whose cost does not grow with its table, and a search that only asks indexes."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CutPaginator
    sortable_by: ClassVar[Any] = ()
    find_by: Sequence[Finder] = ()

    def action_checkbox(self, obj) -> SafeString:
        """Return Django's checkbox of a row; a template for each takes it a quarter of the list's time."""
        label = f"Select this object for an action - {obj}"
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
        return format_html(box, ACTION_CHECKBOX_NAME, obj.pk, label)

    def get_search_fields(self, request) -> Any:
        return self.search_fields or (("pk",) if self.find_by else ())

    def get_search_results(self, request, queryset, search_term):
        if not self.find_by:
            return super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        if not term or "\0" in term:
            return queryset, False
        found = [q for q in (find(term) for find in self.find_by) if q is not None]
        return (queryset.filter(reduce(or_, found, Q())) if found else queryset.none()), False


class ReadOnlyAdmin(HistoryMixin, ListMixin):
    """Rows to look at; nothing can be added, changed or deleted here."""

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class RecordingAdmin(VersionedAdmin, HistoryMixin):
    """Rows that staff change by hand; each change is an event. Nothing is deleted."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @transaction.atomic
    def save_model(self, request, obj, form, change) -> None:
        before = facts_of(type(obj)._default_manager.get(pk=obj.pk)) if change else None
        obj.save()
        word = "changed" if change else "created"
        happening = Happening(f"{self.opts.model_name}.{word}", history.subject_of(obj), before, facts_of(obj))
        record([happening], actor=staff_caller(request))


def facts_of(row) -> dict:
    """Return a row's fields as the event log keeps them."""
    return {name: None if value is None else str(value) for name, value in model_to_dict(row).items()}


class ReadOnlyInline(admin.TabularInline):
    """A thing's parts beneath it."""

    extra = 0
    can_delete = False
    show_change_link = True
    template = "admin/edit_inline/parts.html"

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "what", "subject_id", "actor_kind", "actor_id", "door", "reason", "request_id")
    list_filter = (NumberedDayFilter,)
    find_by = (exact("subject_id", UUID), exact("pk", int))
    search_help_text = "The id of what it happened to, or of the event."
    ordering = ("-id",)

    @admin.display(description="action")
    def what(self, event) -> str:
        return history.words_of(event.action)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "caller", "key", "answer")
    fields = ("created_at", "caller", "key", "status", "headers")
    search_help_text = "The caller and the key, with a blank between: agency:<id> <key>."
    ordering = ("-id",)
    find_by = (lambda text: Q(caller=text.partition(" ")[0], key=text.partition(" ")[2]),)

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body", "fingerprint")

    @admin.display(description="answer")
    def answer(self, kept) -> str:
        return badge(kept.status, "done" if kept.status < 400 else "failed")
