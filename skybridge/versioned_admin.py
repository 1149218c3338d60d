"""Two people at one form: the second is told what the first has changed, and nothing of theirs is lost unseen."""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.forms.models import model_to_dict

from skybridge.history import subject_of
from skybridge.models import Event

TOKEN = "read_as"


class TokenField(forms.CharField):
    """What the fields were when the form was made; never a change of its own."""

    widget = forms.HiddenInput

    def has_changed(self, initial, data) -> bool:
        return False


class VersionedForm(forms.ModelForm):
    """A form that knows how its row was read. A row that was changed meanwhile is refused."""

    read_as = TokenField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.present: dict[str, str] = {}
        if TOKEN in self.fields and not self.instance._state.adding:
            values = values_of(self.instance, self.fields)
            self.present = {name: digest_of(value) for name, value in values.items()}
            self.words = {name: words_of(value) for name, value in values.items()}
            self.initial[TOKEN] = json.dumps(self.present)

    def clean(self):
        cleaned = super().clean()
        read = read_token(self.data.get(self.add_prefix(TOKEN), ""))
        changed = [name for name in self.present if name in read and read[name] != self.present[name]]
        if changed:
            now = "; ".join(f"{self.fields[name].label or name} is now {self.words[name]}" for name in changed)
            raise forms.ValidationError(
                f"Nothing was saved. While you were editing, this was changed{last_change(self.instance)}: {now}. "
                "Open the page anew to go on. (concurrent_change)",
                code="concurrent_change",
            )
        return cleaned


class VersionedAdmin(admin.ModelAdmin):
    """Mixin for an admin that lets rows be edited, with `VersionedForm` as its form or the base of it."""

    form: type[forms.ModelForm] = VersionedForm

    def get_fieldsets(self, request, obj=None):
        sets: list[Any] = [
            (name, {**options, "fields": without_token(options["fields"])})
            for name, options in super().get_fieldsets(request, obj)
        ]
        if obj is not None and self.has_change_permission(request, obj):
            sets[0][1]["fields"].append(TOKEN)
        return sets

    def get_object(self, request, object_id, from_field=None):
        """Return the row; one that is about to be changed is locked, so that of two forms the second sees the first."""
        obj = super().get_object(request, object_id, from_field)
        if obj is None or request.method != "POST" or not self.has_change_permission(request, obj):
            return obj
        return type(obj)._default_manager.select_for_update().filter(pk=obj.pk).first()


def without_token(fields: Iterable) -> list:
    return [name for name in fields if name != TOKEN]


def values_of(row: models.Model, names: Iterable[str]) -> dict:
    return model_to_dict(row, fields=[name for name in names if name != TOKEN])


def digest_of(value) -> str:
    return sha256(words_of(value).encode()).hexdigest()[:16]


def words_of(value) -> str:
    if isinstance(value, list):
        return ", ".join(sorted(str(one) for one in value)) or "empty"
    return "empty" if value in (None, "") else str(value)


def read_token(text: str) -> dict:
    try:
        token = json.loads(text)
    except ValueError:
        return {}
    return token if isinstance(token, dict) else {}


def last_change(row: models.Model) -> str:
    """Return who changed a row last and when, as the event log knows it, or ""."""
    event = Event.objects.filter(subject_id=subject_of(row)).order_by("-id").first()
    if event is None:
        return ""
    is_user = event.actor_kind in ("staff", "agent") and event.actor_id.isdecimal()
    user = User.objects.filter(pk=event.actor_id).first() if is_user else None
    return f" by {user or f'{event.actor_kind} {event.actor_id}'} at {event.at:%Y-%m-%d %H:%M:%S} UTC"
