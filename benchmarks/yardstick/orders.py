"""ORDER and LIST: sell products on account, and the orders of an agency by page number."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from . import config
from .callers import CurrentCaller
from .database import Session
from .models import Order, OrderItem, Product, now
from .problems import Refusal
from .sales import new_order, write_order
from .schemas import CreatedOrderOut, NewOrderIn, OrderPageOut

router = APIRouter()


@router.post("/orders", status_code=201, response_model=CreatedOrderOut)
async def create_order(wanted: NewOrderIn, caller: CurrentCaller, session: Session) -> dict[str, Any]:
    at = now()
    quantities: Counter[str] = Counter()
    for item in wanted.items:
        quantities[item.product_id] += item.quantity
    async with session.begin():
        products = await take_stock(session, quantities)
        items = [
            OrderItem(
                position=position,
                product=product,
                description=product.name,
                quantity=quantities[product.product_id],
                price=product.price,
            )
            for position, product in enumerate(products, start=1)
        ]
        order = new_order(items, caller.agency_id, wanted.customer_id, products[0].currency, at)
        await write_order(session, order, at, products=products)
    return {
        "message": "Order created successfully",
        "order_id": order.id,
        "execution_arn": f"{config.EXECUTION_ARN_PREFIX}{order.id}",
        "note": "Save this execution_arn to check workflow status later",
        "status": order.status,
        "total_amount": order.total_amount,
        "currency": order.currency,
    }


async def take_stock(session: AsyncSession, quantities: Counter[str]) -> Sequence[Product]:
    """Lock the products in order of their ids, and take what is wanted of them."""
    query = select(Product).where(Product.product_id.in_(quantities), Product.on_sale)
    products = (await session.scalars(query.order_by(Product.product_id).with_for_update())).all()
    found = {product.product_id for product in products}
    for product_id in quantities:
        if product_id not in found:
            raise Refusal(400, "product_not_found", f"Product {product_id} not found")
    if len({product.currency for product in products}) > 1:
        raise Refusal(400, "currency_mismatch", "All items of an order are sold in one currency.")
    short = {p.product_id: p.stock for p in products if p.stock < quantities[p.product_id]}
    if short:
        listed = ", ".join(f"{product_id} ({left} left)" for product_id, left in short.items())
        raise Refusal(409, "out_of_stock", f"Not enough stock: {listed}.", stock=short)
    for product in products:
        product.stock -= quantities[product.product_id]
    return products


@router.get("/orders", response_model=OrderPageOut)
async def list_orders(
    caller: CurrentCaller,
    session: Session,
    page: Annotated[int, Query(ge=1)] = 1,
    limit: Annotated[int, Query(ge=1)] = 10,
) -> dict[str, Any]:
    limit = min(limit, 100)
    mine = (Order.agency_id == caller.agency_id, Order.deleted_at.is_(None))
    total = await session.scalar(select(func.count()).select_from(Order).where(*mine))
    query = select(Order).where(*mine).order_by(Order.id.desc()).offset((page - 1) * limit).limit(limit)
    orders = await session.scalars(query)
    return {
        "orders": orders.all(),
        "pagination": {"page": page, "limit": limit, "total": total, "pages": ceil(total / limit)},
    }
