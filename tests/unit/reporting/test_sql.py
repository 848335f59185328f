"""How rows and values reach the driver."""

from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.store.sql import BIG, INT, TEXT, Statement

STATEMENT = Statement(
    {"kept": {"a": TEXT, "b": BIG}, "dropped": {"c": TEXT}},
    "INSERT INTO t SELECT {shard}, kept.* FROM {kept} WHERE a NOT IN (SELECT c FROM {dropped}) AND {shard} > 0",
    shard=INT,
)


class Driver:
    """Keeps what it is given."""

    async def exec_driver_sql(self, text: str, values: tuple[Any, ...]) -> None:
        self.given = text, values


async def test_a_kind_of_rows_is_a_table_and_a_value_keeps_its_place() -> None:
    driver = Driver()
    await STATEMENT.execute(cast(AsyncConnection, driver), {"kept": [("x", 1), ("y", 2)], "dropped": [("z",)]}, shard=7)
    text, values = driver.given
    assert text == (
        "INSERT INTO t SELECT $4::integer, kept.* FROM unnest($1::text[], $2::bigint[]) AS kept (a, b) "
        "WHERE a NOT IN (SELECT c FROM unnest($3::text[]) AS dropped (c)) AND $4::integer > 0"
    )
    assert values == (["x", "y"], [1, 2], ["z"], 7)


async def test_a_kind_without_rows_is_null() -> None:
    driver = Driver()
    await STATEMENT.execute(cast(AsyncConnection, driver), {"dropped": []}, shard=7)
    assert driver.given[1] == (None, None, None, 7)
