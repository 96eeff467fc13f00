from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.database.schema import COUNTER, Table
from pipeline.database.shell import TRIES, batch, definition_line, here, is_defined, is_like, preamble, run_sql

FAKE = """#!/bin/sh
cat > "$0.read"
count=$(cat "$0.count" 2> /dev/null || echo 0)
echo $((count + 1)) > "$0.count"
if [ "$count" -lt "$(cat "$0.fails")" ]; then
    cat "$0.says" >&2
    exit 1
fi
echo answered
"""


def run(folder: Path, text: str, *, fails: int = 0, says: str = "") -> subprocess.CompletedProcess[str]:
    client = folder / "client"
    client.write_text(FAKE)
    client.chmod(0o755)
    (folder / "client.fails").write_text(str(fails))
    (folder / "client.says").write_text(says)
    whole = preamble("shop", "../../client.cnf", str(client)) + "sleep() { :; }\n" + text
    return subprocess.run(["sh", "-c", whole], capture_output=True, text=True, check=False, timeout=60)


def test_sql_reaches_the_client_as_it_is_written(scratch: Path) -> None:
    done = run(scratch, run_sql(["SELECT '$HOME `x` \\\\n é'"]))
    assert done.returncode == 0
    assert (scratch / "client.read").read_text().endswith("\nSELECT '$HOME `x` \\\\n é';\n")


def test_a_lock_of_somebody_else_is_waited_for(scratch: Path) -> None:
    done = run(scratch, run_sql(["SELECT 1"]), fails=3, says="ERROR 1205 (HY000) at line 1: Lock wait timeout")
    assert done.stdout == "answered\n"
    assert (scratch / "client.count").read_text() == "4\n"


def test_a_lock_is_not_waited_for_without_end(scratch: Path) -> None:
    done = run(scratch, run_sql(["SELECT 1"]), fails=1000, says="ERROR 1213 (40001) at line 1: Deadlock")
    assert done.returncode != 0
    assert (scratch / "client.count").read_text() == f"{TRIES}\n"


def test_any_other_error_stops_the_script_at_once_and_is_shown(scratch: Path) -> None:
    done = run(scratch, run_sql(["SELECT 1"]) + "echo went on\n", fails=1, says="ERROR 1146 (42S02): no table")
    assert done.returncode != 0
    assert "went on" not in done.stdout
    assert "ERROR 1146" in done.stderr
    assert (scratch / "client.count").read_text() == "1\n"


def test_a_definition_is_found_only_if_it_is_whole(scratch: Path) -> None:
    table = Table("a`b", "CREATE TABLE `a``b` (\n  `x\\y` int COMMENT 'it''s\t$HOME'\n) ENGINE=InnoDB")
    line = definition_line(table)
    (scratch / "live").write_text(f"other\tCREATE\n{line}\n")
    asked = f"if {is_defined(table)}then echo same; else echo other; fi\n"
    assert run(scratch, f"palier_live=$(cat '{scratch}/live')\n{asked}").stdout == "same\n"
    (scratch / "live").write_text(f"other\tCREATE\n{line},\n")
    assert run(scratch, f"palier_live=$(cat '{scratch}/live')\n{asked}").stdout == "other\n"


def test_a_trigger_keeps_its_semicolons() -> None:
    body = "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET @a=1; END"
    assert batch([body, "SELECT 1"]) == f"DELIMITER _palier_end\n{body}\n_palier_end\nDELIMITER ;\nSELECT 1;\n"


def test_the_comment_at_the_end_of_a_trigger_does_not_swallow_its_end() -> None:
    body = "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a=1 -- _palier_end"
    assert batch([body]) == f"DELIMITER _palier_end_\n{body}\n_palier_end_\nDELIMITER ;\n"


@pytest.mark.parametrize(
    "line", ["PALIER_SQL", "PALIER_SQL_", "EOF", "$(touch ran)", "`touch ran`", "'\"; touch ran; #"]
)
def test_no_line_of_the_shops_own_text_is_run(scratch: Path, line: str) -> None:
    hostile = f"CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = '\n{line}\nPALIER_SQL\ntouch ran\n'"
    done = run(scratch, f"cd '{scratch}'\n{run_sql([hostile, 'SELECT 1'])}")
    assert done.returncode == 0, done.stderr
    assert hostile in (scratch / "client.read").read_text()
    assert not (scratch / "ran").exists()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([*"PALIER_SQL $`'\"\\\n;", "PALIER_SQL", "\nPALIER_SQL\n", "EOF", "é"])).map("".join))
def test_whatever_a_statement_says_it_arrives(said: str) -> None:
    whole = f"cat {here(f'SELECT {said}{chr(10)}')}"
    done = subprocess.run(["sh", "-c", whole], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"SELECT {said}\n"


def test_a_definition_is_like_another_whatever_the_order_of_its_keys(scratch: Path) -> None:
    lines = ["  `id` int(11) NOT NULL", "  PRIMARY KEY (`id`)", "  KEY `a` (`id`)", "  CONSTRAINT `c` CHECK (`id` > 0)"]

    def table(*order: int, name: str = "t.[x]*") -> Table:
        body = ",\n".join(lines[number] for number in order)
        return Table(name, f"CREATE TABLE `{name}` (\n{body}\n) ENGINE=InnoDB COMMENT='it''s\t$HOME \\n'")

    asked = f"if {is_like(table(0, 1, 2, 3))}then echo same; else echo other; fi\n"
    others = [table(0, 1, 2), table(0, 1, 2, 3, name="xt.[x]*"), table(0, 1, 2, 3, name="txxx"), Table("t.[x]*", "")]
    for live, answer in ((table(0, 3, 2, 1), "same\n"), *((other, "other\n") for other in others)):
        (scratch / "live").write_text(f"other\tCREATE\n{definition_line(live)}\n")
        assert run(scratch, f"palier_live=$(cat '{scratch}/live')\n{asked}").stdout == answer


def test_the_running_number_is_no_part_of_a_definition() -> None:
    create = "CREATE TABLE `t` (\n  `a` int COMMENT ') ENGINE=x AUTO_INCREMENT=5'\n) ENGINE=InnoDB AUTO_INCREMENT=7 X=1"
    assert COUNTER.sub(r"\1", create) == create.replace(" AUTO_INCREMENT=7", "")
