"""Commerce: products and their states, sellers and offers, stock and its movements, purchases.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    # what is sold: a type is a row with a strategy, a state is a row with its transitions
    """
    CREATE TABLE commerce.product_type (
        code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{0,31}$'),
        strategy text NOT NULL,
        name jsonb NOT NULL,
        attributes jsonb NOT NULL DEFAULT '{}'
    )
    """,
    """
    CREATE TABLE commerce.product_state (
        code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{0,31}$'),
        name jsonb NOT NULL,
        description jsonb NOT NULL,
        sellable boolean NOT NULL,
        position smallint NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE commerce.product_state_transition (
        from_state text NOT NULL REFERENCES commerce.product_state,
        to_state text NOT NULL REFERENCES commerce.product_state,
        PRIMARY KEY (from_state, to_state),
        CHECK (from_state <> to_state)
    )
    """,
    """
    CREATE TABLE commerce.product (
        id uuid PRIMARY KEY,
        code text NOT NULL UNIQUE,
        type text NOT NULL REFERENCES commerce.product_type,
        state text NOT NULL REFERENCES commerce.product_state,
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        description jsonb NOT NULL CHECK (jsonb_typeof(description) = 'object'),
        picture text NOT NULL,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        base_price bigint NOT NULL CHECK (base_price >= 0),
        attributes jsonb NOT NULL DEFAULT '{}',
        launched_at timestamptz,
        ended_at timestamptz,
        created_at timestamptz NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        CHECK (ended_at IS NULL OR launched_at IS NULL OR ended_at >= launched_at)
    )
    """,
    "CREATE INDEX product_state_of ON commerce.product (state, code)",
    """
    CREATE TABLE commerce.product_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        product uuid NOT NULL REFERENCES commerce.product,
        from_state text REFERENCES commerce.product_state,
        to_state text NOT NULL REFERENCES commerce.product_state,
        notes text NOT NULL DEFAULT '',
        actor uuid,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX product_event_of ON commerce.product_event (product, id)",
    """
    CREATE TABLE commerce.sku (
        code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{1,39}$'),
        product uuid NOT NULL REFERENCES commerce.product,
        option_key text NOT NULL DEFAULT '',
        price bigint CHECK (price >= 0),
        active boolean NOT NULL DEFAULT true,
        UNIQUE (product, option_key)
    )
    """,
    # who sells it: the house is a seller too
    """
    CREATE TABLE commerce.seller (
        id uuid PRIMARY KEY,
        code text NOT NULL UNIQUE,
        kind text NOT NULL CHECK (kind IN ('house', 'vendor')),
        organisation uuid UNIQUE,
        name jsonb NOT NULL,
        contact bytea,
        active boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE commerce.offer (
        id uuid PRIMARY KEY,
        seller uuid NOT NULL REFERENCES commerce.seller,
        sku text NOT NULL REFERENCES commerce.sku,
        price bigint CHECK (price >= 0),
        active boolean NOT NULL DEFAULT true,
        version bigint NOT NULL DEFAULT 1,
        UNIQUE (seller, sku)
    )
    """,
    "CREATE INDEX offer_of_sku ON commerce.offer (sku) WHERE active",
    # how many there are
    """
    CREATE TABLE commerce.warehouse (
        code text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
        seller uuid NOT NULL REFERENCES commerce.seller,
        name jsonb NOT NULL
    )
    """,
    "CREATE INDEX warehouse_of ON commerce.warehouse (seller, code)",
    """
    CREATE TABLE commerce.stock (
        sku text NOT NULL REFERENCES commerce.sku,
        warehouse text NOT NULL REFERENCES commerce.warehouse,
        on_hand integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
        held integer NOT NULL DEFAULT 0 CHECK (held >= 0),
        allocated integer NOT NULL DEFAULT 0 CHECK (allocated >= 0),
        version bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (sku, warehouse),
        CONSTRAINT never_oversold CHECK (held + allocated <= on_hand)
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE commerce.stock_movement (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sku text NOT NULL,
        warehouse text NOT NULL,
        kind text NOT NULL CHECK (kind IN
            ('receive', 'adjust', 'hold', 'release', 'expire', 'confirm', 'allocate', 'cancel', 'ship', 'return')),
        cause text NOT NULL,
        on_hand integer NOT NULL DEFAULT 0,
        held integer NOT NULL DEFAULT 0,
        allocated integer NOT NULL DEFAULT 0,
        at timestamptz NOT NULL,
        FOREIGN KEY (sku, warehouse) REFERENCES commerce.stock,
        CONSTRAINT one_movement_per_cause UNIQUE (cause, kind, sku, warehouse)
    )
    """,
    "CREATE INDEX stock_movement_of ON commerce.stock_movement (sku, warehouse, id)",
    """
    CREATE TABLE commerce.hold (
        id uuid PRIMARY KEY,
        person uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('held', 'confirmed', 'released', 'expired')),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        CHECK ((state = 'held') = (ended_at IS NULL)),
        CHECK (expires_at > created_at)
    )
    """,
    "CREATE INDEX hold_to_expire ON commerce.hold (expires_at) WHERE state = 'held'",
    """
    CREATE TABLE commerce.hold_line (
        hold uuid NOT NULL REFERENCES commerce.hold,
        sku text NOT NULL,
        warehouse text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (hold, sku, warehouse),
        FOREIGN KEY (sku, warehouse) REFERENCES commerce.stock
    )
    """,
    # what was bought: one purchase, one order per seller, lines
    """
    CREATE TABLE commerce.purchase (
        id uuid PRIMARY KEY,
        person uuid NOT NULL,
        organisation uuid,
        kind text NOT NULL REFERENCES commerce.product_type,
        hold uuid UNIQUE REFERENCES commerce.hold,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        total bigint NOT NULL CHECK (total >= 0),
        placed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX purchase_of ON commerce.purchase (person, placed_at DESC)",
    """
    CREATE TABLE commerce.seller_order (
        id uuid PRIMARY KEY,
        purchase uuid NOT NULL REFERENCES commerce.purchase,
        seller uuid NOT NULL REFERENCES commerce.seller,
        state text NOT NULL CHECK (state IN ('received', 'paid', 'preparing', 'shipping', 'completed', 'cancelled')),
        goods bigint NOT NULL CHECK (goods >= 0),
        shipping bigint NOT NULL DEFAULT 0 CHECK (shipping >= 0),
        UNIQUE (purchase, seller)
    )
    """,
    "CREATE INDEX seller_order_of_seller ON commerce.seller_order (seller, state)",
    """
    CREATE TABLE commerce.order_line (
        seller_order uuid NOT NULL REFERENCES commerce.seller_order,
        offer uuid NOT NULL REFERENCES commerce.offer,
        sku text NOT NULL,
        warehouse text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        unit_price bigint NOT NULL CHECK (unit_price >= 0),
        name jsonb NOT NULL,
        PRIMARY KEY (seller_order, sku, warehouse),
        FOREIGN KEY (sku, warehouse) REFERENCES commerce.stock
    )
    """,
    """
    CREATE TABLE commerce.order_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        seller_order uuid NOT NULL REFERENCES commerce.seller_order,
        from_state text,
        to_state text NOT NULL,
        actor uuid,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX order_event_of ON commerce.order_event (seller_order, id)",
    """
    CREATE TABLE commerce.idempotency (
        person uuid NOT NULL,
        key text NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
        digest bytea NOT NULL CHECK (octet_length(digest) = 32),
        result uuid,
        refusal text,
        at timestamptz NOT NULL,
        PRIMARY KEY (person, key),
        CHECK (result IS NULL OR refusal IS NULL)
    )
    """,
    "CREATE INDEX idempotency_age ON commerce.idempotency (at)",
    # what is written once stays as it was written
    "REVOKE UPDATE, DELETE, TRUNCATE ON commerce.stock_movement, commerce.product_event, commerce.order_event "
    "FROM munjigi_commerce",
    """
    INSERT INTO commerce.product_type (code, strategy, name) VALUES
        ('sale', 'real_time_sale', '{"ko": "실시간 판매", "en": "Real-time sale"}'),
        ('reservation', 'reservation', '{"ko": "예약", "en": "Reservation"}')
    """,
    """
    INSERT INTO commerce.product_state (code, position, sellable, name, description) VALUES
        ('planning', 1, false, '{"ko": "기획 중", "en": "Planning"}',
            '{"ko": "무엇을 누구에게 팔지 정하고 있어요.", "en": "What to sell, and to whom, is being decided."}'),
        ('development', 2, false, '{"ko": "개발 중", "en": "In development"}',
            '{"ko": "상품을 만들고 있어요.", "en": "The product is being made."}'),
        ('testing', 3, false, '{"ko": "테스트 중", "en": "In testing"}',
            '{"ko": "만든 상품을 시험하고 있어요.", "en": "What was made is being tried."}'),
        ('ready', 4, false, '{"ko": "출시 대기", "en": "Ready for launch"}',
            '{"ko": "출시 버전이 정해졌어요.", "en": "The version to launch is recorded."}'),
        ('on_sale', 5, true, '{"ko": "판매 중", "en": "On sale"}',
            '{"ko": "지금 살 수 있어요.", "en": "It can be bought now."}'),
        ('suspended', 6, false, '{"ko": "판매 중지", "en": "Suspended"}',
            '{"ko": "잠시 팔지 않아요.", "en": "It is not sold for the time being."}'),
        ('discontinued', 7, false, '{"ko": "판매 종료", "en": "Discontinued"}',
            '{"ko": "더는 팔지 않아요.", "en": "It is no longer sold."}')
    """,
    """
    INSERT INTO commerce.product_state_transition (from_state, to_state) VALUES
        ('planning', 'development'), ('planning', 'discontinued'),
        ('development', 'testing'), ('development', 'planning'), ('development', 'discontinued'),
        ('testing', 'ready'), ('testing', 'development'), ('testing', 'discontinued'),
        ('ready', 'on_sale'), ('ready', 'testing'), ('ready', 'discontinued'),
        ('on_sale', 'suspended'), ('on_sale', 'discontinued'),
        ('suspended', 'on_sale'), ('suspended', 'discontinued')
    """,
)

TABLES = (
    "idempotency", "order_event", "order_line", "seller_order", "purchase", "hold_line", "hold", "stock_movement",
    "stock", "warehouse", "offer", "seller", "sku", "product_event", "product", "product_state_transition",
    "product_state", "product_type",
)  # fmt: skip


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE commerce.{table}")
