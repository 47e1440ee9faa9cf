"""The tables of the catalogue and of products' lives in schema `commerce`, as migrations 0080 and 0081 make them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from upstreams.commerce.storage.tables import metadata
from upstreams.trade.storage.tables import MOMENT

category = sa.Table(
    "category",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("parent", sa.Text),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
picture = sa.Table(
    "picture",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("media", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
)
product_picture = sa.Table(
    "product_picture",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.Column("alt", JSONB, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
)
option_category = sa.Table(
    "option_category",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("position", sa.SmallInteger, nullable=False),
)
option_value = sa.Table(
    "option_value",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("category", sa.Uuid, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("surcharge", sa.BigInteger, nullable=False),
    sa.Column("position", sa.SmallInteger, nullable=False),
)
sku_option = sa.Table(
    "sku_option",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("category", sa.Uuid, primary_key=True),
    sa.Column("value", sa.Uuid, nullable=False),
)
product_version = sa.Table(
    "product_version",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("snapshot", JSONB, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("created_by", sa.Uuid),
    sa.Column("released_at", MOMENT),
)
team_member = sa.Table(
    "team_member",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person", sa.Uuid),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("contact", sa.LargeBinary),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
)
product_team = sa.Table(
    "product_team",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("member", sa.Uuid, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("assigned_on", sa.Date, nullable=False),
    sa.Column("until", sa.Date),
)
