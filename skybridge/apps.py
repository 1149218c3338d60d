from importlib import import_module

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in, user_logged_out
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
        import_module("skybridge.approval_admin")
        import_module("skybridge.staff_admin")  # after the apps' own admin modules, which Django has loaded


class BackOfficeConfig(admin_apps.AdminConfig):
    """Django's admin with our own site as the default one."""

    default = False
    default_site = "skybridge.back_office.BackOffice"
