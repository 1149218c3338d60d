"""The demo's products (the founding document's inventory, and ancillaries) and what its agencies may owe."""

from decimal import Decimal

from django.db.models import Case, Value, When
from django.utils import timezone

from orders.models import Product
from orders.settlements import set_credit_limit
from partners.ledger import open_account
from partners.models import Agency
from skybridge.events import Actor

CREDIT_LIMITS = {"Acme Travel": Decimal(1_000_000), "PartnerCo": Decimal(1_000_000), "Zenith Tours": Decimal(2_500)}

# product id, name, category, price, stock, reason for issuance code of its EMDs (empty: none are issued) and sub-code
PRODUCTS = (
    ("PROD001", "Laptop", "goods", "999.99", 50, "", ""),
    ("PROD002", "Mouse", "goods", "29.99", 100, "", ""),
    ("PROD003", "Keyboard", "goods", "79.99", 75, "", ""),
    ("PROD004", "Monitor", "goods", "299.99", 30, "", ""),
    ("BAG1", "Extra checked bag, 23 kg", "baggage", "35.00", 100_000, "C", "0CC"),
    ("BAG2", "Second extra checked bag, 23 kg", "baggage", "45.00", 100_000, "C", "0CD"),
    ("PETC", "Pet in the cabin", "baggage", "125.00", 2_000, "C", "0BT"),
    ("SEATEXIT", "Exit row seat", "seat", "49.00", 20_000, "A", "0B5"),
    ("SEATPREF", "Preferred seat", "seat", "24.00", 100_000, "A", "0B5"),
    ("MEALHOT", "Hot meal", "meal", "18.50", 20_000, "G", ""),
    ("MEALVEG", "Vegetarian meal", "meal", "18.50", 20_000, "G", ""),
    ("LOUNGE", "Lounge visit", "lounge", "59.00", 5_000, "E", "0BX"),
    ("FASTTRACK", "Fast track at security", "service", "15.00", 10_000, "E", "0LW"),
    ("WIFI", "Wi-Fi on board", "service", "12.00", 100_000, "G", ""),
)


def ensure_demo_products() -> None:
    """Add the products that are missing; those present keep what they have, and get codes where they have none.

    Two statements.
    """
    Product.objects.bulk_create(
        [
            Product(
                product_id=key,
                name=name,
                category=category,
                price=Decimal(price),
                currency="USD",
                stock=stock,
                rfic=rfic,
                rfisc=rfisc,
            )
            for key, name, category, price, stock, rfic, rfisc in PRODUCTS
        ],
        ignore_conflicts=True,
    )
    codes = {key: (rfic, rfisc) for key, *_, rfic, rfisc in PRODUCTS if rfic}
    Product.objects.filter(pk__in=codes, rfic="").update(
        rfic=Case(*(When(pk=key, then=Value(rfic)) for key, (rfic, _) in codes.items())),
        rfisc=Case(*(When(pk=key, then=Value(rfisc)) for key, (_, rfisc) in codes.items())),
    )


def ensure_demo_limits(*, actor: Actor) -> None:
    """Open the demo agencies' accounts in dollars with their limits; those open keep the limit they have."""
    for agency in Agency.objects.filter(name__in=CREDIT_LIMITS).exclude(accounts__currency="USD"):
        code = open_account(agency.pk, "", "USD")
        set_credit_limit(code, CREDIT_LIMITS[agency.name], actor=actor, at=timezone.now())
