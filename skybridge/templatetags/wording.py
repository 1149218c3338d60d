"""States and codes in words: `{{ cabin|word:"cabin" }}`, and as a badge: `{% badge "booking" status %}`."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from skybridge import wording

register = template.Library()


@register.filter
def word(code: str, kind: str) -> str:
    """Write a code as a word."""
    return str(wording.word(kind, str(code)).text)


@register.simple_tag
def badge(kind: str, code: str) -> SafeString:
    """Draw a state's badge."""
    found = wording.word(kind, str(code))
    return format_html('<span class="badge {}">{}</span>', found.tone, found.text)
