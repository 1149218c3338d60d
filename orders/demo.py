"""The demo's products (the founding document's inventory, and ancillaries) and what its agencies may owe."""

from decimal import Decimal

from django.utils import timezone

from orders.models import Product
from orders.settlements import set_credit_limit
from partners.ledger import open_account
from partners.models import Agency
from skybridge.events import Actor

CREDIT_LIMITS = {"Acme Travel": Decimal(1_000_000), "PartnerCo": Decimal(1_000_000), "Zenith Tours": Decimal(2_500)}

# product id, name, category, price, stock
PRODUCTS = (
    ("PROD001", "Laptop", "goods", "999.99", 50),
    ("PROD002", "Mouse", "goods", "29.99", 100),
    ("PROD003", "Keyboard", "goods", "79.99", 75),
    ("PROD004", "Monitor", "goods", "299.99", 30),
    ("BAG1", "First checked bag, 23 kg", "baggage", "35.00", 100_000),
    ("BAG2", "Second checked bag, 23 kg", "baggage", "45.00", 100_000),
    ("PETC", "Pet in the cabin", "baggage", "125.00", 2_000),
    ("SEATEXIT", "Exit row seat", "seat", "49.00", 20_000),
    ("SEATPREF", "Preferred seat", "seat", "24.00", 100_000),
    ("MEALHOT", "Hot meal", "meal", "18.50", 20_000),
    ("MEALVEG", "Vegetarian meal", "meal", "18.50", 20_000),
    ("LOUNGE", "Lounge visit", "lounge", "59.00", 5_000),
    ("FASTTRACK", "Fast track at security", "service", "15.00", 10_000),
    ("WIFI", "Wi-Fi on board", "service", "12.00", 100_000),
)


def ensure_demo_products() -> None:
    """Add the products that are missing; those present keep their stock. One statement."""
    Product.objects.bulk_create(
        [
            Product(product_id=key, name=name, category=category, price=Decimal(price), currency="USD", stock=stock)
            for key, name, category, price, stock in PRODUCTS
        ],
        ignore_conflicts=True,
    )


def ensure_demo_limits(*, actor: Actor) -> None:
    """Open the demo agencies' accounts in dollars with their limits; those open keep the limit they have."""
    for agency in Agency.objects.filter(name__in=CREDIT_LIMITS).exclude(accounts__currency="USD"):
        code = open_account(agency.pk, "", "USD")
        set_credit_limit(code, CREDIT_LIMITS[agency.name], actor=actor, at=timezone.now())
