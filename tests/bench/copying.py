"""Clones and restores: Palier's, and those of the tools that everybody has."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.database import clone, schema
from pipeline.database.classes import Class
from pipeline.database.connection import Database
from pipeline.database.masks import plan_masks
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from tests.bench.ratios import Ratio, not_measured, over
from tests.bench.server import PASSWORD, drop
from tests.bench.server import schema as make
from tests.bench.shop import CLASSES, LARGE, PREFIX

SALT = Secret("be4c4")
THREADS = 2


@dataclass(frozen=True)
class Place:
    """The server, the folder for files, and the schema of the large shop."""

    server: MariaDB
    folder: Path
    shop: Database

    def options(self, database: Database) -> str:
        return f"--defaults-file={database.client_file}"

    def shell(self, text: str) -> float:
        """Seconds that a pipeline takes. :raises CalledProcessError: if a part of it fails."""
        began = time.monotonic()
        subprocess.run(["bash", "-o", "pipefail", "-ec", text], check=True, capture_output=True)
        return time.monotonic() - began

    def anew(self, name: str) -> Database:
        drop(self.server, name)
        return make(self.server, self.folder, name)


def timed(does: Callable[[], object]) -> float:
    began = time.monotonic()
    does()
    return time.monotonic() - began


def restore(place: Place) -> tuple[float, float]:
    """Seconds of `mariadb-dump > file`, and of `mariadb < file`."""
    target, path = place.anew("restored"), place.folder / "dump.sql"
    try:
        dumped = place.shell(f"mariadb-dump {place.options(place.shop)} --single-transaction --hex-blob shop > {path}")
        return dumped, place.shell(f"mariadb {place.options(target)} restored < {path}")
    finally:
        path.unlink(missing_ok=True)
        drop(place.server, "restored")


def piped(place: Place) -> float:
    target = place.anew("piped")
    try:
        return place.shell(
            f"mariadb-dump {place.options(place.shop)} --single-transaction --hex-blob shop"
            f" | mariadb {place.options(target)} piped"
        )
    finally:
        drop(place.server, "piped")


def mydumper(place: Place) -> float | None:
    """Seconds of mydumper and myloader with as many threads as Palier; ``None`` where they are not installed."""
    if not (shutil.which("mydumper") and shutil.which("myloader")):
        return None
    place.anew("loaded")
    folder = place.folder / "mydumper"
    login = f"-h 127.0.0.1 -P {place.server.port} -p {PASSWORD} -t {THREADS}"
    try:
        return place.shell(
            f"mydumper {login} -u shop -B shop --no-locks -o {folder}"
            f" && myloader {login} -u loaded -B loaded -s shop -d {folder}"
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        drop(place.server, "loaded")


def cloned(source: Database, target: Database, *, everything: bool = False) -> float:
    with source.connected() as one, target.connected() as other:
        tables = schema.read(one)
        began = time.monotonic()
        clone.clone(
            one,
            other,
            tables=tables,
            masks=plan_masks(tables, CLASSES),
            throwaway=[] if everything else [n for n in tables if CLASSES.classify(n) is Class.THROWAWAY],
            salt=SALT,
        )
        return time.monotonic() - began


def a_week_of_sales(db: Database) -> None:
    """One row in a hundred of each large table changes: most of the newest ones, and of customers here and there."""
    for large in LARGE:
        name, key = f"{PREFIX}{large.name}", large.columns[0][0]
        last = int(db.value(f"SELECT MAX({key}) FROM {name}"))
        stamp = next(
            (column for column, _, _ in large.columns if column in {"date_upd", "product_name", "date_add"}), ""
        )
        where = f"{key} > {last - last // 100}" if large.name != "customer" else f"{key} % 100 = 7"
        value = "CONCAT(product_name, '.')" if stamp == "product_name" else f"{stamp} + INTERVAL 1 DAY"
        db.execute(f"UPDATE {name} SET {stamp} = {value} WHERE {where}")


def measure(place: Place, says: Callable[[str], None]) -> Iterator[Ratio]:
    """Clones against the usual tools. The clone is in the schema ``staging`` afterwards."""
    says("mariadb-dump | mariadb")
    usual = piped(place)
    says("mydumper and myloader")
    other = mydumper(place)
    staging = place.anew("staging")
    says("palier, every table's rows")
    everything = cloned(place.shop, staging, everything=True)
    staging = place.anew("staging")
    says("palier, without throw-away rows")
    full = cloned(place.shop, staging)
    says("palier, again after a week of sales")
    with place.shop.connected() as db:
        a_week_of_sales(db)
    again = cloned(place.shop, staging)
    yield over("full clone", full, usual, 0.5, "mariadb-dump | mariadb", f"with throw-away rows {everything:.2f} s")
    if other is None:
        yield not_measured("full clone and mydumper", 1.0, "mydumper is not installed")
    else:
        yield over("full clone and mydumper", full, other, 1.0, f"mydumper + myloader, {THREADS} threads")
    yield over("clone again after 1 % changed", again, full, 0.4, "full clone")
