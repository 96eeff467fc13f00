"""A whole shop world on this machine: two hosts, a database, a web server, the customers' mail, a shop that lives.

Everything is in one folder and on loopback. Ports are chosen at the first start and kept, so that a world that was
stopped comes back as it was. ``destroy`` leaves no process and no file.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.demo import paperwork, sendmail, wordpress
from pipeline.demo.apache import Apache, VirtualHost
from pipeline.demo.mailserver import MailServer
from pipeline.demo.mariadb import MariaDB
from pipeline.demo.ports import LOOPBACK, free_port
from pipeline.demo.process import ServiceFailed, end, family, marked, program
from pipeline.demo.sshd import Sshd
from pipeline.events import Emit, StepBegun, StepDone, silent

TITLE = "Maison Palier"
NO_MAIL = "/bin/false"
ORDERS = 300
AWKWARD = set("\"'\\$%{}`\n")
"""Characters that some server's configuration would read as its own; a folder with one of them is refused."""


@dataclass(frozen=True)
class Site:
    """One environment of the shop: SSH server, virtual host, document root, and schema (its account is named alike)."""

    role: str
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def root(self) -> Path:
        """The document root."""
        return self.folder / "www"

    @property
    def schema(self) -> str:
        return f"shop_{self.role}"

    @property
    def password_file(self) -> Path:
        """The database account's password, mode 0600."""
        return self.folder / "database-password"

    @property
    def password(self) -> str:
        return self.password_file.read_text().strip()

    @property
    def php_error_log(self) -> Path:
        return self.folder / "php-error.log"

    @property
    def access_log(self) -> Path:
        return self.folder / "access.log"

    @property
    def php_settings(self) -> Path:
        """A folder of PHP settings that this host's command line reads after the machine's own."""
        return self.folder / "php.d"

    @property
    def sshd(self) -> Sshd:
        return Sshd(self.folder / "sshd", self.role)


class World:
    """The world in ``folder``. Making the object starts nothing and writes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.mariadb = MariaDB(self.folder / "mariadb")
        self.apache = Apache(self.folder / "apache")
        self.mail = MailServer(self.folder / "customers-mail")
        self.inventory = self.folder / "inventories" / f"{paperwork.SHOP}.yml"
        self.playbook = self.folder / "playbooks" / "all-six.yml"
        self.packages = self.folder / "packages"
        self.approver_key = self.folder / "approver" / "id_ed25519"
        self.allowed_signers = self.folder / "approver" / "allowed_signers"
        self.leaky = False
        """Whether staging's PHP delivers mail like production's: for tests of the leak test."""
        self.record = self.folder / "production" / "record"
        self._state_file = self.folder / "state.json"
        self._pristine = self.folder / "pristine"

    @property
    def production(self) -> Site:
        return self._site("production")

    @property
    def staging(self) -> Site:
        return self._site("staging")

    @property
    def mail_port(self) -> int:
        """The port on staging's host that is kept free for Palier's mail trap."""
        return int(self._state["ports"]["trap"])

    @property
    def exists(self) -> bool:
        return self._state_file.exists()

    # Coming and going

    def start(self, *, orders: int | None = None, emit: Emit = silent) -> None:
        """Build the world if it is not there, and start what does not run.

        :param orders: how many orders production has; another number than it was built with builds the shop anew.
        :raises ServiceFailed: if a server did not come up, with the end of its log.
        """
        self._require_place()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._choose_ports()
            self._step("Start MariaDB, SSH, Apache and the customers' mail server", self._start_servers, emit)
            wanted = orders if orders is not None else (self._state.get("orders") or ORDERS)
            if self._state.get("orders") != wanted:
                self._step("Install WordPress, the shop and its six modules", self._install, emit)
                self._step(f"Stock the shop: {wanted} orders", lambda: self._seed(wanted), emit)
                self._save(orders=wanted)
            self._step("Write inventory, playbook and packages", self._write_papers, emit)
            self._save(pids=self._pids())

    def stop(self) -> None:
        """Stop every server and whatever was left running by a session; every file stays."""
        if self.exists:
            self.apache.stop()
            for site in (self.production, self.staging):
                site.sshd.stop()
            self.mail.stop()
            self.mariadb.stop()
            self._save(pids={})
        end(marked(self.folder), seconds=2)

    def destroy(self) -> None:
        """Stop everything and remove the folder. :raises ServiceFailed: if the folder is not a world's."""
        if not self.folder.exists():
            return
        if not self.exists and any(self.folder.iterdir()):
            raise ServiceFailed(
                f"{self.folder} was not made by the demo (it has no state.json), so it is not removed.",
                next_step="Look into it, and remove it yourself if it is of no use.",
            )
        self.stop()
        shutil.rmtree(self.folder)

    # For tests: the same world again and again

    def remember(self) -> None:
        """Keep production as it is now, for :meth:`reset`."""
        site = self.production
        self._pristine.mkdir(exist_ok=True)
        _mirror(site.root, self._pristine / "www")
        self.mariadb.dump(site.schema, self._pristine / "shop.sql")

    def reset(self) -> None:
        """Everything as at :meth:`remember`: production as it was, staging empty, nothing recorded or left running."""
        if not (self._pristine / "shop.sql").exists():
            raise ServiceFailed("There is nothing to go back to.", next_step="Call remember() after start().")
        servers = family(pid for pid in self._pids().values() if pid is not None)
        end(set(marked(self.folder)) - servers, seconds=1)
        self.apache.stop()  # its OPcache would hold on to the code of before for two seconds
        _mirror(self._pristine / "www", self.production.root)
        for site in (self.production, self.staging):
            self.mariadb.admin(f"DROP DATABASE IF EXISTS `{site.schema}`")
            self.mariadb.create(site.schema, site.schema, site.password)
            site.php_error_log.write_text("")
        self.mariadb.admin(f"USE `{self.production.schema}`;" + (self._pristine / "shop.sql").read_text("utf-8"))
        for folder in (self.staging.root, self.record, self.staging.folder / "record", self.folder / ".palier"):
            shutil.rmtree(folder, ignore_errors=True)
        self.staging.root.mkdir()
        self.mail.clear()
        self._write_papers()
        self._start_servers()

    # How it is built

    def _start_servers(self) -> None:
        for site in (self.production, self.staging):
            site.root.mkdir(parents=True, exist_ok=True)
            _secret(site.password_file)
        self.mariadb.start(marked=self.folder)
        for site in (self.production, self.staging):
            self.mariadb.create(site.schema, site.schema, site.password)
        self.mail.start(marked=self.folder)
        for site in (self.production, self.staging):
            self._write_php_settings(site)
            # The command line's PHP of this host sends its mail where the web server's does.
            site.sshd.start(marked=self.folder, environment={"PHP_INI_SCAN_DIR": f":{site.php_settings}"})
        self.apache.start(self._virtual_hosts(), marked=self.folder)

    def _install(self) -> None:
        wordpress.require_core()
        self._save(orders=None)
        site = self.production
        account = wordpress.Account(site.schema, site.schema, site.password, self.mariadb.port)
        self.mariadb.admin(f"DROP DATABASE IF EXISTS `{site.schema}`")
        self.mariadb.create(site.schema, site.schema, site.password)
        wordpress.copy_core(site.root)
        wordpress.write_configuration(site.root, account)
        modules = [module.folder(module.old) for module in paperwork.MODULES]
        wordpress.install(site.root, site.url, [paperwork.PLUGIN, *modules], title=TITLE, cache=self.folder / "wp-cli")

    def _seed(self, orders: int) -> None:
        from pipeline.demo.seed import seed_sql, write_images

        site = self.production
        write_images(site.root / "wp-content" / "uploads" / "shop")
        self.mariadb.admin(f"USE `{site.schema}`;\n" + "".join(seed_sql(wordpress.PREFIX, orders=orders)))

    def _write_papers(self) -> None:
        paperwork.make_approver(self)
        paperwork.write_playbook(self)
        paperwork.write_inventory(self)

    def _write_php_settings(self, site: Site) -> None:
        site.php_settings.mkdir(exist_ok=True)
        (site.php_settings / "palier.ini").write_text(f'sendmail_path = "{self.sendmail(site)}"\n')

    def _virtual_hosts(self) -> list[VirtualHost]:
        return [
            VirtualHost(site.port, site.root, site.php_error_log, site.access_log, self.sendmail(site))
            for site in (self.production, self.staging)
        ]

    def sendmail(self, site: Site) -> str:
        """The shell words of PHP's ``sendmail_path``: the customers' mail server; on staging nothing leaves this way.

        That is what a team sets for staging's virtual host, and what Palier's leak test insists on.
        """
        return NO_MAIL if site.role == "staging" and not self.leaky else self._sendmail()

    def _sendmail(self) -> str:
        """The script is a copy in the world, readable by the web user."""
        copy = self.folder / "bin" / "sendmail.py"
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(sendmail.__file__, copy)
        python = str(Path(sys.executable).resolve())
        return shlex.join([python, "-IS", str(copy), str(self.mail.port), "-t", "-i"])

    # State

    def _site(self, role: str) -> Site:
        return Site(role, self.folder / role, int(self._state["ports"][role]))

    @property
    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            raise ServiceFailed(f"There is no demo world in {self.folder}.", next_step="Run: palier demo") from None
        return state

    def _save(self, **changes: object) -> None:
        state = {**(self._state if self.exists else {}), **changes}
        draft = self._state_file.with_suffix(".partial")
        draft.write_text(json.dumps(state, indent=2, sort_keys=True) + "\n")
        draft.replace(self._state_file)

    def _choose_ports(self) -> None:
        if not self.exists:
            ports: set[int] = set()
            while len(ports) < 3:
                ports.add(free_port())
            self._save(ports=dict(zip(("production", "staging", "trap"), ports, strict=True)), orders=None)

    def _pids(self) -> dict[str, int | None]:
        return {
            "mariadb": self.mariadb.pid,
            "apache": self.apache.pid,
            "mail": self.mail.pid,
            "sshd-production": self.production.sshd.pid,
            "sshd-staging": self.staging.sshd.pid,
        }

    def _require_place(self) -> None:
        awkward = "".join(sorted(AWKWARD & set(str(self.folder))))
        if awkward:
            raise ServiceFailed(
                f"The demo cannot live in {self.folder}.",
                why=f"The configuration of its servers cannot name a folder with any of {awkward!r} in its path.",
                next_step="Move the checkout to a folder with a plainer name.",
            )
        if self.folder.exists() and self.folder.stat().st_uid != os.geteuid():
            raise ServiceFailed(
                f"The demo in {self.folder} belongs to another user.",
                next_step="Run make demo-down as that user first.",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two starts at once would choose two sets of ports."""
        with (self.folder / "lock").open("w") as lock:
            deadline = time.monotonic() + 120
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise ServiceFailed("Another process has been starting this demo for two minutes.") from None
                    time.sleep(0.2)
            yield

    @staticmethod
    def _step(name: str, work: Callable[[], None], emit: Emit) -> None:
        emit(StepBegun(name))
        began = time.monotonic()
        work()
        emit(StepDone(name, time.monotonic() - began))


def _secret(path: Path) -> None:
    """A fresh password in a file that only its owner reads, unless there is one."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18) + "\n")


def _mirror(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    words = [program("rsync", "rsync"), "--archive", "--checksum", "--delete", f"{source}/", f"{target}/"]
    result = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode:
        raise ServiceFailed(f"{source} could not be copied to {target}.", why=result.stderr.strip()[-1000:])
