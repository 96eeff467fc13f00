"""Init: from an address and a folder to an inventory. The host is only read; what it does not tell is asked."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.config import answers
from pipeline.config.answers import Answers
from pipeline.config.draft import Blank, Draft, Question
from pipeline.config.inventory import IDENTIFIER, HostSpec
from pipeline.config.loader import FOLDER, load_inventory
from pipeline.database.connection import Credentials, Database, QueryFailed
from pipeline.errors import ConfigError, PalierError, Refused
from pipeline.events import Emit, StepBegun, StepDone, StepFailed
from pipeline.platforms import recognition
from pipeline.platforms.recognition import Facts, Settings
from pipeline.remote.address import LOCAL, parse_address
from pipeline.remote.connect import connect
from pipeline.remote.host import Host
from pipeline.steps.drafting import Ask, Found, compose, home_path

Accept = Callable[[str, str], bool]
"""Whether people accept a host by its address and its key's fingerprint."""

Answer = Callable[[Question, Blank, Callable[[str], Answers]], Answers]
"""Asks people for one blank of a question; hands back what they said, read by the given reader, or nothing."""


def nobody(_question: Question, _blank: Blank, _read: Callable[[str], Answers]) -> Answers:
    """Nobody can answer."""
    return {}


@dataclass(frozen=True)
class Told:
    """What the shop's database told, and the sentences about it."""

    told: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The inventory that was written, what it says, and what is left to answer."""

    path: Path
    recognised: str
    asked: tuple[Question, ...]

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(question.text for question in self.asked)

    def as_json(self) -> dict[str, object]:
        open_ = [
            {"question": each.text, "set": {blank.key: blank.proposal for blank in each.blanks}} for each in self.asked
        ]
        return {"inventory": str(self.path), "recognised": self.recognised, "questions": open_}


def run(
    shop: str,
    ask: Ask,
    staging: Ask | None,
    root: Path,
    *,
    accept: Accept,
    emit: Emit,
    given: Sequence[str] = (),
    answer: Answer = nobody,
) -> Outcome:
    """Look at a shop and write ``inventories/SHOP.yml``.

    :param root: the project's folder.
    :param given: answers that are known beforehand, as ``KEY=VALUE``; they win over what is found out.
    :param answer: asks people what is still open.
    :raises Refused: if there is an inventory already, or no platform is recognised.
    :raises ConfigError: if an answer is no key of an inventory, or what it says cannot be.
    :raises HostKeyRefused: if the host's key is not accepted.
    """
    path = _free(shop, root)
    known = answers.read(given, path.parent)
    production = look("production", shop, ask, path.parent, accept=accept, emit=emit)
    if production.facts.platform is None:
        raise Refused(
            f"In {ask.path} on {ask.host} there is neither a WordPress nor a PrestaShop.",
            why=_why_not(production.facts),
            next_step="Give the folder that the web server serves as --path; it holds wp-includes/, or classes/.",
        )
    tried = look("staging", shop, staging, path.parent, accept=accept, emit=emit) if staging else None
    draft = _asked(compose(shop, production, tried).answered(known), path.parent, answer)
    _write(path, draft)
    return Outcome(path, production.facts.shown, draft.asked)


def _asked(draft: Draft, folder: Path, answer: Answer) -> Draft:
    """The draft with what people answer to what is open, question after question."""
    for question in draft.asked:
        for blank in question.blanks:
            if blank.settled(draft.answers):
                continue
            found = answer(question, blank, partial(_read, blank.key, folder))
            if not found and len(question.blanks) > 1:
                break  # without the first the others say nothing
            draft = draft.answered(found)
    return draft


def _read(key: str, folder: Path, text: str) -> Answers:
    return answers.read([f"{key}={text}"], folder)


def _free(shop: str, root: Path) -> Path:
    if not re.match(IDENTIFIER, shop):
        raise ConfigError(f'"{shop}" cannot be the name of a shop.', next_step="Use letters, digits, dots and dashes.")
    path = root / FOLDER / f"{shop}.yml"
    if path.exists():
        raise Refused(
            f"There is an inventory {path} already; it is never written over.",
            next_step=f"Edit it and check it: palier config check {path} — or choose another name.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def look(role: str, shop: str, ask: Ask, folder: Path, *, accept: Accept, emit: Emit) -> Found:
    """Connect to a host and ask what stands in a folder of it; nothing is written there."""
    known_hosts, fingerprint = ask.known_hosts, ""
    if ask.host != LOCAL and known_hosts is None:
        known_hosts = folder / f"{shop}.known_hosts"
        fingerprint = _meet(ask, known_hosts, accept=accept)
    spec = HostSpec(ssh=ask.host, identity=ask.identity, known_hosts=known_hosts, jump=None)
    name, began = f"Look at {ask.path}", time.monotonic()
    emit(StepBegun(name, ask.host))
    try:
        with closing(connect(spec, role)) as host:
            facts = recognition.read(host.run(recognition.questions(ask.path), timeout=120).stdout)
            settings, notes, questions = _configuration(host, ask, facts)
            asked = _database(host, facts, settings)
    except PalierError as error:
        emit(StepFailed(name, time.monotonic() - began, error.what))
        raise
    emit(StepDone(name, time.monotonic() - began, facts.shown if facts.platform else "no shop"))
    return Found(
        ask, facts, settings, asked.told, (*notes, *asked.notes), questions,
        _beside(known_hosts, folder) if known_hosts else "", fingerprint,
    )  # fmt: skip


def _meet(ask: Ask, known_hosts: Path, *, accept: Accept) -> str:
    """Make the host known in the project's own file, once people agreed to its fingerprint; returns that."""
    from pipeline.remote.first_contact import host_key
    from pipeline.remote.host import HostKeyRefused

    address = parse_address(ask.host)
    lines = known_hosts.read_text("utf-8").splitlines() if known_hosts.exists() else []
    if any(line.split()[:1] == [address.key_name] for line in lines):
        if ask.host_key:  # what was accepted once does not outweigh what the administrator says now
            host_key(address, expected=ask.host_key)
        return ""
    key = host_key(address, expected=ask.host_key or None)
    if not ask.host_key and not accept(str(address), str(key)):
        raise HostKeyRefused(
            f"The SSH key of {address} was not accepted: {key}",
            next_step=f'Compare it with the one that its administrator gives you, then: --host-key "{key.fingerprint}"',
        )
    with known_hosts.open("a", encoding="utf-8") as file:
        file.write(f"{key.line}\n")
    return key.fingerprint


def _configuration(host: Host, ask: Ask, facts: Facts) -> tuple[Settings | None, tuple[str, ...], tuple[Question, ...]]:
    """The shop's own configuration: what it says, and what it does not."""
    file = facts.configuration_file
    if not file:
        missing = "There is no configuration file: the shop is not installed there, or keeps it elsewhere."
        return None, (), (Question(missing),) if facts.platform else ()
    if file in facts.all("unreadable"):
        return (
            None,
            (),
            (Question(f"{file} may not be read by {facts.one('user')}; Palier reads the database's place there."),),
        )
    found = recognition.settings(facts, host.read(os.path.normpath(f"{ask.path}/{file}")).decode("utf-8", "replace"))
    own = found.configuration
    if own is None:
        lines = ("database:", "  name:", "  user:", "  password: {env: NAME_OF_A_VARIABLE}")
        return (
            found,
            (),
            (Question(f"{file} computes the database's place instead of stating it. Where is it?", lines),),
        )
    at = own.socket or f"{own.host}:{own.port}"
    return (
        found,
        (f"Database {own.database} at {at}, prefix {own.prefix or '(none)'}: read from {file} each time.",),
        (),
    )


def _database(host: Host, facts: Facts, settings: Settings | None) -> Told:
    """Ask the shop's database for what only it knows. What it refuses is left open, not raised."""
    own = settings.configuration if settings else None
    if own is None or facts.platform is None:
        return Told({}, ())
    credentials = Credentials(own.database, own.user, own.password, own.host, own.port, own.socket)
    try:
        with Database(host, credentials, "").connected() as db:
            told = {}
            for name, sql in recognition.said_by_database(facts.platform, own.prefix).items():
                try:
                    told[name] = str(db.value(sql) or "")
                except QueryFailed:
                    continue  # an older version may lack a table or a column; then that is not known
            return Told(told, _about(db))
    except PalierError as error:
        return Told({}, (f"The database did not answer: {error.what}",))


def _about(db: Database) -> tuple[str, ...]:
    tables, size = db.rows(
        "SELECT COUNT(*), COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables "
        "WHERE table_schema = DATABASE()"
    )[0]
    grants = [re.sub(r" (IDENTIFIED|TO|WITH) .*", "", str(row[0])) for row in db.rows("SHOW GRANTS")]
    wide = [grant for grant in grants if not grant.startswith("GRANT USAGE")]
    return (
        f"{tables} tables, {int(size) >> 20:,} MB, server {db.value('SELECT VERSION()')}.",
        f"Its account: {'; '.join(wide)[:300] or 'no privilege that it tells of'}.",
    )


def _why_not(facts: Facts) -> str:
    state = facts.one("root")
    said = {
        "missing": "There is no such folder.",
        "file": "It is a file, not a folder.",
        "closed": f"{facts.one('user')} may not read it.",
    }
    return said.get(state, "The folder is empty." if facts.one("empty") else "Neither's files are in it.")


def _beside(path: Path, folder: Path) -> str:
    try:
        return str(path.absolute().relative_to(folder.absolute()))
    except ValueError:
        return home_path(path)


def _write(path: Path, draft: Draft) -> None:
    """Written beside, checked as any inventory is, then given its name: never over another."""
    partial = path.with_name(f"{path.stem}.partial.yml")
    partial.write_text(draft.text(), "utf-8")
    try:
        load_inventory(partial)
        path.hardlink_to(partial)
    except FileExistsError:
        raise Refused(f"Somebody else has just written {path}; it is never written over.") from None
    except ConfigError as error:
        mistakes = re.sub(r"(?m)^\S*\.partial\.yml:\d+:\d+: ", "", error.what)
        raise ConfigError(
            f"The inventory would not hold:\n{mistakes}", next_step="Answer it as it must be, with --set KEY=VALUE."
        ) from None
    finally:
        partial.unlink()
