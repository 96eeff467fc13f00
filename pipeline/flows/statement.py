"""Statement: the reconciliation of a promotion that was taken back, also when nobody but ``rollback.sh`` was there."""

from __future__ import annotations

from pipeline.errors import Refused
from pipeline.record import Record, RunSummary
from pipeline.steps import reconciliation
from pipeline.steps.reconciliation import STATEMENT
from pipeline.steps.site import Shop


def told(shop: Shop, run: str | None, *, as_json: bool = False) -> str:
    """The statement of ``run`` (``None``: the last promotion that was taken back), made now if there is none yet.

    One that is on record is told as it was made: stock and orders have gone on since. Production is only read.

    :raises Refused: if nothing was taken back, or what was noted for the run was given up.
    """
    site = shop.production
    runs = [each for each in Record.list(site.host, site.record) if each.flow == "promote"]
    record = Record.open(site.host, site.record, run or _last(shop, runs))
    if not site.host.exists(record.path("rolled-back")):
        raise Refused(f"The run {record.run} was not rolled back.", next_step=f"palier runs {shop.name}")
    kept = record.path(f"{STATEMENT}.{'json' if as_json else 'txt'}")
    if not site.host.exists(kept):
        reconciliation.state(shop, record)
    return site.host.read(kept).decode("utf-8", "replace").rstrip()


def _last(shop: Shop, runs: list[RunSummary]) -> str:
    back = [run.run for run in runs if run.outcome == "rolled back"]
    if not back:
        raise Refused(f"No promotion of {shop.name} was rolled back.", next_step=f"palier runs {shop.name}")
    return back[-1]
