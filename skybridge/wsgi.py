import os

from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_MS", "30000")  # a request gives up; commands and tasks may take longer
application = get_wsgi_application()

# What Django does around each request, and what we have no use for: it is a tenth of a short one's time.
request_started.disconnect(close_old_connections)  # looked at when the last request ended
request_started.disconnect(reset_queries)  # they are kept with DEBUG alone
request_finished.disconnect(close_caches)  # there are none
request_finished.disconnect(reset_urlconf)  # the next request sets it anyway
