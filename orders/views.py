"""The back office's home, and its search: one box on every page, one page of what was found."""

from django.contrib import admin
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orders.dashboard import read_dashboard, share_text
from orders.dashboard_pictures import charts_of
from orders.finding import Found, find

NONE = Found()


@require_safe
def home_page(request):
    """Show the dashboard above the lists; only what the member of staff may see is read."""
    board = read_dashboard(kinds_seen(request), at=timezone.now())
    today = board.today
    shares = {
        "load": share_text(today.sold, today.seats),
        "checked_in": share_text(today.checked_in, today.sold),
        "boarded": share_text(today.boarded, today.sold),
    }
    problems = any((board.trouble_count, board.failure_count, board.approval_count, board.is_behind, board.throttled))
    context = {"board": board, "charts": charts_of(board), "shares": shares, "problems": problems}
    return admin.site.index(request, context)


@require_safe
def find_anything(request):
    """Lead to the one thing that a text means, or show what it can mean."""
    text = request.GET.get("q", "").strip()[:200]
    found = find(text, kinds_seen(request), at=timezone.now()) if text else NONE
    if hit := found.exact:
        return redirect(hit.page, hit.pk)
    context = {**admin.site.each_context(request), "title": "Find", "text": text, "found": found}
    request.current_app = admin.site.name
    return TemplateResponse(request, "admin/find.html", context)


def kinds_seen(request) -> set[str]:
    """Return the kinds of things whose lists the member of staff may see."""
    lists = admin.site._registry.items()
    return {model._meta.label_lower for model, shown in lists if shown.has_view_permission(request)}
