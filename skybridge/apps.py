from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class SkybridgeConfig(AppConfig):
    name = "skybridge"
    verbose_name = "System"


class BackOfficeConfig(admin_apps.AdminConfig):
    """Django's admin with our own site as the default one."""

    default = False
    default_site = "skybridge.back_office.BackOffice"
