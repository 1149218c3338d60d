import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_MS", "30000")  # a request gives up; commands and tasks may take longer
application = get_wsgi_application()
