"""Orders, carts, parcels and money as programs read them; amounts are minor units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstreams.commerce.cart.desk import Seen
from upstreams.commerce.ordering.planning import Part
from upstreams.commerce.ordering.purchase import Purchase, SellerOrder
from upstreams.commerce.ordering.withdrawal import Withdrawal
from upstreams.commerce.paying.desk import Standing
from upstreams.commerce.shipping.shipment import Shipment


def purchase(bought: Purchase) -> dict[str, Any]:
    """A purchase with its orders."""
    return {
        "id": bought.id,
        "number": bought.number,
        "state": bought.state,
        "placed_at": bought.placed_at,
        "currency": bought.total.currency,
        "goods": bought.goods.minor,
        "shipping": bought.shipping.minor,
        "total": bought.total.minor,
        "paying": bought.method,
        "destination": bought.destination,
        "orders": [seller_order(order) for order in bought.orders],
    }


def seller_order(order: SellerOrder) -> dict[str, Any]:
    """What one seller delivers."""
    return {
        "id": order.id,
        "seller": {"id": order.seller, "name": order.seller_name},
        "state": order.state,
        "goods": order.goods.minor,
        "shipping": order.shipping.minor,
        "method": order.method,
        "due_from": order.due and order.due[0],
        "due_until": order.due and order.due[1],
        "lines": [
            {
                "offer": line.offer,
                "sku": line.taken.sku,
                "name": line.name,
                "quantity": line.taken.quantity,
                "unit_price": line.unit_price.minor,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "returned": line.returned,
            }
            for line in order.lines
        ],
    }


def for_seller(bought: Purchase, order: SellerOrder, parcels: Sequence[Shipment] = ()) -> dict[str, Any]:
    """An order as its seller reads it: where it goes, and nothing of what others deliver."""
    return {
        **seller_order(order),
        "number": bought.number,
        "placed_at": bought.placed_at,
        "currency": order.goods.currency,
        "commission": order.commission.minor,
        "destination": bought.destination if order.method != "pickup" else None,
        "shipments": [shipment(one) for one in parcels],
    }


def shipment(one: Shipment) -> dict[str, Any]:
    """A parcel."""
    return {
        "id": one.id,
        "order": one.order,
        "state": one.state,
        "carrier": one.carrier,
        "tracking": one.tracking,
        "page": one.page or None,
        "shipped_at": one.shipped_at,
        "delivered_at": one.delivered_at,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in one.lines],
    }


def withdrawal(one: Withdrawal) -> dict[str, Any]:
    """What is cancelled or sent back."""
    return {
        "id": one.id,
        "order": one.order,
        "kind": one.kind,
        "state": one.state,
        "reason": one.reason,
        "goods": one.goods,
        "shipping": one.shipping,
        "refund": one.refund,
        "requested_at": one.requested_at,
        "done_at": one.done_at,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in one.lines],
    }


def standing(found: Standing) -> dict[str, Any]:
    """How a purchase is paid."""
    payment = found.payment
    return {
        "held_until": found.held_until,
        "payment": payment
        and {
            "id": payment.id,
            "state": payment.state,
            "amount": payment.amount.minor,
            "captured": payment.captured,
            "provider": payment.provider,
            "failure": payment.failure or None,
        },
        "refunds": [
            {"id": one.id, "state": one.state, "amount": one.amount.minor, "cancellation": one.of}
            for one in found.refunds
        ],
    }


def cart(seen: Seen) -> dict[str, Any]:
    """A cart with what it would cost, seller by seller."""
    quote = seen.quote
    return {
        "items": [{"offer": offer, "quantity": quantity} for offer, quantity in seen.cart.items.items()],
        "gone": list(seen.gone),
        "short": [{"offer": offer, "available": left} for offer, left in seen.short.items()],
        "currency": quote.total.currency if quote else None,
        "goods": quote.goods.minor if quote else 0,
        "shipping": quote.shipping.minor if quote else 0,
        "total": quote.total.minor if quote else 0,
        "sellers": [_part(part) for part in quote.parts] if quote else [],
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "seller": {"id": part.seller, "name": part.seller_name, "kind": part.kind},
        "goods": part.goods.minor,
        "shipping": part.chosen.fee.minor,
        "method": part.chosen.method.code,
        "methods": [
            {
                "code": one.method.code,
                "name": one.method.name,
                "fee": one.fee.minor,
                "due_from": one.due[0],
                "due_until": one.due[1],
            }
            for one in part.options
        ],
        "items": [
            {
                "offer": offer.id,
                "sku": offer.sku,
                "name": offer.name,
                "quantity": quantity,
                "unit_price": offer.price.minor,
                "available": offer.available,
            }
            for offer, quantity in part.items
        ],
    }
