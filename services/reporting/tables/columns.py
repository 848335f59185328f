"""What tables are made of: kinds of columns, each with its meaning, and where they are collected."""

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def key(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, comment=comment)


def must(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def may(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True, comment=comment)


def minor(name: str, comment: str) -> sa.Column[Any]:
    return must(name, sa.BigInteger, comment)


def count(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0", comment=comment)
