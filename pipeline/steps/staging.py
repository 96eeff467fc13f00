"""Staging: closed to the outside, configured, rewritten to its own addresses, and proved harmless."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from pipeline.engine import Act, Step
from pipeline.errors import PalierError
from pipeline.evidence.mailtrap import MailTrap
from pipeline.platforms import gate, maintenance
from pipeline.platforms.platform import Configuration
from pipeline.remote.command import Command, Secret, command
from pipeline.steps.site import Shop

NOWHERE = ("", "/bin/false", "/usr/bin/false", "/bin/true", "/usr/bin/true")
"""Values of ``sendmail_path`` that deliver nothing."""

GATE_USER = "palier"
LEAK_ADDRESS = "leak-test@example.com"


class StagingLeaks(PalierError):
    """Staging could harm somebody; nothing else is run on it."""


def gate_password(shop: Shop) -> tuple[str, Secret]:
    """User and password of staging's gate: the inventory's, or one that Palier made for this shop and keeps."""
    from pipeline.config.secrets import resolve

    deny = shop.inventory.staging.deny
    if deny is not None:
        return deny.user, resolve(deny.password)
    kept = shop.house / "staging-password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(18))
    return GATE_USER, Secret(kept.read_text().strip())


def close_staging(shop: Shop) -> Step:
    """Gate, configuration and the harmless plugin are there before any data of production is."""
    site, production = shop.staging, shop.production

    def shut_gate() -> None:
        rules = (
            production.host.read(f"{production.root}/.htaccess").decode()
            if production.host.exists(f"{production.root}/.htaccess")
            else ""
        )
        site.host.write(f"{site.root}/{gate.PASSWORDS}", gate.passwords(*gate_password(shop)), mode=0o644)
        site.host.write(f"{site.root}/.htaccess", gate.shut(maintenance.opened(rules), site.root), mode=0o644)

    def configure() -> None:
        where = site.database.credentials
        own = Configuration(
            where.name, where.user, where.password, where.host, where.port, where.socket, production.prefix
        )
        for file in site.platform.staging_files(production.configuration, own, shop.inventory.staging.mail_port):
            path = f"{site.root}/{file.path}"
            site.host.run(command("mkdir", "-p", path.rsplit("/", 1)[0]))
            site.host.write(path, file.text, mode=file.mode)
            site.host.run(command("chgrp", f"--reference={site.root}", path), check=False)

    def verify() -> str:
        status = httpx.get(f"{site.environment.url}/", timeout=30).status_code
        if status != 401:
            raise StagingLeaks(
                f"Staging at {site.environment.url} answers {status} to strangers where 401 was expected.",
                why="Its web server does not honour .htaccess (AllowOverride), or the URL is not this document root's.",
                next_step="Correct the virtual host or staging.url, then clone again.",
            )
        return "401 for strangers"

    return Step(
        name="Close staging to the outside",
        host=site.host.name,
        acts=(
            Act(f"write {site.root}/.htaccess and {gate.PASSWORDS}", shut_gate),
            Act("write staging's own configuration, and what catches mail and calls; no live key", configure),
            Act(f"GET {site.environment.url}/ without the password: 401 expected", verify),
        ),
    )


def rewrite_addresses(shop: Shop) -> Step:
    """Production's addresses become staging's, in every table, serialised values included; then none is left."""
    site = shop.staging
    old, new = str(shop.production.environment.url), str(site.environment.url)
    commands = site.platform.rewrite_addresses(old, new)

    def disarm() -> str:
        statements = site.platform.disarm(site.prefix, old, new, shop.inventory.staging.mail_port)
        with site.database.connected() as db:
            for statement in statements:
                db.execute(statement)
        return f"{len(statements)} statements" if statements else ""

    def rewrite() -> str:
        return f"{sum(changed(each, site.host.run(each).stdout) for each in commands)} values"

    def verify() -> str | None:
        left = addresses_left(shop, old)
        if left:
            raise StagingLeaks(
                f"Staging's database still holds production's address, in {', '.join(left[:5])}.",
                next_step="Give the table to the platform's rewriting, or list it as throw-away, then clone again.",
            )
        return None

    return Step(
        name="Rewrite addresses",
        host=site.host.name,
        acts=(
            Act("empty keys, webhooks and scheduled work; switch live payments off", disarm),
            Act("; ".join(map(str, commands)), rewrite),
            Act(f"search every text column for {old}: none expected", verify),
        ),
    )


def changed(rewriting: Command, said: str) -> int:
    """How many values a command has rewritten: the last word that it says. :raises PalierError: if it says none."""
    number = (said.split() or [""])[-1]
    if not number.isdigit():
        raise PalierError(
            "Staging's addresses could not be rewritten; production was only read.",
            why=f"{rewriting} did not say how many values it changed, but: {said.strip()[-200:] or 'nothing'}",
            next_step="Run that command on staging's host to see what is wrong there, then clone again.",
        )
    return int(number)


def addresses_left(shop: Shop, address: str) -> list[str]:
    """``table.column`` of every text column of staging that still holds ``address``, identifiers left out."""
    site = shop.staging
    with site.database.connected() as db:
        columns = db.rows(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND data_type IN ('char','varchar','tinytext','text','mediumtext','longtext') "
            "AND table_name NOT LIKE '\\\\_palier\\\\_%'"
        )
        return [
            f"{table}.{column}"
            for table, column in columns
            if column not in site.platform.identifiers
            and db.value(f"SELECT 1 FROM `{table}` WHERE `{column}` LIKE %s LIMIT 1", (f"%{address}%",))  # noqa: S608
        ]


def prove_harmless(shop: Shop) -> Step:
    """Try every way out that a module has. Mail must end in the trap, calls must reach nobody."""
    site = shop.staging

    def attempt() -> str:
        subject = f"palier leak test {secrets.token_hex(6)}"
        with (
            mail_trap(shop, shop.house / "leak-test") as trap,
            _listener() as heard,
            site.host.listen(0, heard.port) as port,
        ):
            said = json.loads(
                site.host.run(site.platform.leak_test(LEAK_ADDRESS, f"http://127.0.0.1:{port}/leak", subject)).stdout
            )
            caught = trap.wait_for(to=LEAK_ADDRESS, subject_contains=subject, seconds=10)
            problems = _leaks(said, caught=bool(caught), called=heard.count > 0, url=str(site.environment.url))
        if problems:
            raise StagingLeaks(
                "Staging is not harmless: " + "; ".join(problems) + ".",
                next_step=f"Mend it on staging's host, then clone again: palier clone {shop.name}",
            )
        return (
            "mail caught, calls refused, cron off, not indexed; "
            "nothing in PHP stops raw sockets, SOAP and programs that a module starts: the host's firewall does"
        )

    return Step(
        name="Prove that staging is harmless",
        host=site.host.name,
        acts=(Act("on staging: send a mail, call out, look at cron and robots", attempt),),
    )


def _leaks(said: dict[str, object], *, caught: bool, called: bool, url: str) -> list[str]:
    """What the leak test found wrong, as parts of a sentence."""
    problems = {
        "a mail did not arrive in the trap": not (said["mail"] and caught),
        f"PHP's mail() delivers through {said['sendmail']} (set sendmail_path to /bin/false for staging's site)": (
            said["sendmail"] not in NOWHERE
        ),
        "a call to another address went out": called or said["http"] != "refused",
        "scheduled tasks are on": said["cron"] != "off",
        "search engines are invited": said["indexed"],
        f"its environment is {said['environment']!r}, not 'staging'": said["environment"] != "staging",
        f"its address is {said['url']}, not {url}": said["url"] != url,
        "it keeps its objects in a cache that production may share (wp-content/object-cache.php)": (
            said.get("cache") == "shared"
        ),
    }
    return [sentence for sentence, wrong in problems.items() if wrong]


@contextmanager
def mail_trap(shop: Shop, folder: Path) -> Iterator[MailTrap]:
    """The trap that staging's mail goes to for as long as it is needed; between runs nothing listens there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with MailTrap(folder) as trap, shop.staging.host.listen(shop.inventory.staging.mail_port, trap.port):
        yield trap


class _Listener:
    """Counts who connects: for calls that must not come."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.count = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.count += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextmanager
def _listener() -> Iterator[_Listener]:
    listener = _Listener()
    try:
        yield listener
    finally:
        listener.close()
