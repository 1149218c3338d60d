from django import template

from skybridge import lists

register = template.Library()
register.filter("badge", lists.badge)
