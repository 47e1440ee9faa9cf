"""The catalogue: a tree of categories, pictures, options with their surcharges, and who looks after a product.

Revision ID: 0080
Revises: 0078
"""

from __future__ import annotations

from alembic import op

revision = "0080"
down_revision = "0078"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE commerce.category (
        code text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
        parent text REFERENCES commerce.category,
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        position smallint NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 1,
        CHECK (parent <> code)
    )
    """,
    "CREATE INDEX category_below ON commerce.category (parent, position, code)",
    """
    ALTER TABLE commerce.product
        ADD COLUMN category text REFERENCES commerce.category,
        ADD COLUMN seller uuid REFERENCES commerce.seller
    """,
    "COMMENT ON COLUMN commerce.product.seller IS 'who looks after its texts: a vendor, or NULL for the house alone'",
    "CREATE INDEX product_in_category ON commerce.product (category) WHERE category IS NOT NULL",
    "CREATE INDEX product_of_seller ON commerce.product (seller, code)",
    # a picture is kept once, by what it shows; products name it
    """
    CREATE TABLE commerce.picture (
        digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
        media text NOT NULL CHECK (media IN ('image/jpeg', 'image/png', 'image/webp')),
        width integer NOT NULL CHECK (width > 0),
        height integer NOT NULL CHECK (height > 0),
        content bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE commerce.product_picture (
        id uuid PRIMARY KEY,
        product uuid NOT NULL REFERENCES commerce.product,
        digest bytea NOT NULL REFERENCES commerce.picture,
        position smallint NOT NULL,
        alt jsonb NOT NULL CHECK (jsonb_typeof(alt) = 'object'),
        created_at timestamptz NOT NULL,
        UNIQUE (product, digest)
    )
    """,
    "CREATE INDEX product_picture_of ON commerce.product_picture (product, position)",
    "CREATE INDEX product_picture_shows ON commerce.product_picture (digest)",
    # what a product can be chosen by; a combination of values is an SKU
    """
    CREATE TABLE commerce.option_category (
        id uuid PRIMARY KEY,
        product uuid NOT NULL REFERENCES commerce.product,
        code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        position smallint NOT NULL,
        UNIQUE (product, code)
    )
    """,
    """
    CREATE TABLE commerce.option_value (
        id uuid PRIMARY KEY,
        category uuid NOT NULL REFERENCES commerce.option_category,
        code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        surcharge bigint NOT NULL DEFAULT 0 CHECK (surcharge >= 0),
        position smallint NOT NULL,
        UNIQUE (category, code),
        UNIQUE (id, category)
    )
    """,
    # one value of each category, which the database itself sees to
    """
    CREATE TABLE commerce.sku_option (
        sku text NOT NULL REFERENCES commerce.sku,
        category uuid NOT NULL,
        value uuid NOT NULL,
        PRIMARY KEY (sku, category),
        FOREIGN KEY (value, category) REFERENCES commerce.option_value (id, category)
    )
    """,
    "CREATE INDEX sku_option_of ON commerce.sku_option (value)",
)

DOWN = (
    "DROP TABLE commerce.sku_option",
    "DROP TABLE commerce.option_value",
    "DROP TABLE commerce.option_category",
    "DROP TABLE commerce.product_picture",
    "DROP TABLE commerce.picture",
    "ALTER TABLE commerce.product DROP COLUMN seller, DROP COLUMN category",
    "DROP TABLE commerce.category",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
