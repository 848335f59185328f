"""Where a file of SQL is cut into statements."""

import pytest

from shared.runtime.migration_env import statements


@pytest.mark.parametrize(
    "one",
    [
        "SELECT 1",
        "SELECT 'a; b', 'it''s; c'",
        "-- it isn't; over\nSELECT 1",
        "CREATE FUNCTION f() AS $$ BEGIN RAISE 'x; %', 1; END $$",
        "CREATE FUNCTION f() AS $body$ SELECT $$;$$; SELECT 2; $body$ LANGUAGE sql",
        "SELECT a - 1, $1",
    ],
)
def test_a_statement_keeps_the_semicolons_inside_it(one: str) -> None:
    assert list(statements(f"{one};\n\n{one};\n")) == [one, one]


def test_an_end_without_a_statement_is_none() -> None:
    assert list(statements("SELECT 1;\n\n")) == ["SELECT 1"]
