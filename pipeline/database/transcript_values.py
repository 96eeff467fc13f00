"""How a value of each type is printed as SQL, inside the server that is read."""

from __future__ import annotations

from pipeline.database.mask_expressions import BYTES, Field

_GEOMETRY = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
    | {"geometrycollection", "geomcollection"}
)
NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"})
TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
FLOATS = frozenset({"float", "double"})


def value(field: Field, expression: str) -> str:
    """An expression for the SQL literal of ``expression``, a value of the column ``field``, exactly."""
    if field.type in NUMBERS:
        return f"IFNULL({expression},'NULL')"
    if field.type in FLOATS:
        return f"IFNULL({expression}+0e0,'NULL')"  # a FLOAT as such prints six digits only
    if field.type == "bit":
        return f"IFNULL(CONCAT('0x',HEX({expression})),'NULL')"
    if field.type in BYTES or field.type in _GEOMETRY:
        return f"IF({expression} IS NULL,'NULL',IF(LENGTH({expression})=0,'\\'\\'',CONCAT('0x',HEX({expression}))))"
    if field.type in TEXTS:
        return f"QUOTE(CONVERT({expression} USING utf8mb4))"
    return f"QUOTE(CONVERT(CAST({expression} AS CHAR) USING utf8mb4))"
