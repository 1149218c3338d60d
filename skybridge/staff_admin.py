"""The back office's pages of its own people: users, groups, sessions, who is locked out."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch, Q, Sum, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from skybridge import second_factor, staff_sessions
from skybridge.admin import HistoryMixin, ReadOnlyAdmin, staff_caller
from skybridge.events import Happening, record
from skybridge.exceptions import DomainError
from skybridge.history import subject_of
from skybridge.roles import ROLES
from skybridge.versioned_admin import VersionedAdmin, VersionedForm

for secret in (TOTPDevice, StaticDevice):  # Django OTP's own pages would show the secrets
    admin.site.unregister(secret)
admin.site.unregister([User, Group])


class UserForm(VersionedForm, UserChangeForm):
    pass


class KnownThings:
    """Reads the things of an object's permissions with these, which name them."""

    given = ""

    def get_object(self, request, object_id, from_field=None):
        obj = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if obj is not None:
            prefetch_related_objects([obj], Prefetch(self.given, Permission.objects.select_related("content_type")))
        return obj


@admin.register(User)
class UserAdmin(KnownThings, VersionedAdmin, HistoryMixin, DjangoUserAdmin):
    """Users get groups; only superusers touch superusers, and who may do all by the API.

    Nobody is deleted: who leaves is made inactive.
    """

    form = UserForm
    given = "user_permissions"
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("last_login", "date_joined", "sessions", "second_factor")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Signing in", {"fields": ("last_login", "date_joined", "second_factor", "sessions")}),
    )

    def get_readonly_fields(self, request, obj=None):
        own = super().get_readonly_fields(request, obj)
        return own if request.user.is_superuser else (*own, "is_superuser", "user_permissions")

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and not request.user.is_superuser:
            field.queryset = field.queryset.exclude(permissions__codename=DOES_ALL)
        return field

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @transaction.atomic
    def user_change_password(self, request, id, form_url=""):
        """Set another's password; one's own takes the old one, on the page for that."""
        if id == str(request.user.pk):
            return redirect("admin:password_change")
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            subject = staff_sessions.subject_of(User(pk=int(id)))
            record([Happening("user.password_changed", subject)], actor=staff_caller(request))
        return answer

    def get_urls(self):
        site = self.admin_site.admin_view
        own = [
            path("<int:user_id>/sessions/<uuid:session_id>/end/", site(self.end_session), name="auth_user_end_session"),
            path("<int:user_id>/sessions/end/", site(self.end_sessions), name="auth_user_end_sessions"),
            path("<int:user_id>/second-factor/", site(self.reset_second_factor), name="auth_user_second_factor"),
        ]
        return own + super().get_urls()

    @admin.display(description="sessions")
    def sessions(self, user) -> str:
        rows = staff_sessions.live_sessions(user, at=timezone.now()) if user.pk else ()
        return render_to_string("admin/user_sessions.html", {"sessions": rows, "user_id": user.pk})

    @admin.display(description="second factor")
    def second_factor(self, user) -> str:
        has_one = bool(user.pk) and second_factor.device_of(user) is not None
        return render_to_string("admin/user_second_factor.html", {"has_one": has_one, "user_id": user.pk})

    @method_decorator(require_POST)
    def end_session(self, request, user_id, session_id) -> HttpResponse:
        user = self.touched(request, user_id, "skybridge.revoke_session")
        try:
            staff_sessions.revoke(session_id, user, actor=staff_caller(request), at=timezone.now())
        except DomainError as refusal:
            self.message_user(request, f"{refusal.message} ({refusal.code})", messages.ERROR)
        else:
            self.message_user(request, "The session has ended.", messages.SUCCESS)
        return redirect("admin:auth_user_change", user_id)

    @method_decorator(require_POST)
    def end_sessions(self, request, user_id) -> HttpResponse:
        user = self.touched(request, user_id, "skybridge.revoke_session")
        ended = staff_sessions.revoke_all(user, actor=staff_caller(request), at=timezone.now())
        self.message_user(request, f"{ended} sessions have ended.", messages.SUCCESS)
        return redirect("admin:auth_user_change", user_id)

    @method_decorator(require_POST)
    def reset_second_factor(self, request, user_id) -> HttpResponse:
        user = self.touched(request, user_id, "skybridge.reset_second_factor")
        if user == request.user:  # which takes a code of it
            return redirect("second-factor")
        second_factor.take_away(user, actor=staff_caller(request), at=timezone.now(), reason="lost")
        self.message_user(request, f"{user} signs in without a second factor now.", messages.SUCCESS)
        return redirect("admin:auth_user_change", user_id)

    def touched(self, request, user_id: int, permission: str) -> User:
        user = get_object_or_404(User, pk=user_id)
        if not (request.user.has_perm(permission) and may_touch(request, user)):
            raise PermissionDenied
        return user

    def save_related(self, request, form, formsets, change) -> None:
        """Write the groups too, then record what has changed."""
        user = form.instance
        before = facts_of(user) if change else None
        super().save_related(request, form, formsets, change)
        after = facts_of(user)
        before = before and {**before, **{name: form.initial.get(name, before[name]) for name in PLAIN_FACTS}}
        if before != after:
            word = "changed" if change else "created"
            happening = Happening(f"user.{word}", staff_sessions.subject_of(user), before, after)
            record([happening], actor=staff_caller(request))


DOES_ALL = "use_api"  # without any second person, so that only superusers give it
PLAIN_FACTS = ("username", "is_active", "is_staff", "is_superuser")


def facts_of(user: User) -> dict:
    facts = {name: getattr(user, name) for name in PLAIN_FACTS}
    groups = user.groups.order_by("name").values_list("name", flat=True)
    return facts | {"groups": list(groups), **names_in(user.user_permissions)}


def may_touch(request, user: User | None) -> bool:
    """Tell whether somebody may change a user: superusers, and who may do all by the API, by superusers only."""
    if user is None or request.user.is_superuser:
        return True
    doing_all = Permission.objects.filter(codename=DOES_ALL)
    return not (user.is_superuser or doing_all.filter(Q(user=user) | Q(group__user=user)).exists())


@admin.register(Group)
class GroupAdmin(KnownThings, VersionedAdmin, HistoryMixin, DjangoGroupAdmin):
    """Groups of one's own; the six roles are as the permissions page says."""

    form = VersionedForm
    given = "permissions"

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if not request.user.is_superuser:
            field.queryset = field.queryset.exclude(codename=DOES_ALL)
        return field

    def has_change_permission(self, request, obj=None) -> bool:
        is_fixed = obj and (obj.name in ROLES or (does_all(obj) and not request.user.is_superuser))
        return super().has_change_permission(request, obj) and not is_fixed

    def has_delete_permission(self, request, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.name in ROLES)

    def save_related(self, request, form, formsets, change) -> None:
        group = form.instance
        before = names_in(group.permissions) if change else None
        super().save_related(request, form, formsets, change)
        after = names_in(group.permissions)
        if before != after:
            happening = Happening("group.changed" if change else "group.created", subject_of(group), before, after)
            record([happening], actor=staff_caller(request))

    def get_actions(self, request):
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # it would not ask row by row
        return actions


def does_all(group: Group) -> bool:
    return bool(group.pk) and any(permission.codename == DOES_ALL for permission in group.permissions.all())


def names_in(permissions) -> dict:
    pairs = permissions.values_list("content_type__app_label", "codename")
    return {"permissions": sorted(f"{app}.{codename}" for app, codename in pairs)}


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed attempts to sign in, and who is locked out by them."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "user_agent", "path_info")
    fields = list_display
    search_fields = ("=username", "=ip_address")
    ordering = ("-attempt_time",)
    actions = ("unlock",)

    def has_act_permission(self, request) -> bool:
        return request.user.has_perm("skybridge.unlock_sign_in")

    @admin.action(permissions=["act"], description="Let in: forget these failures")
    def unlock(self, request, chosen) -> None:
        names = set(chosen.values_list("username", flat=True))
        failures = chosen.aggregate(n=Sum("failures_since_start"))["n"]
        users = User.objects.filter(username__in=names)
        happenings = [Happening("sign_in.unlocked", staff_sessions.subject_of(user)) for user in users]
        chosen.delete()
        record(happenings, actor=staff_caller(request))
        self.message_user(request, f"{failures} failures are forgotten.", messages.SUCCESS)
