"""The order half of commerce: sellers and their terms, carts, delivery, parcels, what was sent back, money with its
ledger, invoices, payouts.

Revision ID: 0084
Revises: 0083
"""

from __future__ import annotations

from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None

SELLERS = (
    """
    CREATE TABLE commerce.seller_application (
        id uuid PRIMARY KEY,
        person uuid NOT NULL,
        organisation uuid,
        code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        contact bytea NOT NULL,
        state text NOT NULL CHECK (state IN ('applied', 'approved', 'refused')),
        applied_at timestamptz NOT NULL,
        decided_at timestamptz,
        decided_by uuid,
        reason text NOT NULL CHECK (length(reason) <= 500),
        seller uuid UNIQUE REFERENCES commerce.seller,
        version bigint NOT NULL,
        CHECK ((state = 'applied') = (decided_at IS NULL)),
        CHECK ((state = 'approved') = (seller IS NOT NULL))
    )
    """,
    "COMMENT ON COLUMN commerce.seller_application.contact IS 'sealed: who they are and how they are reached'",
    "CREATE UNIQUE INDEX one_application_at_a_time ON commerce.seller_application (person) WHERE state = 'applied'",
    "CREATE UNIQUE INDEX seller_application_code ON commerce.seller_application (code) WHERE state <> 'refused'",
    "CREATE INDEX seller_application_of ON commerce.seller_application (state, applied_at, id)",
    """
    CREATE TABLE commerce.seller_member (
        seller uuid NOT NULL REFERENCES commerce.seller,
        person uuid NOT NULL,
        since timestamptz NOT NULL,
        PRIMARY KEY (seller, person)
    )
    """,
    "CREATE INDEX seller_member_of ON commerce.seller_member (person)",
    """
    CREATE TABLE commerce.seller_terms (
        seller uuid PRIMARY KEY REFERENCES commerce.seller,
        commission integer NOT NULL CHECK (commission BETWEEN 0 AND 10000),
        version bigint NOT NULL
    )
    """,
    "COMMENT ON COLUMN commerce.seller_terms.commission IS 'basis points of the goods, from the next order on'",
    # how a seller delivers and what that costs: flat, free above a sum, by weight, by region
    """
    CREATE TABLE commerce.shipping_region (
        code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{0,31}$'),
        name jsonb NOT NULL
    )
    """,
    """
    CREATE TABLE commerce.shipping_region_postcode (
        region text NOT NULL REFERENCES commerce.shipping_region,
        first char(5) NOT NULL CHECK (first ~ '^[0-9]{5}$'),
        last char(5) NOT NULL CHECK (last ~ '^[0-9]{5}$'),
        PRIMARY KEY (region, first),
        CHECK (first <= last)
    )
    """,
    """
    CREATE TABLE commerce.shipping_method (
        seller uuid NOT NULL REFERENCES commerce.seller,
        code text NOT NULL CHECK (code ~ '^[a-z][a-z_]{0,31}$'),
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        days_min smallint NOT NULL CHECK (days_min >= 0),
        days_max smallint NOT NULL CHECK (days_max BETWEEN days_min AND 90),
        position smallint NOT NULL,
        active boolean NOT NULL,
        PRIMARY KEY (seller, code)
    )
    """,
    """
    CREATE TABLE commerce.shipping_rule (
        seller uuid NOT NULL,
        method text NOT NULL,
        region text REFERENCES commerce.shipping_region,
        from_grams integer NOT NULL CHECK (from_grams >= 0),
        fee bigint NOT NULL CHECK (fee >= 0),
        free_from bigint CHECK (free_from > 0),
        FOREIGN KEY (seller, method) REFERENCES commerce.shipping_method,
        CONSTRAINT one_rule_for_a_parcel UNIQUE NULLS NOT DISTINCT (seller, method, region, from_grams)
    )
    """,
    "COMMENT ON COLUMN commerce.shipping_rule.region IS 'NULL: wherever no other rule of the method is for'",
    """
    CREATE TABLE commerce.sku_weight (
        sku text PRIMARY KEY REFERENCES commerce.sku,
        grams integer NOT NULL CHECK (grams > 0)
    )
    """,
    """
    INSERT INTO commerce.shipping_region (code, name) VALUES
        ('jeju', '{"ko": "제주", "en": "Jeju"}'),
        ('island', '{"ko": "도서 산간", "en": "Remote islands"}')
    """,
    """
    INSERT INTO commerce.shipping_region_postcode (region, first, last) VALUES
        ('jeju', '63000', '63644'), ('island', '40200', '40240'), ('island', '23100', '23136'),
        ('island', '53031', '53033'), ('island', '58760', '58762'), ('island', '58800', '58866'),
        ('island', '59781', '59790')
    """,
)
ORDERS = (
    """
    CREATE TABLE commerce.cart (
        id uuid PRIMARY KEY,
        person uuid UNIQUE,
        version bigint NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN commerce.cart.person IS 'NULL: of a guest, who has its id in a sealed cookie'",
    "CREATE INDEX cart_age ON commerce.cart (updated_at) WHERE person IS NULL",
    """
    CREATE TABLE commerce.cart_item (
        cart uuid NOT NULL REFERENCES commerce.cart ON DELETE CASCADE,
        offer uuid NOT NULL REFERENCES commerce.offer,
        quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
        added_at timestamptz NOT NULL,
        PRIMARY KEY (cart, offer)
    )
    """,
    """
    ALTER TABLE commerce.purchase
        ADD COLUMN number text UNIQUE CHECK (number ~ '^[0-9]{6}-[0-9A-Z]{6}$'),
        ADD COLUMN state text NOT NULL DEFAULT 'received'
            CHECK (state IN ('received', 'paid', 'released', 'cancelled')),
        ADD COLUMN method text NOT NULL DEFAULT 'card' CHECK (method IN ('card', 'wallet', 'transfer')),
        ADD COLUMN locale text NOT NULL DEFAULT 'ko' CHECK (locale IN ('ko', 'en')),
        ADD COLUMN destination bytea,
        ADD COLUMN version bigint NOT NULL DEFAULT 1
    """,
    "COMMENT ON COLUMN commerce.purchase.destination IS 'sealed: to whom, where, and how they are reached'",
    """
    ALTER TABLE commerce.seller_order
        ADD COLUMN method text NOT NULL DEFAULT 'pickup',
        ADD COLUMN commission bigint NOT NULL DEFAULT 0 CHECK (commission >= 0 AND commission <= goods),
        ADD COLUMN due_from date,
        ADD COLUMN due_until date,
        ADD COLUMN completed_at timestamptz,
        ADD COLUMN shipping_back bigint NOT NULL DEFAULT 0,
        ADD COLUMN version bigint NOT NULL DEFAULT 1,
        ADD CHECK (shipping_back BETWEEN 0 AND shipping),
        ADD CHECK (due_until >= due_from)
    """,
    "CREATE INDEX seller_order_page ON commerce.seller_order (seller, id DESC)",
    """
    ALTER TABLE commerce.order_line
        ADD COLUMN shipped integer NOT NULL DEFAULT 0 CHECK (shipped >= 0),
        ADD COLUMN cancelled integer NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
        ADD COLUMN returned integer NOT NULL DEFAULT 0 CHECK (returned >= 0),
        ADD CONSTRAINT not_more_than_ordered CHECK (shipped + cancelled <= quantity),
        ADD CONSTRAINT not_more_than_shipped CHECK (returned <= shipped)
    """,
    """
    ALTER TABLE commerce.order_event
        ADD COLUMN kind text NOT NULL DEFAULT 'order' CHECK (kind IN ('order', 'shipment', 'cancellation')),
        ADD COLUMN subject uuid,
        ADD COLUMN note text NOT NULL DEFAULT '' CHECK (length(note) <= 500)
    """,
    """
    CREATE TABLE commerce.shipment (
        id uuid PRIMARY KEY,
        seller_order uuid NOT NULL REFERENCES commerce.seller_order,
        state text NOT NULL CHECK (state IN ('shipped', 'in_transit', 'delivered', 'lost')),
        carrier text NOT NULL CHECK (length(carrier) BETWEEN 1 AND 40),
        tracking text NOT NULL CHECK (length(tracking) <= 40),
        shipped_at timestamptz NOT NULL,
        delivered_at timestamptz,
        CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
    )
    """,
    "CREATE INDEX shipment_of ON commerce.shipment (seller_order, shipped_at)",
    """
    CREATE TABLE commerce.shipment_line (
        shipment uuid NOT NULL REFERENCES commerce.shipment,
        sku text NOT NULL,
        warehouse text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (shipment, sku, warehouse)
    )
    """,
    """
    CREATE TABLE commerce.cancellation (
        id uuid PRIMARY KEY,
        seller_order uuid NOT NULL REFERENCES commerce.seller_order,
        person uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('cancel', 'return')),
        state text NOT NULL CHECK (state IN ('requested', 'accepted', 'refused', 'done')),
        reason text NOT NULL CHECK (length(reason) <= 500),
        goods bigint NOT NULL CHECK (goods >= 0),
        shipping bigint NOT NULL CHECK (shipping >= 0),
        commission bigint NOT NULL CHECK (commission BETWEEN 0 AND goods),
        requested_at timestamptz NOT NULL,
        done_at timestamptz,
        CHECK (kind = 'return' OR state = 'done'),
        CHECK ((state = 'done') = (done_at IS NOT NULL))
    )
    """,
    "CREATE INDEX cancellation_of ON commerce.cancellation (seller_order, requested_at)",
    "CREATE UNIQUE INDEX one_return_at_a_time ON commerce.cancellation (seller_order) "
    "WHERE state IN ('requested', 'accepted')",
    """
    CREATE TABLE commerce.cancellation_line (
        cancellation uuid NOT NULL REFERENCES commerce.cancellation,
        sku text NOT NULL,
        warehouse text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (cancellation, sku, warehouse)
    )
    """,
    """
    CREATE TABLE commerce.feedback (
        seller_order uuid PRIMARY KEY REFERENCES commerce.seller_order,
        person uuid NOT NULL,
        stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
        words text NOT NULL CHECK (length(words) <= 1000),
        at timestamptz NOT NULL
    )
    """,
)
PAYMENTS = (
    """
    CREATE TABLE commerce.payment (
        id uuid PRIMARY KEY,
        subject uuid NOT NULL REFERENCES commerce.purchase,
        person uuid NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0),
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        name text NOT NULL CHECK (length(name) <= 200),
        provider text NOT NULL,
        state text NOT NULL CHECK (state IN ('created', 'confirming', 'unknown', 'captured', 'voiding', 'failed')),
        reference text NOT NULL CHECK (length(reference) <= 300),
        captured bigint NOT NULL CHECK (captured >= 0),
        given_back bigint NOT NULL CHECK (given_back BETWEEN 0 AND captured),
        failure text NOT NULL CHECK (length(failure) <= 80),
        attempts integer NOT NULL CHECK (attempts >= 0),
        dead boolean NOT NULL,
        next_attempt_at timestamptz,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        CHECK ((state = 'captured') = (captured > 0)),
        CHECK (state NOT IN ('captured', 'failed') OR next_attempt_at IS NULL),
        CHECK ((state IN ('voiding', 'failed')) = (failure <> ''))
    )
    """,
    "COMMENT ON COLUMN commerce.payment.given_back IS 'what is or was to be refunded; never more than was taken'",
    "CREATE UNIQUE INDEX one_payment_at_a_time ON commerce.payment (subject) WHERE state NOT IN ('voiding', 'failed')",
    "CREATE INDEX payment_of ON commerce.payment (subject, created_at DESC)",
    "CREATE INDEX payment_due ON commerce.payment (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX payment_dead ON commerce.payment (created_at) WHERE dead",
    """
    CREATE TABLE commerce.refund (
        id uuid PRIMARY KEY,
        payment uuid NOT NULL REFERENCES commerce.payment,
        cause text NOT NULL CHECK (cause IN ('cancelled', 'too_late', 'unwanted', 'wrong_amount')),
        of uuid REFERENCES commerce.cancellation,
        amount bigint NOT NULL CHECK (amount > 0),
        state text NOT NULL CHECK (state IN ('requested', 'sent', 'succeeded', 'failed', 'unknown')),
        reference text NOT NULL CHECK (length(reference) <= 300),
        failure text NOT NULL CHECK (length(failure) <= 80),
        attempts integer NOT NULL CHECK (attempts >= 0),
        dead boolean NOT NULL,
        next_attempt_at timestamptz,
        requested_at timestamptz NOT NULL,
        CHECK ((cause = 'cancelled') = (of IS NOT NULL)),
        CHECK (state NOT IN ('succeeded', 'failed') OR next_attempt_at IS NULL),
        CONSTRAINT one_refund_of_a_cancellation UNIQUE (of)
    )
    """,
    "CREATE UNIQUE INDEX one_refund_of_a_cause ON commerce.refund (payment, cause) WHERE of IS NULL",
    "CREATE INDEX refund_of ON commerce.refund (payment, requested_at)",
    "CREATE INDEX refund_due ON commerce.refund (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX refund_dead ON commerce.refund (requested_at) WHERE dead OR state = 'failed'",
    """
    CREATE TABLE commerce.money_movement (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payment uuid NOT NULL REFERENCES commerce.payment,
        cause uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('capture', 'refund')),
        amount bigint NOT NULL CHECK (amount <> 0 AND (amount > 0) = (kind = 'capture')),
        reference text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT money_moves_once UNIQUE (cause)
    )
    """,
    "CREATE INDEX money_movement_of ON commerce.money_movement (payment, id)",
    """
    CREATE TABLE commerce.payment_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payment uuid NOT NULL REFERENCES commerce.payment,
        refund uuid REFERENCES commerce.refund,
        from_state text,
        to_state text NOT NULL,
        why text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX payment_event_of ON commerce.payment_event (payment, id)",
    """
    CREATE TABLE commerce.webhook (
        provider text NOT NULL,
        event text NOT NULL CHECK (length(event) <= 80),
        at timestamptz NOT NULL,
        PRIMARY KEY (provider, event)
    )
    """,
    "CREATE INDEX webhook_age ON commerce.webhook (at)",
    # what comes and goes by bank is known to whoever reads the account: they write it here, and it is looked at as a
    # provider's answer is
    """
    CREATE TABLE commerce.deposit (
        payment uuid PRIMARY KEY REFERENCES commerce.payment,
        amount bigint NOT NULL CHECK (amount > 0),
        reference text NOT NULL UNIQUE CHECK (length(reference) BETWEEN 1 AND 80),
        noted_by uuid NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE commerce.bank_refund (
        key uuid PRIMARY KEY,
        payment uuid NOT NULL REFERENCES commerce.payment,
        amount bigint NOT NULL CHECK (amount > 0),
        asked_at timestamptz NOT NULL,
        reference text CHECK (length(reference) BETWEEN 1 AND 80),
        sent_by uuid,
        sent_at timestamptz,
        CHECK ((reference IS NULL) = (sent_at IS NULL))
    )
    """,
    "CREATE INDEX bank_refund_of ON commerce.bank_refund (payment)",
)
LEDGER = (
    """
    CREATE TABLE commerce.ledger_transaction (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN
            ('sale', 'unearned', 'earned', 'cancelled', 'returned', 'refunded', 'paid_out')),
        cause uuid NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT booked_once UNIQUE (kind, cause)
    )
    """,
    """
    CREATE TABLE commerce.ledger_entry (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        transaction uuid NOT NULL REFERENCES commerce.ledger_transaction,
        account text NOT NULL CHECK (account IN
            ('provider', 'bank', 'commission', 'customers', 'pending', 'payable')),
        seller uuid REFERENCES commerce.seller,
        amount bigint NOT NULL CHECK (amount <> 0),
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        at timestamptz NOT NULL,
        CHECK ((seller IS NOT NULL) = (account IN ('pending', 'payable')))
    )
    """,
    "COMMENT ON COLUMN commerce.ledger_entry.amount IS 'debit positive, credit negative, in minor units'",
    "CREATE INDEX ledger_entry_of ON commerce.ledger_entry (transaction)",
    "CREATE INDEX ledger_entry_account ON commerce.ledger_entry (account, seller, at) INCLUDE (amount)",
    """
    CREATE FUNCTION commerce.ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM commerce.ledger_entry WHERE transaction = NEW.transaction
                   GROUP BY currency HAVING sum(amount) <> 0) THEN
            RAISE EXCEPTION 'the entries of % do not sum to 0', NEW.transaction USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER sums_to_zero AFTER INSERT ON commerce.ledger_entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commerce.ledger_is_balanced()
    """,
    """
    CREATE TABLE commerce.payout (
        id uuid PRIMARY KEY,
        seller uuid NOT NULL REFERENCES commerce.seller,
        period date NOT NULL CHECK (extract(day FROM period) = 1),
        amount bigint NOT NULL CHECK (amount > 0),
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        made_at timestamptz NOT NULL,
        made_by uuid,
        CONSTRAINT one_payout_of_a_period UNIQUE (seller, period, currency)
    )
    """,
    "COMMENT ON COLUMN commerce.payout.period IS 'the first day of the month, in Seoul'",
    """
    CREATE TABLE commerce.invoice (
        id uuid PRIMARY KEY,
        seller_order uuid NOT NULL REFERENCES commerce.seller_order,
        number bigint NOT NULL,
        seller uuid NOT NULL REFERENCES commerce.seller,
        cause uuid NOT NULL UNIQUE,
        supply bigint NOT NULL,
        vat bigint NOT NULL,
        total bigint NOT NULL,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        issued_at timestamptz NOT NULL,
        UNIQUE (seller, number),
        CHECK (supply + vat = total)
    )
    """,
    "COMMENT ON COLUMN commerce.invoice.total IS 'negative: what was invoiced before is taken back by so much'",
    "CREATE INDEX invoice_of ON commerce.invoice (seller_order, number)",
)
RIGHTS = (
    "REVOKE UPDATE, DELETE, TRUNCATE ON commerce.money_movement, commerce.payment_event, commerce.ledger_transaction, "
    "commerce.ledger_entry, commerce.invoice, commerce.payout, commerce.shipment_line, commerce.cancellation_line, "
    "commerce.feedback, commerce.deposit FROM munjigi_commerce",
    "REVOKE DELETE, TRUNCATE ON commerce.payment, commerce.refund, commerce.purchase, commerce.seller_order, "
    "commerce.shipment, commerce.cancellation, commerce.bank_refund FROM munjigi_commerce",
    # a confirmation goes by text where the person named a number
    "GRANT INSERT (channel) ON notifications.message TO munjigi_commerce",
    "GRANT INSERT ON events.outbox TO munjigi_commerce",
    "CREATE POLICY munjigi_commerce_tells ON events.outbox FOR INSERT TO munjigi_commerce WITH CHECK (topic = 'order')",
)
TABLES = (
    "invoice", "payout", "ledger_entry", "ledger_transaction", "bank_refund", "deposit", "webhook", "payment_event",
    "money_movement", "refund", "payment", "feedback", "cancellation_line", "cancellation", "shipment_line", "shipment",
    "cart_item", "cart", "sku_weight", "shipping_rule", "shipping_method", "shipping_region_postcode",
    "shipping_region", "seller_terms", "seller_member", "seller_application",
)  # fmt: skip
UNDONE = (
    "DROP POLICY munjigi_commerce_tells ON events.outbox",
    "REVOKE INSERT ON events.outbox FROM munjigi_commerce",
    "REVOKE INSERT (channel) ON notifications.message FROM munjigi_commerce",
    *(f"DROP TABLE commerce.{table}" for table in TABLES),
    "DROP FUNCTION commerce.ledger_is_balanced",
    "ALTER TABLE commerce.order_event DROP COLUMN kind, DROP COLUMN subject, DROP COLUMN note",
    "ALTER TABLE commerce.order_line DROP COLUMN shipped, DROP COLUMN cancelled, DROP COLUMN returned",
    "ALTER TABLE commerce.seller_order DROP COLUMN method, DROP COLUMN commission, DROP COLUMN due_from, "
    "DROP COLUMN due_until, DROP COLUMN completed_at, DROP COLUMN shipping_back, DROP COLUMN version",
    "DROP INDEX commerce.seller_order_page",
    "ALTER TABLE commerce.purchase DROP COLUMN number, DROP COLUMN state, DROP COLUMN method, DROP COLUMN locale, "
    "DROP COLUMN destination, DROP COLUMN version",
    "GRANT DELETE ON commerce.purchase, commerce.seller_order TO munjigi_commerce",
)


def upgrade() -> None:
    for statement in (*SELLERS, *ORDERS, *PAYMENTS, *LEDGER, *RIGHTS):
        op.execute(statement)


def downgrade() -> None:
    for statement in UNDONE:
        op.execute(statement)
