"""The gate: one pass, scanned or named."""

from django import forms
from django.utils.translation import gettext_lazy as _

from skybridge.pages import PageForm

NONCE = 64


class ScanForm(PageForm):
    """A scanned text, or what somebody types in place of one; each form boards once."""

    scan = forms.CharField(
        label=_("Boarding pass"),
        max_length=1000,
        strip=False,
        error_messages={"required": _("Scan a boarding pass, or type a number, a seat or a locator.")},
    )
    nonce = forms.CharField(max_length=NONCE, widget=forms.HiddenInput)
