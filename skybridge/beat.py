"""The clock of the periodic tasks: `celery -A skybridge.beat beat`.

It sends each task by its name, so it loads neither Django nor the application.
"""

from logging.config import dictConfig

from celery import Celery

from skybridge import settings

app = Celery("skybridge", fixups=[])
app.config_from_object(settings, namespace="CELERY")
dictConfig(settings.LOGGING)
