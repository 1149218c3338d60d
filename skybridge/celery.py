import os

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
app = Celery("skybridge")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would connect to the database anew for every task. A broken connection is replaced before the next task.
app.conf["CELERY_DB_REUSE_MAX"] = 10_000
app.autodiscover_tasks()


@task_prerun.connect
def replace_broken_connections(**_) -> None:
    close_old_connections()
