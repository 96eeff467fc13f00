"""What an update run says by its status, what it reads in PHP's log, and a report in French."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from tests.integration.job.release_world import SHOP, ReleaseWorld

FATAL = "error_log('PHP Fatal error:  Uncaught Error: Call to undefined function gone() in ' . __FILE__ . ':12');"
WARNING = "trigger_error('The colour of ' . microtime(true) . ' is not known', E_USER_WARNING);"
UPDATE = """\
  - module: {module}
    to: "{to}"
    package: ../packages/{package}
    sha256: {sha256}
    reason: {{kind: feature, text: Wanted}}
"""


def with_line(approved: ReleaseWorld, module: str, version: str, line: str) -> str:
    """An update of one of the demo's modules whose every request runs one more line."""
    good = approved.world.packages / f"{module}-{version}.zip"
    package = good.with_name(f"{module}-that-logs.zip")
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(package, "w") as target:
        for name in source.namelist():
            added = f"\n{line}\n".encode() if name == f"{module}/{module}.php" else b""
            target.writestr(name, source.read(name) + added)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    return UPDATE.format(module=module, to=version, package=package.name, sha256=digest)


def playbook(approved: ReleaseWorld, *updates: str) -> str:
    path = Path(approved.playbook("logs.yml"))
    path.write_text(f"shop: {SHOP}\nsuites: [home, search]\nupdates:\n{''.join(updates)}")
    return str(path)


def test_what_breaks_off_in_the_log_is_set_aside_and_what_warns_is_told(approved: ReleaseWorld) -> None:
    """Every page looks well in both: only PHP's log tells."""
    approved.change_inventory("platform: wordpress", "language: fr\nplatform: wordpress")
    fatal = with_line(approved, "shop-search", "2.1.0", FATAL)
    warning = with_line(approved, "shop-contact", "2.3.1", WARNING)
    answer = approved.palier("update", SHOP, playbook(approved, fatal, warning), "--json", timeout=600)
    assert answer.code == 10, answer.said
    outcome = json.loads(answer.out)
    assert set(outcome["kept"]) == {"shop-contact"}
    why = outcome["quarantined"]["shop-search"]
    assert why.startswith(
        "PHP broke off while the suites ran, as it never did before the update: Fatal error: Uncaught"
    )
    assert "shop-search.php:12" in why

    evidence = Path(outcome["report"]).parent
    assert "gone()" in (evidence / "shop-search-2.1.0" / "php-errors.txt").read_text()
    record = approved.world.record / "runs" / outcome["run"]
    (noted,) = json.loads((record / "manifest.json").read_text())["noted"]["shop-contact"]
    assert noted.startswith("PHP logged Warning: The colour of")
    said = approved.palier("approve", outcome["run"], "--yes", "--key", str(approved.world.approver_key)).out
    assert "Noted: PHP logged Warning: The colour of" in said
    assert "Set aside: shop-search 2.1.0: PHP broke off" in said

    report = Path(outcome["report"]).read_text("utf-8").replace("\u00a0", " ")
    for french in (
        "PHP s’est arrêté sur une erreur pendant les parcours, ce qui n’arrivait pas avant la mise à jour : Fatal",
        "Relevé dans le journal de PHP, et non avant",
        "Pas celle de nadia@",
    ):
        assert french in report
    assert "broke off" not in report
    assert "PHP s’est arrêté" in (evidence / "report.md").read_text("utf-8")


def test_where_nothing_is_kept_the_status_says_that_the_suites_failed(approved: ReleaseWorld) -> None:
    fatal = with_line(approved, "shop-search", "2.1.0", FATAL)
    answer = approved.palier("update", SHOP, playbook(approved, fatal), timeout=600)
    assert answer.code == 3, answer.said
    assert "0 kept, 1 set aside." in answer.out
    approved.require_untouched()
