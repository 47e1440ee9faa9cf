"""Search: a document for each product on sale, the words that stand in them, and what has to be read anew.

Revision ID: 0082
Revises: 0081
"""

from __future__ import annotations

from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

FUNCTIONS = {
    "product": "INSERT INTO commerce.search_change (product) VALUES (NEW.id);",
    "sku": "INSERT INTO commerce.search_change (product) VALUES (NEW.product);",
    "offer": """
        INSERT INTO commerce.search_change (product) SELECT product FROM commerce.sku WHERE code = NEW.sku;
    """,
    "seller": """
        INSERT INTO commerce.search_change (product) SELECT DISTINCT sku.product
        FROM commerce.offer JOIN commerce.sku ON sku.code = offer.sku WHERE offer.seller = NEW.id;
    """,
    "option_category": "INSERT INTO commerce.search_change (product) VALUES (NEW.product);",
    "option_value": """
        INSERT INTO commerce.search_change (product)
        SELECT product FROM commerce.option_category WHERE id = NEW.category;
    """,
    "category": """
        INSERT INTO commerce.search_change (product) WITH RECURSIVE below AS (
            SELECT NEW.code AS code
            UNION SELECT category.code FROM commerce.category JOIN below ON category.parent = below.code
        ) SELECT product.id FROM commerce.product JOIN below ON below.code = product.category;
    """,
    "product_state": """
        INSERT INTO commerce.search_change (product) SELECT id FROM commerce.product WHERE state = NEW.code;
    """,
    "stock": """
        INSERT INTO commerce.search_change (product) SELECT product FROM commerce.sku WHERE code = NEW.sku;
    """,
}
"""What a change of a table's row concerns, whoever writes it."""

_LEFT = "({0}.on_hand - {0}.held - {0}.allocated > 0)"
TRIGGERS = (
    ("product", "INSERT OR UPDATE", ""),
    ("sku", "INSERT OR UPDATE", ""),
    ("offer", "INSERT OR UPDATE", ""),
    ("seller", "UPDATE OF active, name, code", ""),
    ("option_category", "UPDATE", ""),
    ("option_value", "UPDATE", ""),
    ("category", "UPDATE OF parent, name", ""),
    ("product_state", "UPDATE OF sellable", "WHEN (OLD.sellable <> NEW.sellable)"),
    # an order costs nothing here but the comparison, unless it takes the last piece
    ("stock", "UPDATE", f"WHEN ({_LEFT.format('OLD')} <> {_LEFT.format('NEW')})"),
)

UP = (
    """
    CREATE TABLE commerce.search_document (
        product uuid PRIMARY KEY REFERENCES commerce.product,
        words tsvector NOT NULL,
        facets text[] NOT NULL,
        currency char(3) NOT NULL,
        price bigint NOT NULL,
        launched_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX search_document_words ON commerce.search_document USING gin (words)",
    "CREATE INDEX search_document_facets ON commerce.search_document USING gin (facets)",
    "CREATE INDEX search_document_new ON commerce.search_document (launched_at DESC, product)",
    "CREATE INDEX search_document_price ON commerce.search_document (price, product)",
    """
    CREATE TABLE commerce.search_word (
        word text PRIMARY KEY,
        letters text NOT NULL,
        initials text NOT NULL,
        grams text[] NOT NULL,
        documents integer NOT NULL
    )
    """,
    "CREATE INDEX search_word_grams ON commerce.search_word USING gin (grams)",
    'CREATE INDEX search_word_letters ON commerce.search_word (letters COLLATE "C", documents)',
    'CREATE INDEX search_word_initials ON commerce.search_word (initials COLLATE "C", documents)',
    # appended to alone: two orders never wait for each other here
    """
    CREATE TABLE commerce.search_change (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        product uuid NOT NULL
    )
    """,
    """
    CREATE TABLE commerce.search_total (
        facet text PRIMARY KEY,
        documents bigint NOT NULL,
        counted_at timestamptz NOT NULL
    )
    """,
    # what people read for a facet; written with the documents that bear it
    """
    CREATE TABLE commerce.search_label (
        facet text PRIMARY KEY,
        label jsonb NOT NULL CHECK (jsonb_typeof(label) = 'object')
    )
    """,
    *(
        f"""
        CREATE FUNCTION commerce.search_{table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {body} RETURN NULL; END $$
        """
        for table, body in FUNCTIONS.items()
    ),
    *(
        f"CREATE TRIGGER search_changed AFTER {when} ON commerce.{table} FOR EACH ROW {condition} "
        f"EXECUTE FUNCTION commerce.search_{table}_changed()"
        for table, when, condition in TRIGGERS
    ),
    "INSERT INTO commerce.search_change (product) SELECT id FROM commerce.product",
)

DOWN = (
    *(f"DROP TRIGGER search_changed ON commerce.{table}" for table, _, _ in TRIGGERS),
    *(f"DROP FUNCTION commerce.search_{table}_changed" for table in FUNCTIONS),
    "DROP TABLE commerce.search_label",
    "DROP TABLE commerce.search_total",
    "DROP TABLE commerce.search_change",
    "DROP TABLE commerce.search_word",
    "DROP TABLE commerce.search_document",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
