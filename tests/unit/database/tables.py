"""Tables as values, for tests that need no server."""

from __future__ import annotations

from pipeline.database.schema import Column, Index, Table


def column(name: str, kind: str = "int(11)", *, nullable: bool = True, generated: bool = False) -> Column:
    data_type = kind.partition("(")[0].partition(" ")[0]
    letters = data_type in {"varchar", "text", "char"}
    definition = f"`{name}` {kind}{' DEFAULT NULL' if nullable else ' NOT NULL'}"
    charset, collation = ("utf8mb4", "utf8mb4_general_ci") if letters else (None, None)
    return Column(name, kind, data_type, nullable, None, "", generated, charset, collation, 1, definition)


def table(name: str, *columns: Column, key: tuple[str, ...] = (), options: str = "ENGINE=InnoDB") -> Table:
    primary = Index("PRIMARY", key, unique=True, whole=True, definition=f"PRIMARY KEY ({', '.join(key)})")
    lines = [item.definition for item in columns] + ([primary.definition] if key else [])
    body = ",\n".join(f"  {line}" for line in lines)
    create = f"CREATE TABLE `{name}` (\n{body}\n) {options}"
    return Table(name, create, columns, key, (primary,) if key else (), engine="InnoDB")
