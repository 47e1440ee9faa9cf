"""What people do with carts: look, put in, change, and have a guest's become their own when they sign in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.cart.cart import Cart, merged
from upstreams.commerce.catalogue import Catalogue, Offer
from upstreams.commerce.ordering.planning import Choices, NotDelivered, Quote, Terms, quote
from upstreams.commerce.ordering.purchase import NOT_DELIVERED_SO, NOT_OFFERED, Wanted
from upstreams.door.person import Person
from upstreams.trade.idempotency import IdempotencyKeys, digest_of


class Carts(Protocol):
    """Carts. A person has one; a guest's is found by its id alone."""

    async def of_person(self, tx: Transaction, person: UUID, fresh: UUID, now: datetime) -> Cart:
        """A person's cart, locked; an empty one with the id `fresh` where there was none."""

    async def find(
        self, tx: Transaction, *, person: UUID | None = None, guest: UUID | None = None, locked: bool = False
    ) -> Cart | None:
        """A person's cart, or the one of a guest; a guest's that became a person's is nobody's."""

    async def save(self, tx: Transaction, after: Cart, now: datetime) -> Cart:
        """Write a locked cart, or a new one of a guest."""

    async def remove(self, tx: Transaction, ident: UUID) -> None:
        """A guest's cart that became a person's."""

    async def bought(self, tx: Transaction, person: UUID, offers: Collection[UUID], now: datetime) -> None:
        """Take what was ordered out of a person's cart."""

    async def forget(self, tx: Transaction, before: datetime) -> int:
        """Forget guests' carts that nobody touched since. Answers how many."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A cart with what it would cost at this moment."""

    cart: Cart
    quote: Quote | None
    """None where nothing in it can be had."""
    gone: tuple[UUID, ...]
    """What is in it and not sold any more."""
    short: Mapping[UUID, int]
    """Of what there is less than is wanted: how many are left."""
    region: str | None = None

    @property
    def count(self) -> int:
        return sum(self.cart.items.values())

    @property
    def orderable(self) -> bool:
        """Whether all of it can be ordered as it stands."""
        return self.quote is not None and not self.gone and not self.short


class CartDesk:
    """Carts of people and of guests."""

    def __init__(
        self,
        database: Database,
        carts: Carts,
        catalogue: Catalogue,
        terms: Terms,
        keys: IdempotencyKeys,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._carts = carts
        self._catalogue = catalogue
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

    async def add(self, person: Person | None, guest: UUID | None, offer: UUID, quantity: int, key: str) -> Cart:
        """Put so many more in, once for each key. Raises `NOT_OFFERED`, `CART_FULL`, `KEY_REUSED`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            cart = await self._own(tx, person, guest, now)
            owner = person.id if person else cart.id
            digest = digest_of("cart", [str(offer), quantity])
            if await self._keys.claim(tx, owner, key, digest, now, result=cart.id) is not None:
                return cart
            found = await self._catalogue.offers(tx, [offer])
            if not found or not found[0].orderable:
                raise Problem(NOT_OFFERED)
            return await self._carts.save(tx, cart.added(offer, quantity), now)

    async def change(
        self,
        person: Person | None,
        guest: UUID | None,
        quantities: Mapping[UUID, int],
        *,
        check: Callable[[Cart], None] = lambda _: None,
    ) -> Cart:
        """Set how many of each are wanted; 0 takes it out. `check` looks at the cart that is changed, and raises where
        it is not the one that was meant. Raises `CART_FULL`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            cart = await self._own(tx, person, guest, now)
            check(cart)
            for offer, quantity in quantities.items():
                if offer in cart.items:
                    cart = cart.changed(offer, quantity)
            return await self._carts.save(tx, cart, now)

    async def seen(
        self,
        person: Person | None,
        guest: UUID | None,
        choices: Choices | None = None,
        postcode: str = "",
    ) -> Seen:
        """The cart as it would be ordered now; what a person put in as a guest is theirs from here on.

        Raises `NOT_DELIVERED_SO` for a way of delivery that a seller does not have.
        """
        now = self._clock.now()
        if person is not None and guest is not None:
            async with self._database.begin() as tx:
                await self._own(tx, person, guest, now)
        async with self._database.connect() as tx:
            cart = await self._carts.find(tx, person=person.id if person else None, guest=guest)
            cart = cart or Cart(self._entropy.uuid(), person.id if person else None, {})
            return await self._seen(tx, cart, choices or Choices({}), postcode, now)

    async def _seen(self, tx: Transaction, cart: Cart, choices: Choices, postcode: str, now: datetime) -> Seen:
        offers = [one for one in await self._catalogue.offers(tx, list(cart.items)) if one.orderable]
        known = {offer.id for offer in offers}
        gone = tuple(offer for offer in cart.items if offer not in known)
        short = {offer.id: offer.available or 0 for offer in offers if (offer.available or 0) < cart.items[offer.id]}
        region = await self._terms.region(tx, postcode) if postcode else None
        if not offers:
            return Seen(cart, None, gone, short, region)
        quoted = await self._quote(tx, Wanted({one.id: cart.items[one.id] for one in offers}), offers, region, choices)
        return Seen(cart, quoted, gone, short, region)

    async def _quote(
        self, tx: Transaction, wanted: Wanted, offers: list[Offer], region: str | None, choices: Choices
    ) -> Quote:
        terms = await self._terms.of(tx, list({offer.seller for offer in offers}))
        weights = await self._terms.weights(tx, [offer.sku for offer in offers])
        try:
            return quote(wanted, offers, terms, weights, region, choices, self._clock.now())
        except NotDelivered as error:
            raise Problem(NOT_DELIVERED_SO) from error

    async def _own(self, tx: Transaction, person: Person | None, guest: UUID | None, now: datetime) -> Cart:
        if person is None:
            found = await self._carts.find(tx, guest=guest, locked=True) if guest else None
            if found is not None:
                return found
            return await self._carts.save(tx, Cart(self._entropy.uuid(), None, {}), now)
        own = await self._carts.of_person(tx, person.id, self._entropy.uuid(), now)
        before = await self._carts.find(tx, guest=guest, locked=True) if guest else None
        if before is not None:
            own = await self._carts.save(tx, merged(own, before), now)
            await self._carts.remove(tx, before.id)
        return own
