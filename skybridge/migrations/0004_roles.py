from django.db import migrations

ROLES = ("viewer", "reservations", "check-in", "supervisor", "finance", "administrator")


def make_groups(apps, schema_editor):
    """Make the groups; `skybridge.roles.apply` gives them their permissions once all apps have theirs."""
    Group = apps.get_model("auth", "Group")
    for name in ROLES:
        Group.objects.get_or_create(name=name)


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("skybridge", "0003_who_may_do_what"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
