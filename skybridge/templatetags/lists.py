from django import template

from skybridge import back_office, lists

register = template.Library()
register.filter("badge", lists.badge)


@register.filter
def section(opts) -> str:
    """Return the group in which a model's list stands, such as Reservations."""
    return back_office.section_of(opts)
