"""The demo world with a release that is approved and may be promoted, saved once and put back before each test."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.demo import paperwork
from pipeline.demo.process import MARK, end, family, marked
from pipeline.demo.world import Site, World

ROOT = Path(__file__).parents[3]
SHOP = paperwork.SHOP
SMALL = "two-good-ones.yml"
"""Two of the demo's six: one that migrates the schema, one that mends the search. Quick suites, quick guard."""
HEARTBEAT = 5
"""Seconds: the least that a playbook may ask for."""
SETTINGS = f"""\
suites: [home, search]
production_suites: [search]
budgets: {{heartbeat: {HEARTBEAT}, drain: 3}}
"""
SETTLED = 30.0
"""Seconds after which whatever a command leaves behind must have gone by itself."""


def wait_for(condition: Callable[[], bool], seconds: float = 60, what: str = "it") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds:g} s"
        time.sleep(0.05)


PRODUCTION = ("Production was ", "Production is ", "Production may ", "Customers see production")
"""How the line begins that says whether production was changed."""


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def verdict(self) -> str:
        """The first line of the refusal: what follows the steps and notes, and says whether production was changed."""
        lines = [line for line in self.err.splitlines() if line.startswith(PRODUCTION)]
        assert lines, f"no line says whether production was changed:\n{self.err}"
        return lines[-1]

    @property
    def at_once(self) -> bool:
        """Whether nothing but checks comes before the line that says whether production was changed."""
        before = self.err.partition(self.verdict)[0].splitlines()
        return all(line.startswith("+ Check ") for line in before)


@dataclass(frozen=True)
class State:
    """Everything of production that a run may not lose: table by table, file by file."""

    tables: Mapping[str, str]
    files: Mapping[str, str]

    def differences(self, other: State) -> list[str]:
        found = []
        for mine, theirs in ((self.tables, other.tables), (self.files, other.files)):
            found += sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
        return found


class Running:
    """A command at work in a process of its own; ``err`` is what it has said so far."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], place: Path) -> None:
        self._out, self._err = place / "out", place / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            # Workers of pytest-xdist ignore SIGINT, and what they start would too.
            self.process = subprocess.Popen(
                ["env", "--default-signal=INT", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                start_new_session=True,
            )

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8", "replace")

    def wait_until(self, step: str, seconds: float = 90) -> None:
        """Come back as soon as the step named ``step`` is done."""
        done = re.compile(rf"^\+ {re.escape(step)}.* \.\. ok", re.MULTILINE)
        deadline = time.monotonic() + seconds
        while not done.search(self.err):
            assert self.process.poll() is None, f"it ended before {step!r} was done:\n{self.err}"
            assert time.monotonic() < deadline, f"{step!r} was not done within {seconds:g} s:\n{self.err}"
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def answer(self, seconds: float = 300) -> Answer:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {seconds:g} s:\n{self.err}") from None
        return Answer(code, self._out.read_text("utf-8", "replace"), self.err)


class ReleaseWorld:
    """A world that was cloned and updated, with its release approved; :meth:`restore` brings that state back."""

    def __init__(self, world: World, saved: Path) -> None:
        self.world = world
        self._saved = saved
        self.temporary = Path(tempfile.mkdtemp(prefix="palier-job-"))
        """Emptied before each test. Its path is short: Chromium's sockets lie in it."""
        self._number = 0
        self.run = ""
        """The update run whose release is approved."""
        self.state = self._saved_state = State({}, {})
        """What production was when it was put back; a test that changes production by hand looks anew."""

    # Making it

    def make(self) -> None:
        """Clone, update and approve through the command line, and keep what that came to."""
        self._saved.mkdir(parents=True)
        self.write_playbook(SMALL, ["shop-loyalty", "shop-search"], SETTINGS)
        answer = self.palier("update", SHOP, self.playbook(SMALL), "--json", timeout=600)
        assert answer.code == 0, answer.said
        self.run = json.loads(answer.out)["run"]
        assert set(json.loads(answer.out)["kept"]) == {"shop-loyalty", "shop-search"}
        self.approve(self.run)
        self.save()

    def save(self) -> None:
        """Keep the world as it is now, for :meth:`restore`."""
        for name in self._kept():
            mirror(self.world.folder / name, self._saved / name)
        for site in (self.world.production, self.world.staging):
            self.world.mariadb.dump(site.schema, self._saved / f"{site.role}.sql")
        self._saved_state = self.look()

    def restore(self) -> None:
        """The world as it was saved: no process of an earlier test, no trace of it."""
        world = self.world
        world.leaky = False
        self.state = self._saved_state
        servers = [server.pid for server in (world.mariadb, world.mail)] + [
            site.sshd.pid for site in (world.production, world.staging)
        ]
        known = family(pid for pid in servers if pid is not None)
        world.apache.stop()  # its OPcache would hold on to the code of before
        end((set(marked(world.folder)) - known) | self._mine(), seconds=1)
        for name in self._kept():
            mirror(self._saved / name, world.folder / name)
        for site in (world.production, world.staging):
            world.mariadb.admin(f"DROP DATABASE IF EXISTS `{site.schema}`")
            world.mariadb.create(site.schema, site.schema, site.password)
            world.mariadb.admin(f"USE `{site.schema}`;" + (self._saved / f"{site.role}.sql").read_text("utf-8"))
            site.php_error_log.write_text("")
        world.mail.clear()
        world.start()
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()

    def close(self) -> None:
        """End what is left of its commands and remove what they had on this machine."""
        end(self._mine(), seconds=1)
        shutil.rmtree(self.temporary, ignore_errors=True)

    def _kept(self) -> tuple[str, ...]:
        return (
            "production/www",
            "production/record",
            "staging/www",
            "staging/record",
            ".palier",
            "playbooks",
            "packages",
            "approver",
            "inventories",
        )

    # Its papers

    def playbook(self, name: str) -> str:
        return str(self.world.playbook.parent / name)

    def write_playbook(self, name: str, modules: Sequence[str], settings: str = SETTINGS) -> None:
        """A playbook of some of the demo's updates, with other suites and budgets."""
        text = self.world.playbook.read_text()
        head, *updates = re.split(r"(?m)^(?=  - module: )", text.partition("approvals:")[0])
        wanted = [update for update in updates if update.split()[2] in modules]
        assert len(wanted) == len(modules)
        Path(self.playbook(name)).write_text(head + "".join(wanted) + settings)

    def change_inventory(self, old: str, new: str) -> None:
        text = self.world.inventory.read_text()
        assert old in text
        self.world.inventory.write_text(text.replace(old, new))

    @property
    def release(self) -> Path:
        """The release's folder in production's record."""
        return self.world.record / "runs" / self.run

    def approve(self, run: str) -> None:
        answer = self.palier("approve", run, "--yes", "--key", str(self.world.approver_key))
        assert answer.code == 0, answer.said

    def last(self, flow: str) -> Path:
        """The record of the newest run of ``flow``."""
        return max((self.world.record / "runs").glob(f"*-{flow}-*"))

    # The command line

    def start(self, *words: str) -> Running:
        """``palier --project WORLD words...`` in the background."""
        self._number += 1
        place = self.temporary / f"command-{self._number}"
        place.mkdir(parents=True)
        python = [sys.executable, "-c", "from pipeline.cli import main; main()"]
        return Running([*python, "--project", str(self.world.folder), *words], self._environment(), place)

    def palier(self, *words: str, timeout: float = 300) -> Answer:
        """Run a command to its end. It may show neither a traceback nor a secret, whatever it answers."""
        with killed_at_the_end(self.start(*words)) as running:
            answer = running.answer(timeout)
        self.require_decent(answer)
        return answer

    def require_decent(self, answer: Answer) -> None:
        assert "Traceback" not in answer.said, answer.said
        assert "defect of Palier" not in answer.said, answer.said
        told = [secret for secret in self.secrets() if secret in answer.said]
        assert not told, answer.said

    def _environment(self) -> dict[str, str]:
        # Browsers keep their profile below TMPDIR: that is how those of this world are told from all others.
        own = {MARK: str(self.world.folder), "TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **own, "PALIER_USER": "nadia"}

    def secrets(self) -> list[str]:
        """What no output and no evidence may hold."""
        found = [self.world.production.password, self.world.staging.password]
        gate = self.world.folder / ".palier" / SHOP / "staging-password"
        if gate.exists():
            found.append(gate.read_text().strip())
        found += [path.read_text() for path in (self.world.record / "runs").glob("*/testers-cookie")]
        return found

    # Looking

    def look(self) -> State:
        """Production as it is: every table's definition and rows, every file's hash."""
        return State(self._tables(self.world.production), hashes(self.world.production.root))

    def _tables(self, site: Site) -> dict[str, str]:
        listed = self.world.mariadb.admin(
            "SELECT table_name FROM information_schema.tables "
            f"WHERE table_schema = '{site.schema}' AND table_name NOT LIKE '\\_palier\\_%'"
        ).split()
        sql = "".join(
            f"SELECT '@{name}'; SHOW CREATE TABLE `{site.schema}`.`{name}`; "
            f"SELECT * FROM `{site.schema}`.`{name}` WHERE {VARYING.get(name, '1')} ORDER BY 1, 2;"
            for name in listed
            if name not in THROWAWAY
        )
        found = {}
        for part in re.split(r"(?m)^@", self.world.mariadb.admin(sql))[1:]:
            name, _, content = part.partition("\n")
            steady = re.sub(r" AUTO_INCREMENT=\d+", "", content)
            found[name] = hashlib.sha256(steady.encode()).hexdigest()
        return found

    def sql(self, query: str, site: Site | None = None) -> list[tuple[str, ...]]:
        """Rows of a query on production's schema, or another site's."""
        schema = (site or self.world.production).schema
        return [tuple(line.split("\t")) for line in self.world.mariadb.admin(f"USE `{schema}`; {query}").splitlines()]

    def versions(self) -> dict[str, str]:
        """The versions of production's modules, on disk."""
        plugins = self.world.production.root / "wp-content" / "plugins"
        found = {}
        for module in paperwork.MODULES:
            header = (plugins / module.name / f"{module.name}.php").read_text("utf-8")
            version = re.search(r"(?m)^ \* Version:\s*(\S+)", header)
            assert version is not None
            found[module.name] = version[1]
        return found

    def data_versions(self) -> dict[str, str]:
        """The versions of production's modules in its database."""
        rows = self.sql("SELECT option_name, option_value FROM wp_options WHERE option_name LIKE 'shop%version'")
        versions = {row[0]: row[1] for row in rows}
        return {module.name: versions[module.version_option] for module in paperwork.MODULES}

    def left_running(self) -> list[str]:
        """The command lines of processes of this world that are not its servers."""
        servers = family(pid for pid in self.world._pids().values() if pid is not None)
        pids = (self._mine() | set(marked(self.world.folder))) - servers
        return [words[:300] for words in map(_command_line, sorted(pids)) if words]

    def _mine(self) -> set[int]:
        """Suites and browsers: they carry no mark, but their command line names the temporary folder."""
        found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return {pid for pid in found if str(self.temporary) in _command_line(pid)} - {os.getpid()}

    def require_nothing_left_running(self, seconds: float = SETTLED) -> None:
        deadline = time.monotonic() + seconds
        while left := self.left_running():
            assert time.monotonic() < deadline, "still running: " + "\n".join(left)
            time.sleep(0.2)

    def require_untouched(self) -> None:
        """Production is to the byte what it was, it is open, and nothing runs on."""
        changed = self.state.differences(self.look())
        assert not changed, f"production was changed: {changed}"
        self.require_nothing_left_running()
        self.require_open()

    def require_open(self) -> None:
        import httpx

        answer = httpx.get(f"{self.world.production.url}/", timeout=20)
        assert answer.status_code == 200
        assert "product-card" in answer.text


THROWAWAY = {"wp_shop_sessions", "wp_shop_log"}
VARYING = {
    "wp_options": r"option_name NOT LIKE '\\_transient\\_%' AND option_name NOT LIKE '\\_site\\_transient\\_%' "
    "AND option_name NOT IN ('cron')"
}
"""Rows that a visit rewrites."""


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def hashes(root: Path) -> dict[str, str]:
    """The SHA-256 of every file below ``root``."""
    words = ["find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+"]
    told = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=120, check=True).stdout
    return {path: digest for digest, _, path in (line.partition("  ") for line in told.splitlines())}


def mirror(source: Path, target: Path) -> None:
    """Make ``target`` what ``source`` is; what is not there is removed there too."""
    if not source.exists():
        shutil.rmtree(target, ignore_errors=True)
        return
    target.mkdir(parents=True, exist_ok=True)
    words = ["rsync", "--archive", "--checksum", "--delete", f"{source}/", f"{target}/"]  # equal times say nothing
    subprocess.run(words, check=True, timeout=120, capture_output=True)


@contextlib.contextmanager
def killed_at_the_end(running: Running) -> Iterator[Running]:
    """No test leaves its command running, whatever became of it."""
    try:
        yield running
    finally:
        if running.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGCONT)
                os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait(10)
