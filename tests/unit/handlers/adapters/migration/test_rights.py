"""handlers/adapters/migration/rights.py: the service gets what its statements need, no more."""

from __future__ import annotations

import re

from handlers.adapters.migration.rights import NEEDED, TABLES
from tests.support.paths import ROOT

STATEMENTS = {
    file.name: re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
    for file in (ROOT / "handlers" / "adapters" / "mysql" / "sql").glob("*.sql")
}


def needed() -> set[tuple[str, str]]:
    """Return each right that a statement needs, with its table."""
    found = set()
    for text in STATEMENTS.values():
        for table in re.findall(r"\bINSERT INTO\s+(\w+)", text):
            found |= {("INSERT", table)}
            if "ON DUPLICATE KEY UPDATE" in text:
                found |= {("UPDATE", table), ("SELECT", table)}
        found |= {("UPDATE", table) for table in changed(text)}
        found |= {("DELETE", table) for table in re.findall(r"\bDELETE FROM\s+(\w+)", text)}
        read = set(re.findall(r"\b(?:FROM|JOIN|UPDATE)\s+(\w+)", text))
        found |= {("SELECT", table) for table in read & set(TABLES)}
    return found


def changed(text: str) -> set[str]:
    """Return the tables that a statement updates: of several, those whose columns it sets."""
    if not (first := re.match(r"\s*UPDATE\s+(\w+)", text)):
        return set()
    if first[1] != "JSON_TABLE":
        return {first[1]}
    tables = {alias: table for table, alias in re.findall(r"JOIN\s+(\w+)\s+AS\s+(\w+)", text)}
    return {
        tables[alias] for alias in re.findall(r"^(?:SET|   )\s*(\w+)\.\w+ = ", text, re.MULTILINE)
    }


def test_the_service_gets_the_rights_that_its_statements_need_and_no_other() -> None:
    assert needed() == {(right, table) for table in TABLES for right in NEEDED}


def test_every_table_of_the_schema_is_one_of_the_services() -> None:
    schema = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "infra" / "schema").glob("*.sql")
    )
    assert set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", schema)) == set(TABLES)
