"""Orders placed in a second by the service's own code, and by pgbench with the bare SQL of the same transaction.

Both write into the service's schema: the idempotency key, the hold with its line, the stock and its movement, the order
with its part, line and event, the payment with its event, the event for the stream; both read offers, terms and weights
before and lock the shelf. A thousand things are ordered evenly, so that nobody waits for one row. Rounds alternate, and
medians are compared. Eight clients each; the service's are one process.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import subprocess
import time
from hashlib import md5
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa

from benchmarks.own_folder import own_folder
from benchmarks.result import Result, tell
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.engines.account import engine_account
from config.engines.embedded import running_engines
from config.engines.programs import postgresql_programs
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.serving import collect_rarely
from config.settings import Settings
from migrations.runner import migrate
from notifications.queue import Queue
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.placing import Checkout
from upstreams.commerce.ordering.purchase import wanted_of
from upstreams.commerce.ordering.telling import Telling
from upstreams.commerce.storage.stores import postgresql_stores
from upstreams.door.person import Person

COMMAND = "python -m benchmarks checkout"
CLIENTS, ROUNDS, SECONDS = 8, 5, 3
THINGS = 1000
SETUP = f"""
INSERT INTO commerce.seller (id, code, kind, name, created_at)
    VALUES (md5('seller')::uuid, 'bench', 'vendor', '{{"ko": "가게"}}', now());
INSERT INTO commerce.warehouse (code, seller, name) VALUES ('bench', md5('seller')::uuid, '{{}}');
INSERT INTO commerce.product (id, code, type, state, name, description, picture, currency, base_price, created_at)
    SELECT md5('product' || n)::uuid, 'p-' || n, 'sale', 'on_sale', '{{"ko": "것"}}', '{{"ko": "것"}}',
           'jar', 'KRW', 1000, now()
    FROM generate_series(1, {THINGS}) n;
INSERT INTO commerce.sku (code, product)
    SELECT 'S-' || n, md5('product' || n)::uuid FROM generate_series(1, {THINGS}) n;
INSERT INTO commerce.offer (id, seller, sku)
    SELECT md5('offer' || n)::uuid, md5('seller')::uuid, 'S-' || n FROM generate_series(1, {THINGS}) n;
INSERT INTO commerce.stock (sku, warehouse, on_hand)
    SELECT 'S-' || n, 'bench', 1000000 FROM generate_series(1, {THINGS}) n;
"""
BARE = f"""
\\set n random(1, {THINGS})
\\set a random(1, 9000000000000000000)
BEGIN;
INSERT INTO commerce.idempotency (person, key, digest, at)
    VALUES (md5('w:a')::uuid, md5('k:a'), sha256('x'), now()) ON CONFLICT DO NOTHING;
SELECT offer.id, offer.sku, product.id, product.type, product.name, product.currency, seller.id, seller.name,
       coalesce(offer.price, sku.price, product.base_price),
       (SELECT sum(on_hand - held - allocated) FROM commerce.stock JOIN commerce.warehouse w ON w.code = stock.warehouse
        WHERE stock.sku = sku.code AND w.seller = seller.id)
    FROM commerce.offer JOIN commerce.seller ON seller.id = offer.seller JOIN commerce.sku ON sku.code = offer.sku
    JOIN commerce.product ON product.id = sku.product JOIN commerce.product_state ON product_state.code = product.state
    WHERE offer.active AND seller.active AND sku.active AND product_state.sellable AND offer.id = md5('offer:n')::uuid;
SELECT seller.id, seller.kind, t.commission, m.*, r.* FROM commerce.seller
    LEFT JOIN commerce.seller_terms t ON t.seller = seller.id
    LEFT JOIN commerce.shipping_method m ON m.seller = seller.id AND m.active
    LEFT JOIN commerce.shipping_rule r ON r.seller = m.seller AND r.method = m.code
    WHERE seller.id = md5('seller')::uuid;
SELECT grams FROM commerce.sku_weight WHERE sku = 'S-:n';
SELECT code, seller FROM commerce.warehouse WHERE seller = md5('seller')::uuid;
SELECT sku, warehouse, on_hand - held - allocated FROM commerce.stock WHERE sku = 'S-:n' FOR NO KEY UPDATE;
INSERT INTO commerce.hold (id, person, state, created_at, expires_at)
    VALUES (md5('h:a')::uuid, md5('w:a')::uuid, 'held', now(), now() + interval '30 min');
INSERT INTO commerce.hold_line (hold, sku, warehouse, quantity) VALUES (md5('h:a')::uuid, 'S-:n', 'bench', 1);
UPDATE commerce.stock SET held = held + 1, version = version + 1 WHERE sku = 'S-:n' AND warehouse = 'bench';
INSERT INTO commerce.stock_movement (kind, cause, sku, warehouse, held, at)
    VALUES ('hold', md5('h:a'), 'S-:n', 'bench', 1, now());
INSERT INTO commerce.purchase (id, person, kind, currency, total, placed_at, hold)
    VALUES (md5('h:a')::uuid, md5('w:a')::uuid, 'sale', 'KRW', 1000, now(), md5('h:a')::uuid);
INSERT INTO commerce.seller_order (id, purchase, seller, state, goods)
    VALUES (md5('o:a')::uuid, md5('h:a')::uuid, md5('seller')::uuid, 'received', 1000);
INSERT INTO commerce.order_event (seller_order, to_state, actor, at)
    VALUES (md5('o:a')::uuid, 'received', md5('w:a')::uuid, now());
INSERT INTO commerce.order_line (seller_order, offer, sku, warehouse, quantity, unit_price, name)
    VALUES (md5('o:a')::uuid, md5('offer:n')::uuid, 'S-:n', 'bench', 1, 1000, '{{"ko": "것"}}');
DELETE FROM commerce.cart_item WHERE cart = (SELECT id FROM commerce.cart WHERE person = md5('w:a')::uuid);
INSERT INTO events.outbox (topic, key, payload) VALUES ('order', md5('h:a'), '{{"kind": "placed"}}');
INSERT INTO commerce.payment (id, subject, person, amount, currency, name, provider, state, reference, captured,
        given_back, failure, attempts, dead, next_attempt_at, expires_at, created_at)
    VALUES (md5('y:a')::uuid, md5('h:a')::uuid, md5('w:a')::uuid, 1000, 'KRW', 'x', 'sandbox', 'created', '', 0, 0, '',
        0, false, now(), now(), now());
INSERT INTO commerce.payment_event (payment, to_state, why, at) VALUES (md5('y:a')::uuid, 'created', '', now());
UPDATE commerce.idempotency SET result = md5('h:a')::uuid WHERE person = md5('w:a')::uuid AND key = md5('k:a');
COMMIT;
"""


def run() -> list[Result]:
    """Measure."""
    with own_folder() as folder:
        settings = Settings(var=folder / "v")
        with running_engines(settings):
            ours, bare = asyncio.run(_measure(settings))
    return [
        Result.against(
            "checkout.orders",
            statistics.median(ours),
            "orders/s",
            f"the bare SQL of the same transaction (pgbench, {CLIENTS} clients)",
            statistics.median(bare),
            COMMAND,
        )
    ]


async def _measure(settings: Settings) -> tuple[list[float], list[float]]:
    await migrate(settings)
    envelope, clock, entropy = Envelope.create(settings), SystemClock(), SystemEntropy()
    owner, database, valkey = (
        open_database(settings, "owner"),
        open_database(settings, "commerce"),
        open_valkey(settings),
    )
    async with owner.begin() as tx:
        for statement in SETUP.split(";\n"):
            if statement.strip():
                await tx.execute(sa.text(statement.replace(":", "\\:")))
    async with owner.execution_options(isolation_level="AUTOCOMMIT").connect() as tx:
        await tx.execute(sa.text("VACUUM ANALYZE"))
    script = settings.var / "checkout.sql"
    # a name beside letters is no variable of pgbench, so its value is put in by it where it stands alone
    script.write_text(BARE.replace(":a'", "' || :a").replace(":n'", "' || :n"))
    script.chmod(0o644)
    stores = postgresql_stores(envelope, entropy)
    telling = Telling(valkey, Queue(envelope, clock, entropy), stores.sellers, settings.shop_origin)
    checkout = Checkout(database, stores, Changes(stores, telling), clock, entropy, "sandbox", "account")
    collect_rarely()
    ours, bare = [], []
    try:
        await _orders(checkout, 1.0)  # what is made once is made
        for _ in range(ROUNDS):
            ours.append(await _orders(checkout, SECONDS))
            bare.append(await asyncio.to_thread(_pgbench, settings, owner.url, script))
            tell(f"  {ours[-1]:,.0f} orders/s, bare {bare[-1]:,.0f}/s")
    finally:
        await valkey.aclose()
        await database.dispose()
        await owner.dispose()
    return ours, bare


async def _orders(checkout: Checkout, seconds: float) -> float:
    offers = _offers()
    end = time.perf_counter() + seconds

    async def client() -> int:
        done = 0
        while time.perf_counter() < end:
            person = Person(uuid4(), None, "", "")
            await checkout.place(person, wanted_of([(random.choice(offers), 1)]), uuid4().hex)
            done += 1
        return done

    began = time.perf_counter()
    return sum(await asyncio.gather(*(client() for _ in range(CLIENTS)))) / (time.perf_counter() - began)


def _offers() -> list[UUID]:
    return [UUID(md5(f"offer{n}".encode(), usedforsecurity=False).hexdigest()) for n in range(1, THINGS + 1)]


def _pgbench(settings: Settings, address: sa.URL, script: Path) -> float:
    program = postgresql_programs(settings, engine_account(settings, settings.var / "postgresql")) / "pgbench"
    command = [str(program), "-n", "-h", str(settings.runtime), "-U", str(address.username), "-M", "prepared"]
    command += ["-c", str(CLIENTS), "-j", "1", "-T", str(SECONDS), "-f", str(script), str(address.database)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return float(found[1])
