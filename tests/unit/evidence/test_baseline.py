"""What a run shows beyond the baseline: new faults of PHP and of the browser, slower pages."""

from __future__ import annotations

from pathlib import Path

from pipeline.evidence import baseline
from pipeline.evidence.baseline import Baseline, beyond
from pipeline.evidence.phplog import Fault, group
from pipeline.evidence.verdicts import CaseResult, SmokeRun, SuiteResult, Verdict

OLD = "PHP Warning:  Undefined array key 12 in /srv/plugins/shop/a.php on line 7"
SAME = "PHP Warning:  Undefined array key 9 in /srv/plugins/shop/a.php on line 31"
NEW = "PHP Warning:  Undefined array key 9 in /srv/plugins/other/b.php on line 31"
FATAL = "PHP Fatal error:  Uncaught Error: Call to undefined function x() in /srv/plugins/shop/a.php:41"


def run(*, console: tuple[str, ...] = (), failed: tuple[str, ...] = (), ttfb: float = 100.0) -> SmokeRun:
    visit = {"path": "/", "status": 200, "ttfb": ttfb, "load": None, "lcp": None, "cls": None}
    case = CaseResult("home", "opens", Verdict.PASSED, visits=(visit,), console_errors=console, failed_requests=failed)
    return SmokeRun((SuiteResult("home", (case,)),), 1.0, Path("evidence"))


def faults(*lines: str) -> tuple[Fault, ...]:
    return group(lines)


def test_what_the_shop_logged_before_is_no_updates_fault_on_whichever_line_it_now_is() -> None:
    known = baseline.of(run(), faults(OLD))
    found = beyond(known, run(), faults(SAME, NEW, NEW, FATAL))
    assert found.php == ("Warning: Undefined array key 9 in /srv/plugins/other/b.php:31 (2 times)",)
    assert found.fatal == ("Fatal error: Uncaught Error: Call to undefined function x() in /srv/plugins/shop/a.php:41",)
    assert found.logged == (*found.fatal, *found.php)


def test_running_out_of_time_is_told_and_breaks_nothing_off() -> None:
    slow = "PHP Fatal error:  Maximum execution time of 30 seconds exceeded in /srv/plugins/shop/a.php on line 3"
    found = beyond(Baseline(), run(), faults(slow))
    assert (found.fatal, len(found.php)) == ((), 1)


def test_a_fatal_error_that_was_there_before_is_no_news() -> None:
    assert beyond(baseline.of(run(), faults(FATAL)), run(), faults(FATAL)).fatal == ()


def test_what_a_kept_update_brought_is_not_the_next_ones_fault() -> None:
    known = baseline.of(run(), ()).with_(run(console=("x is not defined",)), faults(NEW))
    found = beyond(known, run(console=("x is not defined", "y is not defined")), faults(NEW))
    assert (found.php, found.browser) == ((), ("y is not defined",))


def test_what_the_browser_reports_is_compared_without_numbers() -> None:
    known = baseline.of(run(failed=("404 /old.js?ver=1.2",), console=("error 17",)), ())
    found = beyond(known, run(failed=("404 /old.js?ver=1.3", "404 /new.js?ver=1"), console=("error 18",)), ())
    assert found.browser == ("404 /new.js?ver=1",)
    assert found.sentences == ("the browser reported 404 /new.js?ver=1",)


def test_a_page_that_became_much_slower_is_told_and_a_little_is_not() -> None:
    known = baseline.of(run(ttfb=200), ())
    assert beyond(known, run(ttfb=500), ()).slower == ()
    assert beyond(known, run(ttfb=900), ()).slower == ("/: TTFB 200 → 900 ms",)


def test_a_baseline_is_read_back_as_it_was_written() -> None:
    known = baseline.of(run(console=("a",), ttfb=75.5), faults(OLD))
    assert Baseline.from_json(known.json()) == known
    assert known.suites == {"home": "passed"}


def test_the_verdicts_that_an_older_palier_kept_are_read() -> None:
    assert Baseline.from_json('{"home": "passed", "search": "failed"}').suites == {"home": "passed", "search": "failed"}


def test_what_is_told_can_be_written_into_a_manifest() -> None:
    found = beyond(Baseline(), run(console=("half a pair: \ud800\nand more",)), ())
    assert found.browser == ("half a pair: ? and more",)
