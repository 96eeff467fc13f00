"""From what a host told about a shop to the draft of its inventory: what is known, and what is asked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.config.draft import Draft, Place, Question
from pipeline.platforms import recognition
from pipeline.platforms.platform import Configuration
from pipeline.platforms.recognition import Facts, Settings

SPACE = 1 << 20
"""Kilobytes that should be free on a host."""

STAGING_MISSING = "Where may updates be tried? This is a guess: an address, a host and a folder of staging's own."


@dataclass(frozen=True)
class Ask:
    """What somebody knows of a site when they begin. Empty: not said."""

    host: str
    path: str
    identity: Path | None = None
    known_hosts: Path | None = None
    host_key: str = ""
    url: str = ""
    wp_cli: str = ""


@dataclass(frozen=True)
class Found:
    """One site, looked at."""

    ask: Ask
    facts: Facts
    settings: Settings | None
    told: Mapping[str, str]
    notes: tuple[str, ...]
    questions: tuple[Question, ...]
    known_hosts: str = ""
    fingerprint: str = ""


def compose(shop: str, production: Found, staging: Found | None) -> Draft:
    """The inventory from what was found."""
    facts, told = production.facts, production.told
    if facts.platform is None:
        raise ValueError("a draft needs a recognised platform")
    constants = production.settings.constants if production.settings else {}
    url = production.ask.url or recognition.url_of(facts.platform, told, constants)
    questions = []
    if not url:
        url = "https://shop.example"
        questions.append(Question("What address do visitors type? It could not be read from the database."))
    place = _place(production, url, facts)
    term = recognition.search_term(told.get("product", ""))
    pages = "demo" if facts.has("wp-content/plugins/palier-shop") else facts.platform
    journeys = [("pages", pages), *([("search_term", term)] if term else [])]
    asked = [] if term else [Question("Which word must a search find a product by?", ("journeys:", "  search_term:"))]
    return Draft(
        shop=shop,
        platform=facts.platform,
        shown_platform=", ".join(filter(None, (facts.shown, f"theme {told['theme']}" if told.get("theme") else ""))),
        told_by=f"{production.ask.host}",
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        production=replace(place, questions=(*questions, *place.questions)),
        staging=_staging(shop, production, url, staging),
        brand=told.get("brand", ""),
        contact=told.get("contact", ""),
        journeys=tuple(journeys),
        questions=(*asked, *_team_questions(shop)),
    )


def _place(found: Found, url: str, facts: Facts) -> Place:
    ask = found.ask
    settings, questions = _programs(found, facts)
    real = facts.one("real")
    if "/releases/" in real or ask.path.rstrip("/").endswith("/current"):
        settings.append(("layout", "releases"))
    notes = [*found.notes, *_ground(facts)]
    return Place(
        url, ask.host, ask.path, home_path(ask.identity), found.known_hosts, found.fingerprint,
        settings=tuple(settings), notes=tuple(notes), questions=(*found.questions, *questions),
    )  # fmt: skip


def _programs(found: Found, facts: Facts) -> tuple[list[tuple[str, str]], list[Question]]:
    """PHP, WP-CLI and the web user, where they are not what Palier takes for granted."""
    settings: list[tuple[str, str]] = []
    questions: list[Question] = []
    web, login = facts.web_users[:1], facts.one("user")
    if web and web[0] != login and web[0] in facts.all("sudo"):
        settings.append(("web_user", web[0]))
    elif web and web[0] != login:
        questions.append(
            Question(
                f"PHP seems to run as {web[0]}; {login} may not become it (sudo -n -u {web[0]}). Allow it, and say:",
                (f"web_user: {web[0]}",),
            )
        )
    elif not web:
        questions.append(Question("As which user does PHP run, if it is not the one who logs in?", ("web_user:",)))
    programs = [line.split(" ")[0] for line in facts.all("php")]
    if not programs:
        questions.append(Question("Where is the PHP program? None was found.", ("php: /usr/bin/php",)))
    elif programs[0] != "php":
        settings.append(("php", programs[0]))
    if facts.platform in ("wordpress", "woocommerce"):
        program = found.ask.wp_cli or facts.one("wp_cli")
        if program.rpartition("/")[2] == "wp" and not found.ask.wp_cli:
            program = ""  # in the PATH, where Palier looks by itself
        elif not program:
            questions.append(
                Question(
                    "Where is WP-CLI? Without it a WordPress cannot be updated.", ("wp_cli: /path/to/wp-cli.phar",)
                )
            )
        if program:
            settings.append(("wp_cli", program))
    questions.append(
        Question("Which log do PHP's errors go to? It is read as evidence.", ("php_error_log: /path/to/php-error.log",))
    )
    return settings, questions


def _ground(facts: Facts) -> list[str]:
    """What lies under the shop: owner, rights, space."""
    free = int(facts.one("free_kb") or 0)
    php = facts.one("php").split(" ")
    rights = "write" if facts.one("writable") else "NOT WRITE"
    room = "" if free > SPACE else ": TOO LITTLE for a snapshot"
    owner, login = facts.one("owner"), facts.one("user")
    notes = [f"Owned by {owner}; {login} may {rights} there; {free >> 10:,} MB free{room}."]
    if len(php) > 1:
        notes.append(f"PHP {php[1]} on the command line.")
    missing = sorted({"rsync", "zstd", "tar", "sha256sum", "setsid"} - set(facts.all("program")))
    if missing:
        notes.append(f"Not installed there: {', '.join(missing)}.")
    if facts.has("modules/ps_mbo"):
        notes.append("The Marketplace module (ps_mbo) is there: it may download other versions than the tested ones.")
    return notes


def _staging(shop: str, production: Found, url: str, found: Found | None) -> Place:
    if found is None:
        return _guessed_staging(shop, production, url)
    ask, facts = found.ask, found.facts
    own = found.settings.configuration if found.settings else None
    wanted = ask.url or (recognition.url_of(facts.platform, found.told, {}) if facts.platform and own else "")
    questions: list[Question] = []
    same = not wanted or wanted == url
    if same:
        wanted = _guessed_url(url)
        questions.append(Question("Which address has staging? This is a guess."))
    place = _place(found, wanted, facts if facts.platform else _as_production(facts, production.facts))
    if own is None or _same_schema(own, production):
        questions.append(_database_question(shop))
    return replace(
        place, questions=(*questions, *(q for q in place.questions if "PHP" not in q.text or facts.platform))
    )


def _as_production(facts: Facts, other: Facts) -> Facts:
    """An empty staging will be on production's platform."""
    keys = ("wordpress", "woocommerce", "prestashop")
    return Facts({**facts.told, **{key: other.all(key) for key in keys if other.all(key)}})


def _guessed_staging(shop: str, production: Found, url: str) -> Place:
    ask = production.ask
    root = re.sub(r"/current/?$", "", ask.path.rstrip("/")) + "-staging"
    taken = " There is something of that name already!" if production.facts.one("staging_taken") else ""
    settings = tuple((key, value) for key, value in _programs(production, production.facts)[0])
    return Place(
        _guessed_url(url), ask.host, root, home_path(ask.identity), production.known_hosts, settings=settings,
        questions=(Question(STAGING_MISSING + taken), _database_question(shop)),
    )  # fmt: skip


def _guessed_url(url: str) -> str:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if re.fullmatch(r"[0-9.]+|localhost|.*:.*", host):
        return f"{parts.scheme}://staging.shop.example"
    return f"{parts.scheme}://staging.{host}"


def _database_question(shop: str) -> Question:
    variable = re.sub(r"[^A-Z0-9]", "_", shop.upper())
    return Question(
        "Which database may staging use? It needs a schema and an account of its own:",
        ("database:", "  name: ", "  user: ", f"  password: {{env: {variable}_STAGING_PASSWORD}}"),
    )


def _same_schema(own: Configuration, production: Found) -> bool:
    theirs = production.settings.configuration if production.settings else None
    same_host = production.ask.host.partition(":")[0]
    return theirs is not None and bool(same_host) and (own.database, own.host, own.port) == (
        theirs.database, theirs.host, theirs.port,
    )  # fmt: skip


def _team_questions(shop: str) -> tuple[Question, ...]:
    return (
        Question("Who may approve? ssh-keygen(1), ALLOWED SIGNERS.", (f"allowed_signers: {shop}.allowed_signers",)),
        Question(
            "Where are newer packages, and where known weaknesses? docs/advisories.md",
            ("packages: [../packages]", "advisories:", "  - {kind: friends-of-presta}"),
        ),
    )


def home_path(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return f"~/{path.absolute().relative_to(Path.home())}"
    except ValueError:
        return str(path.absolute())
