"""The second factor of people who sign in: a code by time from an app, or a backup code that works once.

The database has neither: secrets are sealed, backup codes are kept as digests with SECRET_KEY.
A wrong code counts twice: the device makes the next try wait (1, 2, 4 ... seconds), and sign-in locks out who goes on.
"""

from base64 import b32encode, urlsafe_b64encode
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from skybridge import sealing, staff_sessions
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import DomainError
from skybridge.models import AppDevice

BACKUP_CODES = 10
SET_UP_WITHIN = timedelta(hours=1)  # then another secret is shown


class WrongCode(DomainError):
    code = "wrong_code"
    status_code = 403
    message = "This code does not fit, or has been used. Wait for the next one and try again."


class TooManyCodes(DomainError):
    code = "too_many_codes"
    status_code = 429
    message = "Too many wrong codes."


class SecretUnreadable(DomainError):
    """None of the keys of the settings has sealed the secret, or it is another user's."""

    code = "secret_unreadable"
    status_code = 503
    message = "Your app's secret cannot be read any more. Use a backup code, or ask an administrator to take it away."


def is_required() -> bool:
    return settings.STAFF_SECOND_FACTOR == "required"


def device_of(user: User) -> AppDevice | None:
    """Return the device whose codes a user signs in with. One statement."""
    return AppDevice.objects.filter(user=user, confirmed=True).first()


def new_device(user: User) -> AppDevice:
    """Return the device that a user is about to set up; for an hour the same, until a code of it has been shown."""
    waiting = AppDevice.objects.filter(user=user, confirmed=False)
    device = waiting.filter(created_at__gt=timezone.now() - SET_UP_WITHIN).first()
    if device is None:
        waiting.delete()
        sealed = sealing.seal(f"{user.pk} {random_hex(20)}")
        device = AppDevice.objects.create(user=user, name="app", confirmed=False, key="", sealed=sealed)
    return device


def secret_text(device: AppDevice) -> str:
    """Return a device's secret as people type it: base32 in groups of four."""
    secret = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def check(user: User, code: str) -> Device:
    """Return the user's device that gave this code, and use the code up.

    Locks the device, so that a code works once. Raises WrongCode, SecretUnreadable, and TooManyCodes while it must be
    waited.
    """
    code = "".join(code.split()).replace("-", "").lower()
    is_of_app = code.isdecimal() and len(code) == 6
    device = (AppDevice if is_of_app else StaticDevice).objects.filter(user=user, confirmed=True).first()
    if device is None:
        raise WrongCode
    return verified(device, user, code if is_of_app else digest_of(user, code))


def verified(device: Device, user: User, code: str) -> Device:
    is_allowed, why_not = device.verify_is_allowed()
    if not is_allowed:
        raise TooManyCodes(waiting_text(why_not), headers={"Retry-After": str(seconds_left(why_not))})
    try:
        is_right = verify_token(user, device.persistent_id, code)
    except InvalidToken:
        raise SecretUnreadable from None
    if not is_right:
        raise WrongCode
    if isinstance(device, AppDevice):  # so that keys can be retired
        AppDevice.objects.filter(pk=device.pk).update(sealed=sealing.reseal(device.sealed))
    return device


def seconds_left(why_not: dict) -> int:
    until = why_not.get("locked_until")
    return max(1, round((until - timezone.now()).total_seconds())) if until else 1


def waiting_text(why_not: dict) -> str:
    seconds = seconds_left(why_not)
    return ngettext(
        "Too many wrong codes; wait %(seconds)s second before you try again.",
        "Too many wrong codes; wait %(seconds)s seconds before you try again.",
        seconds,
    ) % {"seconds": seconds}


def set_up(user: User, code: str, *, actor: Actor, at: datetime, keep=None) -> tuple[Device, list[str]]:
    """Take a new device into use, which needs a code of it, and return it with the backup codes, shown only now.

    Ends the user's other sessions, which were begun without it. Raises WrongCode and TooManyCodes.
    """
    device = verified(new_device(user), user, "".join(code.split()))
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        AppDevice.objects.filter(pk=device.pk).update(confirmed=True)
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
    StaticToken.objects.bulk_create(StaticToken(device=device, token=digest_of(user, code)) for code in codes)
    return codes


def digest_of(user: User, code: str) -> str:
    """Return what is kept of a backup code: 16 characters, which nobody can try codes against without SECRET_KEY."""
    mac = salted_hmac("skybridge.second_factor.backup_code", f"{user.pk} {code}", algorithm="sha256")
    return urlsafe_b64encode(mac.digest()[:12]).decode()


def backup_codes_left(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


def write_down(word: str, user: User, actor: Actor, at: datetime, reason: str = "") -> None:
    record([Happening(f"second_factor.{word}", staff_sessions.subject_of(user), reason=reason)], actor=actor, at=at)
