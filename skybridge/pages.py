"""What all pages share: their language, their forms, and how they show a refusal.

A page speaks the visitor's language (the cookie of `/language/`, else the browser's); the API and the back office speak
English.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import Error
from django.forms.renderers import DjangoTemplates
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from skybridge import problems
from skybridge.exceptions import DomainError
from skybridge.refusals import advice_on, text_of


class PageRenderer(DjangoTemplates):
    """Draws a field as `templates/forms/field.html` has it: label, control, help and errors tied together."""

    field_template_name = "forms/field.html"

    def get_template(self, template_name):
        is_own = template_name.startswith("forms/")
        return get_template(template_name) if is_own else super().get_template(template_name)


class PageForm(forms.Form):
    """A form of a page. A service's refusal becomes one of its errors, so that what was typed stays."""

    default_renderer = PageRenderer
    status = 400  # of the answer that shows the form with errors
    refusal: DomainError | None = None  # what a service has refused it for

    @contextmanager
    def showing_refusals(self) -> Iterator[None]:
        """Show what a service refuses within as the form's error, in place of the answer."""
        try:
            yield
        except DomainError as refusal:
            self.refusal, self.status = refusal, refusal.status_code
            self.add_error(None, ValidationError(text_of(refusal), code=refusal.code))


def show(request, template: str, context: dict[str, Any], *, form: forms.Form | None = None) -> HttpResponse:
    """Answer with a page; with a form that has errors in it, under the errors' status."""
    failed = form is not None and form.is_bound and bool(form.errors)
    shown = {**context, "form": form} if form is not None else context
    response = render(request, template, shown, status=getattr(form, "status", 400) if failed else 200)
    refusal = getattr(form, "refusal", None)
    response.is_refusal = refusal is not None  # type: ignore[attr-defined]
    for name, value in (refusal.headers if refusal else {}).items():
        response[name] = value
    return response


def wants_page(request) -> bool:
    """Tell whether a browser asks, and not a program."""
    return "text/html" in request.headers.get("Accept", "")


def refuse(request, refusal: DomainError) -> HttpResponse:
    """Answer with a refusal: a page for people, the one error body for programs."""
    if not wants_page(request):
        return problems.problem(refusal, request.path)
    with in_language_of(request):
        context = {"refusal": refusal, "text": text_of(refusal), "advice": advice_on(refusal)}
        try:
            response = render(request, "refusal.html", context, status=refusal.status_code)
        except Error:  # the database is away, so nobody knows who is signed in
            text = get_template("refusal.html").render({**site(request), **context})
            response = HttpResponse(text, status=refusal.status_code)
    response.is_refusal = True  # type: ignore[attr-defined]
    for name, value in refusal.headers.items():
        response[name] = value
    add_never_cache_headers(response)  # it says who is signed in
    return response


@contextmanager
def in_language_of(request) -> Iterator[None]:
    with translation.override(translation.get_language_from_request(request)):
        yield


def speaking(view: Callable) -> Callable:
    """Run a view that has no `@page` in the visitor's language."""

    @wraps(view)
    def spoken(request, *args, **kwargs):
        with in_language_of(request):
            return view(request, *args, **kwargs)

    return spoken


def site(request) -> dict[str, Any]:
    """Give every template the airline's name, the languages, and who is looking."""
    return {
        "airline": settings.AIRLINE_NAME,
        "languages": settings.LANGUAGES,
        "LANGUAGE_CODE": translation.get_language() or settings.LANGUAGE_CODE,
        "is_rtl": translation.get_language_bidi(),
        "caller": getattr(request, "caller", None),
    }
