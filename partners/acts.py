"""What staff do to agencies and their API keys in the back office."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from partners import services
from partners.keys import mode_of
from partners.models import Agency, ApiKey, Plan
from skybridge.acts import Act, ActForm, Doing, Done, Shown

KEYS = "skybridge.manage_api_keys"


class NewKeyForm(ActForm):
    mode = forms.ChoiceField(choices=[("test", "Test"), ("live", "Live")])
    name = forms.CharField(
        label="Name", required=False, max_length=services.MAX_NAME_LENGTH, help_text="What it is for."
    )


class OverlapForm(ActForm):
    hours = forms.IntegerField(
        label="Old key works on for hours", min_value=0, max_value=168, initial=0, required=False,
        help_text="0: it ends at once.",
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if services.have_no_room({api_key.agency_id for api_key in self.rows}, timezone.now()):
            self.fields["hours"].disabled = True
            self.fields["hours"].help_text = "There are two live keys, so this one can only end at once."


class PlanForm(ActForm):
    plan = forms.ModelChoiceField(Plan.objects.order_by("name"))


def show_keys(agency: Agency, doing: Doing) -> Shown:
    live = ApiKey.objects.live(doing.at).filter(agency=agency).order_by("pk")
    return Shown([("Live keys now", f"{key.prefix}… {key.name}") for key in live] or [("Live keys now", "none")])


def create_key(agency: Agency, doing: Doing) -> Done:
    api_key, text = services.create_api_key(
        agency, actor=doing.caller, mode=doing.data["mode"], name=doing.data["name"]
    )
    return Done(f"has the new key {api_key.prefix}….", secret=text)


def show_key(api_key: ApiKey, doing: Doing) -> Shown:
    used = f"{api_key.last_used_at:%Y-%m-%d %H:%M} UTC" if api_key.last_used_at else "never"
    return Shown([
        ("Agency", str(api_key.agency)), ("Mode", mode_of(api_key.prefix)), ("Name", api_key.name or "–"),
        ("Used last", used), ("Live", "yes" if services.is_live(api_key, doing.at) else "no"),
    ])  # fmt: skip


def rotate_key(api_key: ApiKey, doing: Doing) -> Done:
    overlap = timedelta(hours=doing.data.get("hours") or 0)
    new, text = services.rotate_api_key(api_key, actor=doing.caller, overlap=overlap)
    return Done(f"is replaced by {new.prefix}….", secret=text)


def revoke_key(api_key: ApiKey, doing: Doing) -> Done:
    services.revoke_api_key(api_key, actor=doing.caller, reason=doing.reason)
    return Done("is revoked.")


def show_plan(agency: Agency, doing: Doing) -> Shown:
    return Shown([("Now", terms_of(agency.plan)), ("From now on", terms_of(doing.data["plan"]))])


def terms_of(plan: Plan) -> str:
    quota = f", {plan.quota} a {plan.quota_period}" if plan.quota else ""
    return f"{plan.name}: {plan.rate} a second, {plan.burst} at once{quota}"


def change_plan(agency: Agency, doing: Doing) -> Done:
    agency.plan = doing.data["plan"]
    services.save_agency(agency, actor=doing.caller)
    return Done(f"is on {agency.plan.name}.")


def is_live(api_key: ApiKey) -> bool:
    return services.is_live(api_key, timezone.now())


AGENCY_ACTS = (
    Act("create_key", "Create API key", KEYS, create_key, show_keys, NewKeyForm,
        explanation="Shown once, when it is made. An agency has at most two live keys."),
    Act("change_plan", "Change plan", "partners.change_agency", change_plan, show_plan, PlanForm, asks_first=True,
        explanation="Takes effect within 5 seconds."),
)  # fmt: skip
KEY_ACTS = (
    Act("rotate", "Rotate", KEYS, rotate_key, show_key, OverlapForm, is_live,
        explanation="A new key of the same mode and name, shown once, in place of this one."),
    Act("revoke", "Revoke", KEYS, revoke_key, show_key, is_offered=is_live, is_grave=True,
        explanation="Calls with this key are refused within 5 seconds."),
)  # fmt: skip
