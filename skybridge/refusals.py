"""Refusals in the words of the pages: what has happened and what to do next, by code, in the visitor's language.

A code that is not here is shown in the service's own English words.
"""

from django.utils.translation import gettext_lazy as _

from skybridge.exceptions import DomainError

TEXTS = {
    "not_found": _("This page, or what it was about, does not exist, or it is not yours to see."),
    "forbidden": _("You may not do this."),
    "method_not_allowed": _("This address cannot be opened in this way."),
    "internal_error": _("Something went wrong on our side. Nothing has been changed."),
    "busy": _("The system is busy at the moment. Nothing has been changed."),
    "too_many_requests": _("That was too often in a short time."),
    "concurrent_change": _("Somebody else has changed this at the same moment."),
    "stale_version": _("This has changed since you opened the page."),
}
ADVICE = {
    "not_found": _("Check the address, or search for the booking."),
    "forbidden": _("Sign in as somebody whose work it is. If you were filling in a form, open it again."),
    "internal_error": _("Try again. If it happens again, tell us the number below."),
    "busy": _("Wait a moment, then try again."),
    "too_many_requests": _("Wait a minute, then try again."),
    "concurrent_change": _("Look at it as it is now, then decide again."),
    "stale_version": _("Look at it as it is now, then decide again."),
}


def text_of(refusal: DomainError) -> str:
    return str(TEXTS.get(refusal.code, refusal.message))


def advice_on(refusal: DomainError) -> str:
    return str(ADVICE.get(refusal.code, ""))
