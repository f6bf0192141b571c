"""Inserting and changing many rows by few statements.

`executemany` gives up the interpreter lock once a row: beside a busy event loop 500 rows then take
400 ms instead of 2. One statement with many rows gives it up once.
Source: docs/decisions/0061-hand-written-statements.md (measured).
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import msgspec

from gatewayz.store.sql.statements import Marks, Statements

__all__ = ["RowUpdate", "insert_rows", "update_rows"]

LARGEST: Final = 128
STEP: Final = 16
"""Rows of a statement: up to this any number, then whole multiples; two statements do for a group, and
the texts are few enough for prepared statements to be found again."""
TEXTS: Final = 512


def insert_rows(
    statements: Statements, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], ending: str = ""
) -> None:
    """Insert rows whose values stand in the order of `columns`; the names are our own, never input.

    :param ending: what follows the values, such as ` ON CONFLICT ...`.
    """
    start = 0
    while size := _size(len(rows) - start):
        values = tuple(chain.from_iterable(rows[start : start + size]))
        statements.change(_statement(table, columns, size, statements.marks) + ending, values)
        start += size


@lru_cache(maxsize=TEXTS)
def _statement(table: str, columns: tuple[str, ...], rows: int, marks: Marks) -> str:
    width = len(columns)
    if marks == "?":
        values = ", ".join(["(" + ", ".join("?" * width) + ")"] * rows)
    else:
        numbered = [f"${number}" for number in range(1, rows * width + 1)]
        values = ", ".join("(" + ", ".join(numbered[i : i + width]) + ")" for i in range(0, rows * width, width))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}"  # noqa: S608  (names of ours)


class RowUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are changed by a table of integers.

    `match` ties `t`, the table, to `v`, the values (`t.id = v.id`); `assignments` says what to set
    (`n = t.n + v.n`). All text is our own, never input.
    """

    table: str
    columns: tuple[str, ...]
    """Names of the values."""
    match: str
    assignments: str


def update_rows(statements: Statements, update: RowUpdate, rows: Sequence[Sequence[int | None]]) -> int:
    """Change a row for each of `rows`, integers in the order of the columns; return how many were matched."""
    matched = start = 0
    while size := _size(len(rows) - start):
        values = tuple(chain.from_iterable(rows[start : start + size]))
        matched += statements.change(_update(update, size, statements.marks), values)
        start += size
    return matched


def _size(left: int) -> int:
    return left if left < STEP else min(left, LARGEST) // STEP * STEP


@lru_cache(maxsize=TEXTS)
def _update(update: RowUpdate, rows: int, marks: Marks) -> str:
    width = len(update.columns)
    if marks == "?":
        one = "SELECT " + ", ".join(f"? AS {column}" for column in update.columns)
        rest = " UNION ALL SELECT " + ", ".join("?" * width)
        values = f"({one}{rest * (rows - 1)}) AS v"
    else:
        numbered = [f"${number}::bigint" for number in range(1, rows * width + 1)]
        tuples = ", ".join("(" + ", ".join(numbered[i : i + width]) + ")" for i in range(0, rows * width, width))
        values = f"(VALUES {tuples}) AS v ({', '.join(update.columns)})"
    return f"UPDATE {update.table} AS t SET {update.assignments} FROM {values} WHERE {update.match}"  # noqa: S608
