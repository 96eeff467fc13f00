"""What is read in a dump, of either family, and what is said of it. The reading program runs for real."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.database.dump_content import READ, Content, parse, signature, wrong
from pipeline.database.snapshot import Snapshot, load, restore_command
from pipeline.remote.fake import FakeHost

MARIADB = """\
/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
DROP TABLE IF EXISTS `a``b`;
CREATE TABLE `a``b` (
  `id` int(11) NOT NULL,
  `v` varchar(9) DEFAULT 'x;'
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4;
LOCK TABLES `a``b` WRITE;
INSERT INTO `a``b` VALUES
(1,'(2);'),
(2,'INSERT INTO `c` VALUES');
INSERT INTO `a``b` VALUES
(3,NULL);
UNLOCK TABLES;
CREATE TABLE `c` (
  `id` int(11)
) ENGINE=InnoDB;
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW BEGIN
INSERT INTO `c` VALUES
(1);
-- Dump completed
CREATE TABLE `no` (
END */;;
DELIMITER ;
/*!50001 VIEW `seen` AS select 1 AS `1` */;
-- Dump completed on 2026-11-21 19:00:00
"""
MYSQL = """\
-- MySQL dump 10.13  Distrib 8.0.36
--
-- Host: db    Database: shop
CREATE TABLE `t` (
  `id` int NOT NULL
) ENGINE=InnoDB;
INSERT INTO `t` VALUES (1,'a'),(2,'),(,\\\\'),(3,'it\\'s ('),(4,0x28);
INSERT INTO `t` (`id`, `v`) VALUES (5,''),(6,_binary '(');
-- Dump completed on 2026-11-21 19:00:00
"""


def read(text: str) -> Content:
    done = subprocess.run(["env", "LC_ALL=C", "awk", READ], input=text.encode(), capture_output=True, check=True)
    return parse(done.stdout.decode())


def test_a_mariadb_dump_is_understood() -> None:
    content = read(MARIADB)
    assert content.database == "shop"
    assert content.rows == {"a`b": 3, "c": 0}
    assert content.views == ("seen",)
    assert (content.markers, content.ended, content.headers) == (1, True, 1)


def test_a_mysql_dump_is_understood() -> None:
    content = read(MYSQL)
    assert content.rows == {"t": 6}
    assert content.ended


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(alphabet="(),;'\\\n`éa -x", max_size=12), min_size=1, max_size=8), st.booleans())
def test_rows_are_counted_whatever_is_in_them(values: list[str], mysql: bool) -> None:
    escaped = [value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") for value in values]
    rows = [f"({number},'{value}')" for number, value in enumerate(escaped)]
    insert = (
        f"INSERT INTO `t` VALUES {','.join(rows)};" if mysql else "INSERT INTO `t` VALUES\n" + ",\n".join(rows) + ";"
    )
    text = f"-- Host: x    Database: d\nCREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB;\n{insert}\n-- Dump completed\n"
    assert read(text).rows == {"t": len(values)}


def test_the_definition_in_a_dump_has_the_signature_of_the_table() -> None:
    start = MARIADB.index("CREATE TABLE")
    create = MARIADB[start : MARIADB.index(";\nLOCK")].replace(" AUTO_INCREMENT=7", "")
    assert read(MARIADB).signatures["a`b"] == signature("a`b", create)
    assert read(MARIADB).signatures["a`b"] != signature("a`b", create.replace("(9)", "(8)"))


GOOD = {"rows": {"a`b": 3, "c": 0}, "signatures": dict(read(MARIADB).signatures), "views": frozenset({"seen"})}


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        ("", "is empty"),
        (MARIADB.replace("-- Host", "-- Guest"), "does not begin"),
        (MARIADB + MARIADB, "more than one"),
        (MARIADB.replace("Database: shop", "Database: other"), "another database, other"),
        (MARIADB.replace("-- Dump completed on", "-- Dump"), "end marker is missing"),
        (MARIADB + "x\n", "follows its end marker"),
        (MARIADB.replace("CREATE TABLE `c` (", "CREATE TABLE `d` ("), "tables are missing: c"),
        (MARIADB.replace("DELIMITER ;;", "CREATE TABLE `d` (\n) x;\nDELIMITER ;;"), "too many: d"),
        (MARIADB.replace("(3,NULL)", "(3,NULL),\n(4,NULL)"), "a`b (4 instead of 3)"),
        (MARIADB.replace("varchar(9)", "varchar(8)"), "definitions differ: a`b"),
        (MARIADB.replace("VIEW `seen`", "VIEW `other`"), "views differ: other, seen"),
        (MARIADB[: MARIADB.index("(3,NULL)")], "end marker is missing"),
    ],
)
def test_each_fault_has_a_sentence(spoilt: str, sentence: str) -> None:
    assert wrong(read(MARIADB), "shop", **GOOD) == ""  # type: ignore[arg-type]
    assert sentence in wrong(read(spoilt), "shop", **GOOD)  # type: ignore[arg-type]


SNAPSHOT = Snapshot(
    path="/srv/it's here/production.sql.zst",
    database="my-shop",
    taken="2026-11-21T19:00:00+00:00",
    size=10,
    sha256="0" * 64,
    rows={"a": 1},
    signatures={"a": "1" * 64},
    views=("v",),
)


def test_a_record_comes_back_as_it_was_written() -> None:
    host = FakeHost()
    host.write("/srv/it's here/snapshot.json", SNAPSHOT.json())
    assert SNAPSHOT.record == "/srv/it's here/snapshot.json"
    assert load(host, "/srv/it's here") == SNAPSHOT


def test_the_documented_command_leaves_the_sandbox_line_out_and_quotes_what_it_must(tmp_path: Path) -> None:
    text = restore_command(SNAPSHOT, "/home/x y/client.cnf")
    assert "'/srv/it'\"'\"'s here/production.sql.zst'" in text
    assert "'/home/x y/client.cnf'" in text
    assert text.endswith("my-shop")
    program = text.split(" | ")[1]
    done = subprocess.run(["sh", "-c", program], input=MARIADB, capture_output=True, text=True, check=True)
    assert done.stdout == MARIADB.partition("\n")[2]
    done = subprocess.run(["sh", "-c", program], input=MYSQL, capture_output=True, text=True, check=True)
    assert done.stdout == MYSQL
