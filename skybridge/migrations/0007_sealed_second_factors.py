import django.db.models.deletion
from django.db import migrations, models

from skybridge import sealing, second_factor

PLAIN = 8  # characters of a backup code; its digest has 16


def seal_secrets(apps, schema_editor):
    """Seal the secrets of the apps in use, and keep digests of the backup codes in their place."""
    TOTPDevice, AppDevice = apps.get_model("otp_totp", "TOTPDevice"), apps.get_model("skybridge", "AppDevice")
    for device in TOTPDevice.objects.filter(appdevice=None):
        app = AppDevice(totpdevice_ptr_id=device.pk, sealed=sealing.seal(f"{device.user_id} {device.key}"))
        app.save_base(raw=True)  # without the row of Django OTP's table, which is there
        TOTPDevice.objects.filter(pk=device.pk).update(key="")
    StaticToken = apps.get_model("otp_static", "StaticToken")
    for token in StaticToken.objects.select_related("device__user"):
        if len(token.token) == PLAIN:
            token.token = second_factor.digest_of(token.device.user, token.token)
            token.save()


def unseal_secrets(apps, schema_editor):
    """Put the secrets back; the backup codes are gone."""
    TOTPDevice, AppDevice = apps.get_model("otp_totp", "TOTPDevice"), apps.get_model("skybridge", "AppDevice")
    for pk, sealed in AppDevice.objects.values_list("pk", "sealed"):
        TOTPDevice.objects.filter(pk=pk).update(key=sealing.unseal(sealed).partition(" ")[2])
    apps.get_model("otp_static", "StaticToken").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("otp_static", "0003_add_timestamps"),
        ("otp_totp", "0003_add_timestamps"),
        ("skybridge", "0006_acts_of_their_own"),
    ]

    operations = [
        migrations.CreateModel(
            name="AppDevice",
            fields=[
                (
                    "totpdevice_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="otp_totp.totpdevice",
                    ),
                ),
                ("sealed", models.TextField()),
            ],
            options={"default_permissions": ()},
            bases=("otp_totp.totpdevice",),
        ),
        migrations.RunPython(seal_secrets, unseal_secrets),
    ]
