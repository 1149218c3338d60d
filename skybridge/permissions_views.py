"""The page that says who may do what: the groups as they are in the database, the roles first."""

from collections import defaultdict
from dataclasses import dataclass

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from skybridge.models import Act
from skybridge.roles import ROLES

VERBS = {"view": "see", "add": "add", "change": "change", "delete": "delete"}


@dataclass(frozen=True)
class Row:
    """One thing, and per group what may be done with it."""

    name: str
    cells: list[str]


@require_safe
def permissions_page(request) -> HttpResponse:
    """Show groups by acts and by things. Three statements besides those of the sign-in."""
    groups = sorted(Group.objects.all(), key=lambda group: (place_of(group.name), group.name))
    given = permissions_of(groups)
    facts = {
        **admin.site.each_context(request),
        "title": "Who may do what",
        "columns": [(group.name, ROLES[group.name].work if group.name in ROLES else "") for group in groups],
        "acts": act_rows(groups, given),
        "things": thing_rows(groups, given),
    }
    request.current_app = admin.site.name
    return render(request, "admin/permissions.html", facts)


def place_of(name: str) -> int:
    return list(ROLES).index(name) if name in ROLES else len(ROLES)


def permissions_of(groups: list[Group]) -> dict[int, set[str]]:
    """Return each group's permissions as `app.codename`. One statement."""
    rows = Permission.objects.filter(group__in=groups).order_by()
    given: dict[int, set[str]] = defaultdict(set)
    for group, app, codename in rows.values_list("group", "content_type__app_label", "codename"):
        given[group].add(f"{app}.{codename}")
    return given


def act_rows(groups: list[Group], given: dict[int, set[str]]) -> list[Row]:
    return [
        Row(text, ["yes" if f"skybridge.{act}" in given[group.pk] else "" for group in groups])
        for act, text in Act._meta.permissions
    ]


def thing_rows(groups: list[Group], given: dict[int, set[str]]) -> list[Row]:
    """Return a row for each kind of thing that any group may see or change."""
    rows = []
    for model in apps.get_models():
        cells = [verbs(model._meta, given[group.pk]) for group in groups]
        if any(cells):
            rows.append(Row(str(model._meta.verbose_name_plural).capitalize(), cells))
    return sorted(rows, key=lambda row: row.name)


def verbs(meta, permissions: set[str]) -> str:
    return ", ".join(
        word for verb, word in VERBS.items() if f"{meta.app_label}.{verb}_{meta.model_name}" in permissions
    )
