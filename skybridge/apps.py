from django.apps import AppConfig


class SkybridgeConfig(AppConfig):
    name = "skybridge"
    verbose_name = "Kernel"
