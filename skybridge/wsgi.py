import gc
import os

from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_MS", "30000")  # a request gives up; commands and tasks may take longer
application = get_wsgi_application()
request_started.disconnect(close_old_connections)  # looked at when the last request ended
request_started.disconnect(reset_queries)  # kept with DEBUG alone
gc.collect()
gc.freeze()  # what is loaded now stays: looking through it for garbage again and again is in vain
