"""``make bench``: builds a shop's database, measures every figure of the docs in one run, writes build/bench.json.

Environment: SCALE, 1 is about 2 GB. Words: --only copying|promoting|updating, --figure FILE.svg.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import figure, run
from tests.bench.ratios import Ratio, table, write

PARTS = ("copying", "promoting", "updating")
MEMORY = 200.0


def main() -> int:
    words = argparse.ArgumentParser(prog="make bench", description="Measure the figures of the docs on this machine.")
    words.add_argument("--scale", type=float, default=float(os.environ.get("SCALE", "1")), help="1 is about 2 GB")
    words.add_argument("--only", choices=PARTS, action="append", help="measure only this part; may be repeated")
    words.add_argument("--folder", type=Path, help="where the server's files go (default: the temporary folder)")
    words.add_argument("--json", type=Path, default=Path("build/bench.json"))
    words.add_argument("--figure", type=Path, help="draw downtime and rollback against size into this SVG")
    asked = words.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="palier-bench-", dir=asked.folder))
    began = time.monotonic()
    try:
        bench = run.Bench(folder, asked.scale, says)
        ratios = bench.measure(asked.only or PARTS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratios.append(Ratio("peak memory of Palier", peak / MEMORY, 1.0, 0.0, f"{peak:.0f} MB of {MEMORY:.0f} MB"))
    load = os.getloadavg()[1]
    took = time.monotonic() - began
    told = f"scale {asked.scale:g}: {bench.size / 1e6:.0f} MB; {took:.0f} s; {os.cpu_count()} cores, load {load:.1f}"
    sys.stdout.write(f"\n{told}\n\n{table(ratios)}\n")
    write(ratios, asked.json)
    if asked.figure and bench.points:
        asked.figure.write_text(figure.draw(bench.points))
    return 0


def says(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
