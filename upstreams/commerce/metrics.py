"""What commerce measures of its catalogue, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SEARCH = Histogram(
    "munjigi_commerce_search_seconds",
    "How long a search took",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1),
)
INDEXED = Counter("munjigi_commerce_indexed_products", "Products whose search document was written anew")
LAUNCHED = Counter("munjigi_commerce_launched_products", "Products that were launched by their date")
SWEPT = Counter("munjigi_commerce_expired_holds", "Holds that were ended because their time was over")
LOW = Gauge("munjigi_commerce_low_stock", "Things that run low, by place")
STOCK_WRONG = Gauge("munjigi_commerce_stock_wrong", "Counts that the last proof found wrong")
