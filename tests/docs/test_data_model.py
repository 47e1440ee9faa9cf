"""The diagrams and the page of the data model are as they would be made, and say all of the source and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from cli.reference_erd import columns_in, diagrams, load_map
from cli.reference_schema import read_schemas
from cli.services import PROJECT
from config.connections import Database
from config.sections.engines import Role

SOURCE = {
    ("ProductType", "1"): "ProductTypeID ProductTypeName",
    ("Inventory", "1"): "InventoryID ProductID QuantityAvailable LastUpdated",
    ("RealTimeOrder", "1"): "OrderID ProductID CustomerID OrderDate Quantity OrderStatus",
    ("Product", "1"): "ProductID ProductName ProductDescription ProductCategory BasePrice ProductTypeID SellerType "
    "VendorID LaunchDate EndDate CurrentStatusID",
    ("Vendor", "1"): "VendorID VendorName ContactInfo",
    ("Order", "1"): "OrderID CustomerID OrderDate TotalAmount OrderStatus ShippingID",
    ("OrderItem", "1"): "OrderItemID OrderID ProductID Quantity Price VendorID",
    ("Shipping", "1"): "ShippingID ShippingMethod ShippingDate TrackingNumber VendorID",
    ("Payment", "1"): "PaymentID OrderID PaymentDate PaymentMethod PaymentStatus",
    ("ProductStatus", "1"): "StatusID StatusName StatusDescription",
    ("ProductLifecycleEvent", "1"): "EventID ProductID StatusID EventDate Notes",
    ("ProductVersion", "1"): "VersionID ProductID VersionNumber ReleaseDate VersionDescription",
    ("TeamMember", "1"): "TeamMemberID Name Role ContactInfo",
    ("ProductTeamAssignment", "1"): "AssignmentID ProductID TeamMemberID Role AssignedDate",
    ("OptionCategory", "1"): "OptionCategoryID OptionCategoryName ProductID",
    ("OptionValue", "1"): "OptionValueID OptionCategoryID OptionValueName",
    ("ProductOption", "1"): "ProductOptionID ProductID OptionValueID AdditionalPrice SKU QuantityAvailable",
    ("ProductInventory", "1"): "InventoryID ProductOptionID WarehouseLocation QuantityOnHand QuantityReserved "
    "QuantityAvailable",
    ("Product", "2"): "ProductID ProductName SaleType Price Stock",
    ("Reservation", "2"): "ReservationID ProductID ReservationDate CustomerID Quantity",
    ("RealTimeSale", "2"): "SaleID ProductID SaleDate CustomerID Quantity",
    ("VendorProduct", "2"): "VendorProductID VendorID ProductName Price Stock",
    ("Customer", "2"): "CustomerID",
    ("Order", "2"): "OrderID CustomerID OrderDate OrderType TotalAmount",
    ("OrderItem", "2"): "OrderItemID OrderID ProductID VendorProductID Quantity Price",
    ("OrderStatus", "2"): "StatusID StatusName",
    ("Payment", "2"): "PaymentID OrderID PaymentDate Amount PaymentMethod",
    ("ProductLifecycle", "2"): "LifecycleID ProductID Status StartDate EndDate",
    ("ProductOption", "2"): "OptionID ProductID OptionName",
    ("OptionValue", "2"): "ValueID OptionID ValueName",
    ("Inventory", "3"): "id name available_quantity version",
    ("Reservation", "3"): "id user_id inventory_id reserved_quantity status created_at",
    ("Cancellation", "3"): "id reservation_id cancellation_reason cancelled_at",
    ("User", "3"): "id name",
}
"""Every entity of the source and its fields, by the draft that has it."""


def test_every_entity_and_field_of_the_source_has_its_place() -> None:
    mapped = {
        (entity.name, entity.draft): " ".join(entity.fields) for model in load_map().model for entity in model.entity
    }
    assert mapped == SOURCE


def test_every_diagram_has_its_reasons() -> None:
    assert [model.id for model in load_map().model if len(" ".join(model.reason)) < 200] == []


async def test_what_is_drawn_and_said_is_what_there_is(database: Callable[[Role], Database]) -> None:
    owner = database("owner")
    async with owner.connect() as tx:
        schemas = await read_schemas(tx)
    columns = {
        f"{schema}.{table}.{column[0]}"
        for schema, found in schemas.items()
        for table, relation in found.relations.items()
        for column in relation.columns
    }
    models = load_map().model
    named = chain.from_iterable(
        columns_in(where) for model in models for one in model.entity for where in one.fields.values()
    )
    assert sorted(set(named) - columns) == []
    bare = [
        f"{one.name}.{field}"
        for model in models
        for one in model.entity
        for field, where in one.fields.items()
        if not columns_in(where)
    ]
    assert bare == [], "a derivation names the columns that it is made of"
    drawn = {name for model in models for row in model.rows for name in row if name}
    there = {f"{schema}.{table}" for schema in ("commerce", "reservation") for table in schemas[schema].relations}
    assert there - drawn == set(), "a table stands in no diagram: name it in docs/pictures/erd/map.toml"
    made = await diagrams(owner)
    stale = [name for name, text in made.items() if (PROJECT / "docs" / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make erd`"
