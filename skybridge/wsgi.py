"""The web application, as a WSGI server calls it."""

import os
from typing import Any

import django
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.core.signals import request_finished
from django.db import close_old_connections, connection


class WholeBody(LimitedStream):
    """Django's, but a body that ends before its `Content-Length` is an error, and not a shorter body."""

    limit: int
    _pos: int

    def read(self, size=-1, /):
        left = self.limit - self._pos
        wanted = left if size is None or size < 0 else min(size, left)
        content = super().read(wanted)
        if len(content) < wanted:
            raise OSError("The body ends before its Content-Length.")  # whoever sent it has gone
        return content


class Request(WSGIRequest):
    _stream: Any

    def __init__(self, environ):
        super().__init__(environ)
        self._stream = WholeBody(environ["wsgi.input"], self._stream.limit)


class Handler(WSGIHandler):
    """Django's, less what nobody here needs: signals, URLs of a request's own, its log lines (we write better ones)."""

    request_class = Request
    _middleware_chain: Any

    def __call__(self, environ, start_response):
        connection.close_if_unusable_or_obsolete()  # one that broke under the thread's last request
        request = self.request_class(environ)
        response: Any = self._middleware_chain(request)
        response._resource_closers.append(request.close)
        cookies = [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
        start_response(
            f"{response.status_code} {response.reason_phrase}", [*response.headers._store.values(), *cookies]
        )
        if response.streaming:
            return response
        response.close()
        return [response.content]


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_MS", "30000")  # a request gives up; commands and tasks may take longer
django.setup(set_prefix=False)
application = Handler()

# What Django does after each request, and what the above or nothing does here: there are no caches.
for receiver in (close_old_connections, close_caches, reset_urlconf):
    request_finished.disconnect(receiver)
