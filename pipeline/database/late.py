"""Orders that came behind the maintenance page, from a request that had begun before it, and go when all goes back.

Before the shop is opened every table becomes exactly what it was, so such an order would go without a word. It is
named, and the rows that came since the checkpoint into tables of customers are put aside first. Among them may be
rows of the update itself: nobody can tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.database.checkpoint import Checkpoint, Copy
from pipeline.database.compare import matched
from pipeline.database.shell import here, run_sql
from pipeline.database.sql import identifier, own, text

FILE = "late-orders.txt"
"""In the run's folder: each order that came behind the page, and where the rows are that came with it; tabs between."""
_LOOKED = f"{FILE}.looked"


def put_aside(checkpoint: Checkpoint, orders: str, business: Callable[[str], bool]) -> str:
    """Shell text, behind the preamble, for before anything is put back. Looks once; where it cannot, all goes on.

    :param orders: SELECT of ``reference`` of the orders that came since the checkpoint.
    :param business: whether a table holds customers' rows.
    """
    copies = [copy for copy in checkpoint.copies.values() if copy.table.key and business(copy.table.name)]
    question = f"SELECT 'order', o.reference, 'came behind the page' FROM ({orders}) o;\n"
    return (
        f"if [ ! -e {_LOOKED} ]; then\n"
        f"if palier_sql > {FILE} {here(question)}then :; else\n"
        'echo "Whether an order came behind the page could not be asked." >&2\n'
        "fi\n"
        f"if [ -s {FILE} ]; then\n"
        f"{''.join(part for copy in copies for part in _kept(checkpoint, copy))}"
        f"cat {FILE} >&2\n"
        "fi\n"
        f": > {_LOOKED}\n"
        "fi\n"
    )


def _kept(checkpoint: Checkpoint, copy: Copy) -> Iterator[str]:
    """What came into one table since, if anything did. A table that the update has broken is passed over, and said."""
    table, name = copy.table, own("aside", checkpoint.of, copy.number)
    aside, live = identifier(name), identifier(table.name)
    there = f"SELECT 1 FROM {identifier(copy.name)} p WHERE {matched('l', 'p', table.key, table, table)}"
    statements = (
        f"DROP TABLE IF EXISTS {aside};\n"
        f"CREATE TABLE {aside} AS SELECT l.* FROM {live} l WHERE NOT EXISTS ({there});\n"
        f"SELECT {text(table.name)}, CONCAT(COUNT(*), ' rows'), {text(f'put aside as {name}')} FROM {aside}"
        " HAVING COUNT(*) > 0;\n"
    )
    yield f"if palier_sql >> {FILE} {here(statements)}then\n"
    yield run_sql(
        [f"SELECT {text(f'DROP TABLE {aside};')} FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM {aside})"], each=True
    )
    yield f"else\necho 'What came into a table could not be put aside: copy {copy.number}.' >&2\nfi\n"
