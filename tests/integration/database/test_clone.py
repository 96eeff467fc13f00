# ruff: noqa: E501 - SQL is easier to read unbroken
"""Cloning between two schemas of a real server: nothing is changed without masks, nothing leaks with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.inventory import Tables
from pipeline.database import mask_report, schema
from pipeline.database.classes import Classes
from pipeline.database.clone import CloneReport, clone, unusable
from pipeline.database.clone_tables import CloneFailed
from pipeline.database.connection import Credentials, Database
from pipeline.database.masks import plan_masks
from pipeline.database.sql import identifier
from pipeline.demo.mariadb import MariaDB
from pipeline.errors import Refused
from pipeline.events import Event, Progress
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

pytestmark = pytest.mark.integration
_NUMBERS = count(1)
SALT = Secret("5a17")
Pair = tuple[Database, Database]


@pytest.fixture
def pair(mariadb: MariaDB, tmp_path: Path) -> Iterator[Pair]:
    """Two empty schemas with accounts of their own; connected."""
    number = next(_NUMBERS)
    with ExitStack() as stack:
        source, target = (
            stack.enter_context(_database(mariadb, f"clone_{role}_{number}", tmp_path)) for role in ("from", "to")
        )
        yield source, target
    for role in ("from", "to"):
        mariadb.admin(f"DROP DATABASE clone_{role}_{number}")


def _database(mariadb: MariaDB, name: str, folder: Path) -> AbstractContextManager[Database]:
    mariadb.create(name, name, "geheim'n\"is #1")
    credentials = Credentials(name, name, Secret("geheim'n\"is #1"), port=mariadb.port)
    database = Database(LocalHost(), credentials, str(folder / f"{name}.cnf"))
    database.place_client_file()
    return database.connected()


def script(db: Database, sql: str) -> None:
    for statement in re.split(r";;\s*(?:\n|$)", sql):
        if statement.strip():
            db.execute(statement)


def content(db: Database) -> dict[str, tuple[object, ...]]:
    """What a schema is, to the last bit: definition, running number, checksum."""
    found: dict[str, tuple[object, ...]] = {}
    for name, table in schema.read(db).items():
        create = db.rows(f"SHOW CREATE TABLE {identifier(name)}")[0][1]
        checksum = None if table.is_view else db.rows(f"CHECKSUM TABLE {identifier(name)}")[0][1]
        found[name] = (create.replace(db.name, "DB"), checksum, [trigger.name for trigger in table.triggers])
    return found


def copied(pair: Pair, **options: object) -> CloneReport:
    return clone(pair[0], pair[1], masks={}, salt=SALT, **options)  # type: ignore[arg-type]


NASTY = r"""
CREATE TABLE kinds (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, t TINYINT, b BIT(64), b1 BIT(3), d DECIMAL(30,10),
  f FLOAT, g DOUBLE, g2 DOUBLE(12,3), y YEAR, day DATE, at DATETIME(6), stamp TIMESTAMP NULL, length TIME(3),
  c CHAR(5) CHARACTER SET latin1, v VARCHAR(300), long_text LONGTEXT, l1 TEXT CHARACTER SET latin1, u2 VARCHAR(20) CHARACTER SET ucs2,
  fixed BINARY(4), bytes VARBINARY(300), large LONGBLOB, one ENUM('a','b''c','é') , many SET('x','y') , data JSON, place POINT,
  id6 INET6, un UUID, vg INT AS (t + 1) VIRTUAL, sg VARCHAR(310) AS (CONCAT(v,'!')) STORED, hidden INT INVISIBLE DEFAULT 7,
  KEY (v(20)), FULLTEXT KEY (long_text)) AUTO_INCREMENT=1000 COMMENT='it''s `odd`' ;;
INSERT INTO kinds (id,t,b,b1,d,f,g,g2,y,day,at,stamp,length,c,v,long_text,l1,u2,fixed,bytes,large,one,many,data,place,id6,un,hidden) VALUES
 (0,-1,0xFFFFFFFFFFFFFFFF,5,12345678901234567890.0123456789,1.1,0.1,1.005,2026,'0000-00-00','0000-00-00','2026-03-29 01:30:00','-838:59:59.999',
  'é','it''s "a" \\ back\\\\slash % _ 😀','a\r\nb\tc\0d\Z; -- \n delimiter ;;\n\\q',CONVERT(0x8081 USING latin1),'é',0x00FF00FF,0x0027225C0D0A1A00,
  0xDEADBEEF,'b''c','x','{"a": "\\u00e9\\n"}',ST_GeomFromText('POINT(1 2)',4326),'2001:db8::1','123e4567-e89b-12d3-a456-426614174000',1),
 (5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
 (6,0,0,0,-0.0000000001,3.4028235e38,-1.7976931348623157e308,-0.5,1901,'1000-00-00','9999-12-31 23:59:59.999999',NULL,'00:00:00',
  '','NULL','\\N','','','','','','','','[]',NULL,'::1',NULL,NULL),
 (7,127,1,1,0,-1e-38,2.2250738585072014e-308,0,0,'2024-02-29','1970-01-01',NULL,'23:59:59','a  ','  ends ','\n','ÿ','😀' IS NULL,'\n','\r\n\r\n',
  REPEAT(0xFF,70000),'é','x','"x"',NULL,NULL,NULL,3);;
CREATE TABLE `strange ``name``; DROP` (`the key` VARCHAR(10) COLLATE utf8mb4_bin, `select` INT, `ü%s` TEXT);;
INSERT INTO `strange ``name``; DROP` VALUES ('a',1,'%'),('a',1,'%'),(NULL,NULL,NULL);;
CREATE TABLE isam (id INT, v TEXT) ENGINE=MyISAM;;
INSERT INTO isam VALUES (1,'x'),(1,'x');;
CREATE TABLE empty_one (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=500;;
CREATE TABLE zero (id INT AUTO_INCREMENT PRIMARY KEY, v DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00');;
INSERT INTO zero VALUES (0,'0000-00-00'),(3,'2026-01-01');;
CREATE TABLE parts (id INT, y INT, PRIMARY KEY (id, y)) PARTITION BY RANGE (y) (PARTITION a VALUES LESS THAN (2000), PARTITION b VALUES LESS THAN MAXVALUE);;
INSERT INTO parts VALUES (1,1999),(1,2001);;
CREATE TABLE a_child (id INT PRIMARY KEY, parent INT, CONSTRAINT up FOREIGN KEY (parent) REFERENCES z_parent (id) ON DELETE CASCADE) ;;
CREATE TABLE z_parent (id INT PRIMARY KEY, up INT, CONSTRAINT self FOREIGN KEY (up) REFERENCES z_parent (id), CHECK (id <> 13));;
INSERT INTO z_parent VALUES (1,2),(2,1);;
INSERT INTO a_child VALUES (10,1),(11,99);;
CREATE VIEW z_view AS SELECT id, up FROM z_parent WHERE id > 0;;
CREATE VIEW a_view AS SELECT * FROM z_view;;
CREATE TRIGGER shout BEFORE INSERT ON zero FOR EACH ROW BEGIN IF NEW.v IS NULL THEN SET NEW.v='2020-02-02'; END IF; END;;
CREATE TABLE _palier_keep (id INT)
"""


def test_without_masks_the_clone_equals_the_source_to_the_last_bit(pair: Pair) -> None:
    source, target = pair
    source.execute("SET foreign_key_checks=0")
    script(source, NASTY)
    script(target, "CREATE TABLE old (id INT PRIMARY KEY);;\nCREATE VIEW old_view AS SELECT * FROM old")
    before = content(source)

    report = copied(pair)

    assert content(target) == before == content(source)
    assert not unusable(target)
    assert {table.name: table.rows for table in report.tables}["kinds"] == 4
    assert report.inexact == ("isam",)
    assert (report.views, report.triggers) == (2, 1)
    assert target.execute("INSERT INTO empty_one () VALUES ()") == 1
    assert target.value("SELECT MAX(id) FROM empty_one") == 500


VALUES = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.sampled_from(
        ["", " ", "NULL", "\\", "\\'", "'", "''", "\0", "\x1a", "\r\n", ");\nDROP TABLE t;", "😀", "é" * 30]
    ),
)
ROWS = st.lists(
    st.tuples(VALUES, VALUES, st.binary(max_size=40), st.floats(allow_nan=False, allow_infinity=False)), max_size=30
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_any_rows_arrive_as_they_were(pair: Pair, rows: list[tuple[str | None, str | None, bytes, float]]) -> None:
    source, target = pair
    source.execute(
        "CREATE OR REPLACE TABLE t (a VARCHAR(200), b LONGTEXT COLLATE utf8mb4_bin, c VARBINARY(80), d DOUBLE)"
    )
    for row in rows:
        source.execute("INSERT INTO t VALUES (%s,%s,%s,%s)", row)

    copied(pair)

    assert content(target) == content(source)


SHOP = r"""
CREATE TABLE wp_shop_customers (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(190) UNIQUE, name VARCHAR(100), phone VARCHAR(30),
  address VARCHAR(200), postcode VARCHAR(10), city VARCHAR(100), country VARCHAR(2), birthday DATE);;
CREATE TABLE wp_shop_orders (id INT AUTO_INCREMENT PRIMARY KEY, reference VARCHAR(20) UNIQUE, email VARCHAR(100) CHARACTER SET latin1, note TEXT,
  status VARCHAR(20), cart_token VARCHAR(64));;
CREATE TABLE wp_shop_carts (id INT PRIMARY KEY, token VARCHAR(64) UNIQUE);;
CREATE TABLE wp_options (option_id INT PRIMARY KEY, option_name VARCHAR(190) UNIQUE, option_value LONGTEXT);;
CREATE TABLE wp_usermeta (umeta_id INT PRIMARY KEY, user_id INT, meta_key VARCHAR(190), meta_value LONGTEXT);;
CREATE TABLE wp_newsletter_log (id INT PRIMARY KEY, who VARCHAR(100), extra LONGTEXT, kind ENUM('a','b'), status VARCHAR(20), stuff BLOB, remote_ip VARCHAR(45));;
CREATE TABLE wp_shop_sessions (token VARCHAR(64) PRIMARY KEY, data TEXT);;
INSERT INTO wp_shop_sessions VALUES ('x','Dupont');;
"""
PERSONAL = [
    "dupont",
    "Hélène",
    "rue de la Paix",
    "0612345678",
    "192.0.2.77",
    "example-family",
    "2001:db8:77",
    "Secretville",
    "69123",
]


def seed(db: Database, customers: int = 40) -> None:
    script(db, SHOP)
    for n in range(1, customers + 1):
        email = f"Jean.Dupont{n}@example-family.fr"
        db.execute(
            "INSERT INTO wp_shop_customers (email,name,phone,address,postcode,city,country,birthday) VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
            (
                email,
                f"Hélène Dupont {n}",
                f"0612345678{n}",
                f"{n} rue de la Paix",
                "69123",
                "Secretville",
                "FR",
                "1980-07-23",
            ),
        )
        token = f"{n:064x}"
        db.execute("INSERT INTO wp_shop_carts VALUES (%s,%s)", (n, token))
        db.execute(
            "INSERT INTO wp_shop_orders (reference,email,note,status,cart_token) VALUES (%s,%s,%s,%s,%s)",
            (
                f"R{n}",
                email.lower() if n % 2 else email.upper() + " ",
                f"Appelez Dupont au 0612345678, {email}",
                "paid",
                token,
            ),
        )
        serialised = f'a:1:{{s:5:"email";s:{len(email)}:"{email}";}}'
        db.execute("INSERT INTO wp_options VALUES (%s,%s,%s)", (n, f"notify_{n}", serialised))
        db.execute("INSERT INTO wp_usermeta VALUES (%s,%s,%s,%s)", (3 * n, n, "billing_phone", "0612345678"))
        db.execute("INSERT INTO wp_usermeta VALUES (%s,%s,%s,%s)", (3 * n + 1, n, "billing_email", email))
        db.execute(
            "INSERT INTO wp_usermeta VALUES (%s,%s,%s,%s)",
            (3 * n + 2, n, "wp_capabilities", 'a:1:{s:8:"customer";b:1;}'),
        )
        db.execute(
            "INSERT INTO wp_newsletter_log VALUES (%s,%s,%s,'b','sent',%s,%s)",
            (n, "Hélène Dupont", '{"name": "Dupont"}', b"Dupont", "192.0.2.77" if n % 2 else "2001:db8:77::1"),
        )
    db.execute(
        "INSERT INTO wp_options VALUES (1000,'admin_email','jean.dupont1@example-family.fr'),(1001,'logo','logo@2x.png'),(1002,'blogname','Ma boutique')"
    )


CLASSES = Classes.of(
    "wp_",
    Tables(
        business=("shop_customers", "shop_orders", "shop_carts", "usermeta"),
        configuration=("options",),
        throwaway=("shop_sessions",),
        personal={
            "shop_customers": {"name": "name"},
            "shop_orders": {"email": "email"},
            "shop_carts": {"token": "secret"},
        },
    ),
)


@pytest.fixture
def masked(pair: Pair) -> Pair:
    seed(pair[0])
    tables = schema.read(pair[0])
    clone(pair[0], pair[1], tables=tables, masks=plan_masks(tables, CLASSES), throwaway=["wp_shop_sessions"], salt=SALT)
    return pair


def everything(db: Database) -> str:
    return "\n".join(
        str(row).lower() + "".join(value.decode("latin1").lower() for value in row if isinstance(value, bytes))
        for name in schema.table_names(db)
        for row in db.rows(f"SELECT * FROM {identifier(name)}")
    )


def test_no_personal_value_is_found_anywhere_in_a_masked_clone(masked: Pair) -> None:
    here, there = everything(masked[0]), everything(masked[1])
    assert all(value.lower() in here for value in PERSONAL)
    assert [value for value in PERSONAL if value.lower() in there] == []


def test_masked_tables_still_join_by_email_and_by_token(masked: Pair) -> None:
    joins = (
        "SELECT c.id,o.id FROM wp_shop_customers c JOIN wp_shop_orders o ON o.email=c.email ORDER BY 1,2",
        "SELECT c.id,m.user_id FROM wp_shop_customers c JOIN wp_usermeta m ON m.meta_value=c.email ORDER BY 1,2",
        "SELECT c.id,o.id FROM wp_shop_carts c JOIN wp_shop_orders o ON o.cart_token=c.token ORDER BY 1,2",
        "SELECT c.id FROM wp_shop_customers c JOIN wp_options o ON o.option_value=c.email WHERE o.option_name='admin_email'",
    )
    for join in joins:
        found = masked[1].rows(join)
        assert found == masked[0].rows(join)
        assert found


def test_what_is_not_personal_stays(masked: Pair) -> None:
    source, target = masked
    for question in (
        "SELECT id,reference,status FROM wp_shop_orders ORDER BY 1",
        "SELECT option_value FROM wp_options WHERE option_name IN ('logo','blogname') ORDER BY 1",
        "SELECT meta_value FROM wp_usermeta WHERE meta_key='wp_capabilities'",
        "SELECT id,country FROM wp_shop_customers ORDER BY 1",
        "SELECT kind,status FROM wp_newsletter_log",
    ):
        assert target.rows(question) == source.rows(question)
    assert target.value("SELECT COUNT(*) FROM wp_shop_sessions") == 0


def test_what_was_masked_is_counted_by_column(masked: Pair) -> None:
    source, target = masked
    tables = schema.read(source)
    masks = plan_masks(tables, CLASSES, {"wp_shop_customers": {"id": "address"}})
    report = mask_report.read(target, tables, masks, ["wp_shop_sessions"])
    found = {(each.table, each.column): each for each in report.columns}
    for table, column in (("wp_shop_customers", "email"), ("wp_usermeta", "meta_value")):
        expected = source.value(f"SELECT COUNT(*) FROM {table} WHERE {column} <> ''")
        assert found[table, column].values == int(expected) > 0
    assert found["wp_shop_customers", "email"].replaced
    assert not found["wp_usermeta", "meta_value"].replaced
    assert ("wp_shop_customers", "id") not in found, "a number stays as it is, whatever it is called"
    assert report.emptied == ("wp_shop_sessions",)
    assert report.as_json()["replaced"] == sum(each.values for each in report.columns if each.replaced)
    assert f"masked {report.as_json()['replaced']:,} values in" in str(report)


def test_serialised_values_keep_their_lengths(masked: Pair) -> None:
    lengths = "SELECT option_id,LENGTH(option_value) FROM wp_options WHERE option_name LIKE 'notify%' ORDER BY 1"
    assert masked[1].rows(lengths) == masked[0].rows(lengths)
    assert "example" not in str(masked[1].rows("SELECT option_value FROM wp_options"))


def test_masks_keep_their_formats(masked: Pair) -> None:
    target = masked[1]
    assert (
        target.value("SELECT COUNT(*) FROM wp_shop_customers WHERE email NOT REGEXP '^u[0-9a-z]{12}@masked.invalid$'")
        == 0
    )
    assert target.value("SELECT COUNT(*) FROM wp_shop_customers WHERE phone NOT REGEXP '^[+0-9]+$'") == 0
    assert target.value("SELECT COUNT(*) FROM wp_shop_customers WHERE postcode NOT REGEXP '^[0-9]{5}$'") == 0
    assert target.value("SELECT COUNT(*) FROM wp_newsletter_log WHERE INET6_ATON(remote_ip) IS NULL") == 0
    assert target.value("SELECT COUNT(DISTINCT birthday) FROM wp_shop_customers") == 1


def test_the_same_salt_gives_the_same_clone_and_another_salt_another(masked: Pair) -> None:
    source, target = masked
    tables = schema.read(source)
    masks = plan_masks(tables, CLASSES)
    first = content(target)
    clone(source, target, tables=tables, masks=masks, throwaway=["wp_shop_sessions"], salt=SALT)
    assert content(target) == first
    clone(source, target, tables=tables, masks=masks, throwaway=["wp_shop_sessions"], salt=Secret("other"))
    assert content(target) != first


def test_a_failed_clone_names_the_table_and_leaves_the_mark(pair: Pair) -> None:
    source, target = pair
    source.execute("CREATE TABLE a (id INT)")
    source.execute("CREATE TABLE b (id INT PRIMARY KEY, secret VARCHAR(3) UNIQUE)")
    for n in range(60):
        source.execute("INSERT INTO b VALUES (%s,%s)", (n, f"{n}"))
    masks = {"b": {"secret": "secret"}}
    source.execute("CREATE TABLE c (v CHAR(1) UNIQUE)")
    source.execute("INSERT INTO c VALUES " + ",".join(f"('{chr(65 + n)}')" for n in range(26)))
    masks["c"] = {"v": "secret"}

    with pytest.raises(CloneFailed, match="table") as failure:
        clone(source, target, masks=masks, salt=SALT)  # type: ignore[arg-type]

    assert failure.value.table in {"b", "c"}
    assert unusable(target)
    assert "Duplicate entry" in failure.value.why


def test_a_schema_is_never_cloned_into_itself(pair: Pair) -> None:
    pair[0].execute("CREATE TABLE t (id INT)")
    with pytest.raises(Refused, match="same database"):
        clone(pair[0], pair[0], masks={})
    assert schema.table_names(pair[0]) == ("t",)


def test_large_tables_travel_in_many_statements_and_are_told_of(pair: Pair) -> None:
    source, target = pair
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(2000))")
    source.execute("INSERT INTO t SELECT seq, REPEAT(seq, 200) FROM seq_1_to_20000")
    events: list[Event] = []

    copied(pair, emit=events.append)

    assert content(target) == content(source)
    assert events[0] == Progress("tables", 0, 1, "tables")
    assert events[-1] == Progress("tables", 1, 1, "tables")


def test_writes_during_the_clone_do_not_show(pair: Pair) -> None:
    """Orders and their lines are read at one moment, whatever is bought meanwhile."""
    source, target = pair
    source.execute("CREATE TABLE a_orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(1000))")
    source.execute("CREATE TABLE z_lines (id INT AUTO_INCREMENT PRIMARY KEY, order_id INT)")
    source.execute("INSERT INTO a_orders SELECT seq, REPEAT('x', 1000) FROM seq_1_to_20000")
    source.execute("INSERT INTO z_lines (order_id) SELECT id FROM a_orders")
    with source.connected() as buyer:

        def buy(_: Event) -> None:
            buyer.execute("INSERT INTO a_orders (v) VALUES ('new')")
            buyer.execute("INSERT INTO z_lines (order_id) SELECT MAX(id) FROM a_orders")

        copied(pair, emit=buy)
    orders, lines = (target.value(f"SELECT COUNT(*) FROM {table}") for table in ("a_orders", "z_lines"))
    assert orders == lines
