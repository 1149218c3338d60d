from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0005_rare_statuses")]
    operations = [
        migrations.AddField(
            model_name="agent",
            name="is_manager",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Sees, makes and ends the agency's API keys."
            ),
        ),
    ]
