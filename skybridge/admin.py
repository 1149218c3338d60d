"""The back office's common ground: rows that staff may look at, but that only services change."""

from django.conf import settings
from django.contrib import admin

from partners.callers import Caller
from skybridge.models import Event, IdempotencyKey

admin.site.site_header = admin.site.site_title = f"{settings.AIRLINE_NAME} back office"


def staff_caller(request) -> Caller:
    """Return the member of staff that works in the admin, as services know callers."""
    return Caller(kind="staff", id=str(request.user.pk), door="admin", is_staff=True)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows to look at; nothing can be added, changed or deleted here."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "subject_id", "actor_kind", "actor_id", "door", "reason")
    search_fields = ("=subject_id",)
    ordering = ("-id",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "caller", "key", "status")
    fields = ("created_at", "caller", "key", "status", "headers")
    search_fields = ("=key",)
    ordering = ("-id",)
