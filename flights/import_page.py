"""The page that imports schedules: a file is rehearsed, then confirmed. Both are `flights.imports.import_flights`."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from flights import uploads
from flights.airports import load_airports
from flights.exceptions import UnreadableSchedule, UploadGone, UploadTooLarge
from flights.imports import Example, Summary, airport_zones, import_flights
from flights.models import Airport, Flight
from flights.schedule_files import read_schedule
from flights.schedules import EXAMPLE, UnreadableFile
from skybridge.admin import staff_caller
from skybridge.events import Actor
from skybridge.exceptions import DomainError, InvalidInput
from skybridge.history import text_of

SHOWN = 50
ROOM = 10_000  # bytes of a form besides its file
TEMPLATE = "admin/flights/flight/import.html"
KINDS = {"new": "New flights", "changed": "Changed flights", "unchanged": "Unchanged flights"}


def bounded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse a body that is too large, or a stranger's, before anything reads it; `view` looks at the CSRF token."""

    def wrapper(request):
        if request.method == "POST":
            if not may_import(request):
                raise PermissionDenied
            if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MOST_UPLOADED_BYTES + ROOM:
                return page(request, refusal=UploadTooLarge())
        return view(request)

    return csrf_exempt(wrapper)


def may_import(request) -> bool:
    return admin.site.has_permission(request) and request.user.has_perm("skybridge.import_schedule")


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request) -> HttpResponse:
    """Show the form; rehearse a file that is uploaded; carry out one that is confirmed."""
    if not may_import(request):
        raise PermissionDenied
    if request.method != "POST":
        return page(request)
    try:
        return confirm(request) if "token" in request.POST else rehearse(request)
    except DomainError as refusal:
        return page(request, refusal=refusal)


def rehearse(request) -> HttpResponse:
    """Keep the file, and show what importing it would change."""
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput("Choose a file.")
    digest = uploads.keep(file.chunks(), at=timezone.now())
    try:
        summary = carry_out(digest, file.name, staff_caller(request), dry_run=True)
    except UnreadableSchedule:
        uploads.discard(digest)
        raise
    token = signing.dumps([digest, file.name, request.user.pk], salt=TEMPLATE)
    return page(request, summary=summary, file=file.name, token=token, tables=tables_of(summary))


def confirm(request) -> HttpResponse:
    """Import what this person has rehearsed, and go to the flights."""
    try:
        token = request.POST["token"]
        digest, name, user = signing.loads(token, salt=TEMPLATE, max_age=settings.UPLOAD_LIFETIME)
    except signing.BadSignature:
        raise UploadGone from None
    if user != request.user.pk:
        raise UploadGone
    summary = carry_out(digest, name, staff_caller(request))
    uploads.discard(digest)
    messages.success(request, f"The file {name} is imported: {summary}.")
    return redirect("admin:flights_flight_changelist")


def carry_out(digest: str, name: str, actor: Actor, *, dry_run: bool = False) -> Summary:
    """Import a kept file as the command `import_schedule` does. Raises UploadGone and UnreadableSchedule."""
    path: Path = uploads.path_of(digest)
    if not Airport.objects.exists():
        load_airports()
    records = read_schedule(path, airport_zones(), most_bytes=settings.MOST_UNPACKED_BYTES)
    try:
        return import_flights(records, actor=actor, source=name, dry_run=dry_run, examples=SHOWN if dry_run else 0)
    except UnreadableFile as error:
        raise UnreadableSchedule(f"{name} cannot be read as a schedule: {error}") from None


def tables_of(summary: Summary) -> list[dict]:
    """Return the first flights of each kind, with what differs."""
    return [
        {
            "title": title,
            "total": getattr(summary, kind),
            "rows": [(example, differences(example)) for example in summary.examples[kind]],
        }
        for kind, title in KINDS.items()
    ]


def differences(example: Example) -> list[tuple[str, str, str]]:
    """Return name, before and after of what a schedule changes in a flight; all of it for a new one."""
    before = example.before or {}
    return [
        (name.replace("_", " "), words(before.get(name)), words(value))
        for name, value in example.after.items()
        if before.get(name) != value
    ]


def words(value) -> str:
    text = text_of(value)
    return f"{text[:16].replace('T', ' ')} UTC" if text[10:11] == "T" else text


def page(request, refusal: DomainError | None = None, **facts) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Import a schedule",
        "opts": Flight._meta,
        "refusal": refusal,
        "example": EXAMPLE,
        "most_mb": settings.MOST_UPLOADED_BYTES // 1_000_000,
        "shown": SHOWN,
        **facts,
    }
    request.current_app = admin.site.name
    return render(request, TEMPLATE, context, status=refusal.status_code if refusal else 200)
