from importlib import import_module

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import checks
from django.db.models.signals import post_migrate


class SkybridgeConfig(AppConfig):
    name = "skybridge"
    verbose_name = "System"

    def ready(self):
        """Listen to what only Django's signals tell: sign-ins by any door, and that all permissions exist."""
        sessions, roles = import_module("skybridge.staff_sessions"), import_module("skybridge.roles")
        user_logged_in.connect(sessions.begin_at_sign_in)
        user_logged_out.connect(sessions.end_at_sign_out)
        post_migrate.connect(roles.apply_after_migrate, sender=list(apps.get_app_configs())[-1])


class BackOfficeConfig(admin_apps.SimpleAdminConfig):
    """Django's admin with our own site as the default one, which is filled when the addresses are (`open_lists`).

    Workers and commands have no pages: filling it would take them as long as all else that they load.
    """

    default = False
    default_site = "skybridge.back_office.BackOffice"

    def ready(self):
        """Register Django's own two checks, the second of which finds the lists loaded."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_lists, checks.Tags.admin)


def check_lists(app_configs, **_) -> list[checks.CheckMessage]:
    """Check the back office's lists, which are loaded with the addresses."""
    import_module("skybridge.urls")
    return check_admin_app(app_configs)
