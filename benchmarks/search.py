"""How long a search takes over 100,000 SKUs: words made out, results ranked, facets counted, live stock read.

The peers answer the same questions in the same run, each with much less: a scan by ILIKE, which finds what has the very
letters inside, and a bare tsquery over the same column, which finds whole words; neither forgives, counts facets, or
says what is left.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import uvloop

from benchmarks.own_folder import own_folder
from benchmarks.result import Result, percentile, tell
from config.connections import Database, Transaction, open_database
from config.engines.embedded import running_engines
from config.engines.folders import make_var
from config.envelope import Envelope
from config.settings import Settings
from migrations.runner import migrate
from upstreams.commerce.endpoints.products import found
from upstreams.commerce.search.asked import read
from upstreams.commerce.search.indexing import bring_up_to_date
from upstreams.commerce.search.searching import Searching
from upstreams.commerce.storage.product_tables import category
from upstreams.commerce.storage.stores import catalogue_stores
from upstreams.commerce.storage.tables import offer, product, seller, sku, trade
from upstreams.commerce.stores import CatalogueStores
from upstreams.trade.storage import bulk

COMMAND = "python -m benchmarks search"
SKUS = 100_000
SELLERS = 200
QUESTIONS = 600
SEED = 20_261_127
_WHAT = (
    *(("녹차", "green tea"), ("홍차", "black tea"), ("감귤꽃꿀", "mandarin blossom honey"), ("참기름", "sesame oil")),
    *(("달항아리", "moon jar"), ("한지부채", "hanji fan"), ("유기수저", "brass spoon"), ("밀랍초", "beeswax candle")),
    *(("햅쌀", "new rice"), ("감태", "gamtae seaweed"), ("도자기", "pottery"), ("선물세트", "gift set")),
    *(
        ("여름셔츠", "summer shirt"),
        ("겨울외투", "winter coat"),
        ("면양말", "cotton socks"),
        ("가죽지갑", "leather wallet"),
    ),
    *(("책상", "desk"), ("의자", "chair"), ("조명", "lamp"), ("이불", "duvet"), ("베개", "pillow"), ("수건", "towel")),
    *(("공책", "notebook"), ("만년필", "fountain pen"), ("가위", "scissors"), ("우산", "umbrella"), ("장갑", "gloves")),
)
_HOW = (
    *(("수제", "handmade"), ("유기농", "organic"), ("전통", "traditional"), ("가벼운", "light"), ("큰", "large")),
    *(("작은", "small"), ("따뜻한", "warm"), ("시원한", "cool"), ("프리미엄", "premium"), ("매일", "everyday")),
)
_WHERE = (
    *(
        ("보성", "Boseong"),
        ("제주", "Jeju"),
        ("이천", "Icheon"),
        ("전주", "Jeonju"),
        ("여주", "Yeoju"),
        ("강릉", "Gangneung"),
    ),
    *(("안동", "Andong"), ("통영", "Tongyeong"), ("담양", "Damyang"), ("하동", "Hadong")),
)
_SYLLABLES = "가나다라마바사아자차카타파하고노도로모보소오조초코토포호구누두루무부수우주추쿠투푸후기니디리미비시이지치"
_LETTERS = ("ka", "no", "ri", "ta", "lo", "mi", "su", "ve", "da", "po", "re", "ni")


def run() -> list[Result]:
    """Fill a shop, ask the questions of all three, one after the other."""
    with own_folder() as folder:
        settings = Settings(var=folder / "v")
        make_var(settings)
        Envelope.create(settings)
        with running_engines(settings):
            uvloop.run(migrate(settings))
            return uvloop.run(_measure(settings))


async def _measure(settings: Settings) -> list[Result]:
    database, chance = open_database(settings, "commerce"), random.Random(SEED)
    stores = catalogue_stores(Envelope.load(settings))
    try:
        names = await fill(database, stores, chance)
        asked = questions(chance, names)
        return await compare(database, stores, asked)
    finally:
        await database.dispose()


async def compare(database: Database, stores: CatalogueStores, asked: Sequence[str]) -> list[Result]:
    """The 99th percentiles of all three over the same questions."""
    searching = Searching(stores.words, stores.documents)

    async def ours(question: str) -> None:
        await found(database, stores, searching, read([part.split("=", 1) for part in question.split("&")]))  # type: ignore[misc]

    async def suggested(question: str) -> None:
        async with database.connect() as tx:
            await searching.suggest(tx, _text(question))

    async def scanned(question: str) -> None:
        async with database.connect() as tx:
            await _scan(tx, _text(question))

    async def bare(question: str) -> None:
        async with database.connect() as tx:
            await tx.execute(_BARE if _text(question) else _NEWEST, {"text": " & ".join(_text(question).split())})

    results = []
    for ask in (ours, bare, scanned):  # what is read lazily is read now
        await _times(ask, asked[:50])
    mine = await _times(ours, asked)
    middle = percentile(mine, 0.5)
    tell(f"  ours: p50 {middle:.1f} ms, p99 {percentile(mine, 0.99):.1f} ms, worst {max(mine):.1f} ms")
    slowest = sorted(zip(mine, asked, strict=True), reverse=True)[:5]
    tell("  slowest: " + "; ".join(f"{question} {taken:.0f} ms" for taken, question in slowest))
    for name, ask, said in (
        ("ilike", scanned, "a scan by ILIKE, without facets"),
        ("tsquery", bare, "a bare tsquery, without facets"),
    ):
        theirs = await _times(ask, asked[: QUESTIONS // (4 if name == "ilike" else 1)])
        tell(f"  {said}: p50 {percentile(theirs, 0.5):.1f} ms, p99 {percentile(theirs, 0.99):.1f} ms")
        results.append(
            Result.against(f"search.p99.{name}", percentile(mine, 0.99), "ms", said, percentile(theirs, 0.99), COMMAND)
        )
    typed = await _times(suggested, [question for question in asked if _text(question)])
    tell(f"  suggestions: p99 {percentile(typed, 0.99):.1f} ms")
    results.append(
        Result.against(
            "search.suggestions",
            percentile(typed, 0.99),
            "ms",
            "p99 of a whole search",
            percentile(mine, 0.99),
            COMMAND,
        )
    )
    return results


async def _times(ask: Callable[[str], Awaitable[None]], asked: Sequence[str]) -> list[float]:
    times = []
    for question in asked:
        begun = time.perf_counter()
        await ask(question)
        times.append((time.perf_counter() - begun) * 1000)
    return times


_BARE = sa.text(
    "SELECT product FROM commerce.search_document WHERE words @@ CAST(:text AS tsquery) "
    "ORDER BY ts_rank(words, CAST(:text AS tsquery)) DESC, product LIMIT 24"
)

_NEWEST = sa.text("SELECT product FROM commerce.search_document WHERE :text = '' ORDER BY launched_at DESC LIMIT 24")


async def _scan(tx: Transaction, text: str) -> None:
    words = [f"%{word}%" for word in text.split()]
    inside = " AND ".join(f"(name->>'ko' ILIKE :w{at} OR name->>'en' ILIKE :w{at})" for at in range(len(words)))
    query = f"SELECT id FROM commerce.product WHERE {inside or 'true'} ORDER BY launched_at DESC LIMIT 24"
    await tx.execute(sa.text(query), {f"w{at}": word for at, word in enumerate(words)})


def _text(question: str) -> str:
    return dict(part.split("=", 1) for part in question.split("&")).get("q", "")


def questions(chance: random.Random, names: Sequence[tuple[str, str]]) -> list[str]:
    """What people type: whole names and parts, with slips of the finger, first consonants, filters, nothing at all."""
    made = []
    for _ in range(QUESTIONS):
        ko, en = chance.choice(names)
        what, how, where = chance.choice(_WHAT), chance.choice(_HOW), chance.choice(_WHERE)
        made.append(
            chance.choice(
                (
                    f"q={chance.choice(ko.split())}",
                    f"q={' '.join(chance.sample(ko.split(), 2))}",
                    f"q={chance.choice(en.split()).lower()}",
                    f"q={what[0][:2]}",
                    f"q={where[0]} {what[0]}",
                    f"q={_slip(chance, ko.split()[0])}",
                    f"q={_slip(chance, en.split()[0].lower())}",
                    f"q={chance.choice(('ㄴㅊ', 'ㅅㅁㅅㅌ', 'ㄷㅎㅇㄹ', 'ㅊㄱㄹ', 'ㅁㄴㅍ'))}",
                    f"q={how[1]} {what[1]}",
                    f"q={what[0]}&category=c{chance.randrange(8)}",
                    f"q={how[0]}&order=cheap&available=now",
                    f"category=c{chance.randrange(8)}-{chance.randrange(5)}",
                    f"seller=s{chance.randrange(SELLERS)}&order=dear",
                    "q=",
                )
            )
        )
    return made


def _slip(chance: random.Random, word: str) -> str:
    at = chance.randrange(len(word))
    return (
        word[:at] + (chance.choice(_SYLLABLES) if ord(word[at]) > 0x1000 else chance.choice("aeiou")) + word[at + 1 :]
    )


async def fill(database: Database, stores: CatalogueStores, chance: random.Random) -> list[tuple[str, str]]:
    """A shop of so many products of one SKU each: the most documents that so many SKUs can make."""
    begun = time.perf_counter()
    now = datetime.now(UTC)
    brands = [
        ("".join(chance.choice(_SYLLABLES) for _ in range(3)), "".join(chance.choice(_LETTERS) for _ in range(3)))
        for _ in range(4000)
    ]
    sellers = [UUID(int=chance.getrandbits(128)) for _ in range(SELLERS)]
    names: list[tuple[str, str]] = []
    async with database.begin() as tx:
        await tx.execute(
            sa.insert(category),
            [
                {"code": code, "parent": parent, "name": {"ko": code, "en": code}, "position": 0, "version": 1}
                for top in range(8)
                for code, parent in ((f"c{top}", None), *((f"c{top}-{below}", f"c{top}") for below in range(5)))
            ],
        )
        await tx.execute(
            sa.insert(seller),
            [
                {
                    "id": one,
                    "code": f"s{at}",
                    "kind": "vendor",
                    "name": {"ko": f"가게{at}", "en": f"Shop {at}"},
                    "active": True,
                    "created_at": now,
                }
                for at, one in enumerate(sellers)
            ],
        )
        await tx.execute(
            sa.insert(trade.warehouse),
            [
                {"code": f"w{at}", "seller": one, "name": {"ko": "창고", "en": "Store"}}
                for at, one in enumerate(sellers)
            ],
        )
    for first in range(0, SKUS, 5000):
        await _some(database, chance, range(first, first + 5000), brands, sellers, names, now)
    async with database.begin() as tx:
        await tx.execute(sa.text("DELETE FROM commerce.search_change"))
        await tx.execute(sa.text("INSERT INTO commerce.search_change (product) SELECT id FROM commerce.product"))
    while True:
        async with database.begin() as tx:
            if not await bring_up_to_date(tx, stores.index, limit=2000):
                break
    async with database.begin() as tx:
        await stores.index.count(tx, now)
        await tx.execute(sa.text("ANALYZE"))
    tell(f"  {SKUS:,} SKUs in {time.perf_counter() - begun:.0f} s")
    return names


async def _some(
    database: Database,
    chance: random.Random,
    numbers: range,
    brands: Sequence[tuple[str, str]],
    sellers: Sequence[UUID],
    names: list[tuple[str, str]],
    now: datetime,
) -> None:
    products, skus, offers, stock = [], [], [], []
    for number in numbers:
        (what, what_en), (how, how_en) = chance.choice(_WHAT), chance.choice(_HOW)
        (where, where_en), (brand, brand_en) = chance.choice(_WHERE), chance.choice(brands)
        name = (f"{brand} {where} {how} {what}", f"{brand_en.title()} {how_en} {what_en} from {where_en}")
        names.append(name)
        ident, code, by = UUID(int=chance.getrandbits(128)), f"SKU-{number:06d}", chance.randrange(SELLERS)
        products.append(
            {
                "id": ident,
                "code": f"p-{number:06d}",
                "type": "sale",
                "state": "on_sale",
                "name": {"ko": name[0], "en": name[1]},
                "description": {"ko": f"{where}에서 온 {what}", "en": f"A {how_en} {what_en}"},
                "picture": "",
                "currency": "KRW",
                "base_price": chance.randrange(10, 5000) * 100,
                "attributes": {},
                "category": f"c{chance.randrange(8)}-{chance.randrange(5)}",
                "launched_at": now - timedelta(minutes=number),
                "created_at": now,
                "version": 1,
            }
        )
        skus.append({"code": code, "product": ident, "option_key": "", "active": True})
        offers.append(
            {"id": UUID(int=chance.getrandbits(128)), "seller": sellers[by], "sku": code, "active": True, "version": 1}
        )
        stock.append(
            {"sku": code, "warehouse": f"w{by}", "on_hand": chance.randrange(0, 40), "held": 0, "allocated": 0}
        )
    async with database.begin() as tx:
        for table, rows in ((product, products), (sku, skus), (offer, offers), (trade.stock, stock)):
            await bulk.insert(tx, table, rows)
