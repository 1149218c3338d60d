"""The second factor of people who sign in: a code by time from an app, or a backup code that works once.

A wrong code counts twice: the device makes the next try wait (1, 2, 4 ... seconds), and sign-in locks out who goes on.
"""

from base64 import b32encode
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from skybridge import staff_sessions
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import DomainError

BACKUP_CODES = 10


class WrongCode(DomainError):
    code = "wrong_code"
    status_code = 403
    message = "This code does not fit, or has been used. Wait for the next one and try again."


class TooManyCodes(DomainError):
    code = "too_many_codes"
    status_code = 429
    message = "Too many wrong codes."


def is_required() -> bool:
    return settings.STAFF_SECOND_FACTOR == "required"


def device_of(user: User) -> TOTPDevice | None:
    """Return the device whose codes a user signs in with. One statement."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def new_device(user: User) -> TOTPDevice:
    """Return the device that a user is about to set up; the same until a code of it has been shown."""
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def secret_text(device: TOTPDevice) -> str:
    """Return a device's secret as people type it: base32 in groups of four."""
    secret = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def check(user: User, code: str) -> Device:
    """Return the user's device that gave this code, and use the code up.

    Locks the device, so that a code works once. Raises WrongCode, and TooManyCodes while it must be waited.
    """
    code = "".join(code.split()).replace("-", "").lower()
    kind = TOTPDevice if code.isdecimal() and len(code) == 6 else StaticDevice
    device = kind.objects.filter(user=user, confirmed=True).first()
    if device is None:
        raise WrongCode
    return verified(device, user, code)


def verified(device: Device, user: User, code: str) -> Device:
    is_allowed, why_not = device.verify_is_allowed()
    if not is_allowed:
        raise TooManyCodes(waiting_text(why_not), headers={"Retry-After": str(seconds_left(why_not))})
    if not verify_token(user, device.persistent_id, code):
        raise WrongCode
    return device


def seconds_left(why_not: dict) -> int:
    until = why_not.get("locked_until")
    return max(1, round((until - timezone.now()).total_seconds())) if until else 1


def waiting_text(why_not: dict) -> str:
    return f"Too many wrong codes; wait {seconds_left(why_not)} seconds before you try again."


def set_up(user: User, code: str, *, actor: Actor, at: datetime, keep=None) -> tuple[Device, list[str]]:
    """Take a new device into use, which needs a code of it, and return it with the backup codes, shown only now.

    Ends the user's other sessions, which were begun without it. Raises WrongCode and TooManyCodes.
    """
    device = verified(new_device(user), user, "".join(code.split()))
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        codes = make_backup_codes(user)
        write_down("set_up", user, actor, at)
        staff_sessions.revoke_all(user, actor=actor, at=at, keep=keep)
    return device, codes


def take_away(user: User, *, actor: Actor, at: datetime, reason: str = "") -> None:
    """Let a user sign in without a second factor from now on."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        write_down("taken_away", user, actor, at, reason)


@transaction.atomic
def renew_backup_codes(user: User, *, actor: Actor, at: datetime) -> list[str]:
    """Replace a user's backup codes and return the new ones, which are shown only now."""
    write_down("backup_codes_renewed", user, actor, at)
    return make_backup_codes(user)


def make_backup_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="backup codes", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def backup_codes_left(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


def write_down(word: str, user: User, actor: Actor, at: datetime, reason: str = "") -> None:
    record([Happening(f"second_factor.{word}", staff_sessions.subject_of(user), reason=reason)], actor=actor, at=at)
