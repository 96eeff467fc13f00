"""From what a host told about a shop to the draft of its inventory: what is known, and what is asked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.config.draft import Blank, Draft, Place, Question
from pipeline.platforms import php, recognition
from pipeline.platforms.platform import Configuration
from pipeline.platforms.recognition import Facts, Settings
from pipeline.steps import journeys

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
        questions.append(
            Question(
                "What address do visitors type? It could not be read from the database.",
                blanks=(Blank("production.url", "The address that visitors type", example="https://shop.example"),),
            )
        )
    place = _place(production, url, facts, "production")
    walk = journeys.told(facts, told)
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
        journeys=walk.settings,
        journey_notes=walk.notes,
        questions=(*walk.questions, *_team_questions(shop, facts)),
    )


def _place(found: Found, url: str, facts: Facts, role: str) -> Place:
    ask = found.ask
    settings, questions = _programs(found, facts, role)
    real = facts.one("real")
    if "/releases/" in real or ask.path.rstrip("/").endswith("/current"):
        settings.append(("layout", "releases"))
    notes = [*found.notes, *_ground(facts)]
    return Place(
        url, ask.host, ask.path, home_path(ask.identity), found.known_hosts, found.fingerprint,
        settings=tuple(settings), notes=tuple(notes), questions=(*found.questions, *questions),
    )  # fmt: skip


def _programs(found: Found, facts: Facts, role: str) -> tuple[list[tuple[str, str | int]], list[Question]]:
    """PHP, WP-CLI, the web user and the log, where they are not what Palier takes for granted."""
    settings: list[tuple[str, str | int]] = []
    questions: list[Question] = []
    for key, answer in (
        ("web_user", _web_user(facts, role)),
        ("php", _php(facts, role)),
        ("wp_cli", _wp_cli(found, facts, role)),
        ("php_error_log", _error_log(facts, role)),
    ):
        if isinstance(answer, Question):
            questions.append(answer)
        elif answer:
            settings.append((key, answer))
    return settings, questions


def _web_user(facts: Facts, role: str) -> str | Question:
    web, login = next(iter(facts.web_users), ""), facts.one("user")
    blank = Blank(f"{role}.web_user", "The user that PHP runs as", "" if web else login, example=web)
    if not web:
        return Question("As which user does PHP run, if it is not the one who logs in?", ("web_user:",), (blank,))
    if web == login:
        return ""
    if web in facts.all("sudo"):
        return web
    how = "Install sudo there" if login == "root" else "Allow it"
    text = f"PHP seems to run as {web}; {login} may not become it (sudo -n -u {web}). {how}, and say:"
    return Question(text, (f"web_user: {web}",), (blank,))


def _php(facts: Facts, role: str) -> str | Question:
    program = php.choose(php.programs(facts), php.served(facts), php.stated(facts))
    if program:
        return "" if program == "php" else program
    blank = Blank(f"{role}.php", "The PHP program there", example="/usr/bin/php")
    return Question("Where is the PHP program? None was found.", ("php: /usr/bin/php",), (blank,))


def _wp_cli(found: Found, facts: Facts, role: str) -> str | Question:
    if facts.platform not in {"wordpress", "woocommerce"}:
        return ""
    program = found.ask.wp_cli or facts.one("wp_cli")
    if not program:
        text = "Where is WP-CLI? Without it a WordPress cannot be updated."
        blank = Blank(f"{role}.wp_cli", "WP-CLI there", example="/path/to/wp-cli.phar")
        return Question(text, ("wp_cli: /path/to/wp-cli.phar",), (blank,))
    in_path = program.rpartition("/")[2] == "wp" and not found.ask.wp_cli
    return "" if in_path else program  # in the PATH Palier looks by itself


def _error_log(facts: Facts, role: str) -> str | Question:
    if facts.one("error_log"):
        return facts.one("error_log")
    closed = facts.one("closed_log")
    why = f" {facts.one('user')} may not read {closed}." if closed else ""
    blank = Blank(f"{role}.php_error_log", "The log of PHP's errors there", example="/path/to/php-error.log")
    text = f"Which log do PHP's errors go to? It is read as evidence.{why}"
    return Question(text, ("php_error_log: /path/to/php-error.log",), (blank,))


def _ground(facts: Facts) -> list[str]:
    """What lies under the shop: owner, rights, space."""
    free = int(facts.one("free_kb") or 0)
    programs = php.programs(facts)
    chosen, wanted = php.choose(programs, php.served(facts), php.stated(facts)), php.stated(facts)
    rights = "write" if facts.one("writable") else "NOT WRITE"
    room = "" if free > SPACE else ": TOO LITTLE for a snapshot"
    owner, login = facts.one("owner"), facts.one("user")
    notes = [f"Owned by {owner}; {login} may {rights} there; {free >> 10:,} MB free{room}."]
    if chosen:
        web = f"; the web server runs PHP {php.served(facts)}" if php.served(facts) else ""
        fits = "" if wanted.holds(programs[chosen]) else f". {facts.shown} is stated for {wanted}"
        notes.append(f"PHP {programs[chosen]} on the command line{web}{fits}.")
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
        address = Blank("staging.url", "The address of staging", wanted)
        questions.append(Question("Which address has staging? This is a guess.", blanks=(address,)))
    place = _place(found, wanted, facts if facts.platform else _as_production(facts, production.facts), "staging")
    if own is None or _same_schema(own, production):
        questions.append(_database_question(shop, production))
        place = replace(place, database=_server(production, facts))
    return replace(
        place,
        settings=(*place.settings, *_mail_port(facts)),
        questions=(*questions, *(q for q in place.questions if "PHP" not in q.text or facts.platform)),
    )


def _as_production(facts: Facts, other: Facts) -> Facts:
    """An empty staging will be on production's platform."""
    keys = ("wordpress", "woocommerce", "prestashop", "requires_php")
    return Facts({**facts.told, **{key: other.all(key) for key in keys if other.all(key)}})


def _guessed_staging(shop: str, production: Found, url: str) -> Place:
    ask, facts = production.ask, production.facts
    root = re.sub(r"/current/?$", "", ask.path.rstrip("/")) + "-staging"
    taken = " There is something of that name already!" if facts.one("staging_taken") else ""
    logs = {"php_error_log"}  # production's is not staging's
    settings = [each for each in _programs(production, facts, "staging")[0] if each[0] not in logs]
    guess = Question(
        STAGING_MISSING + taken,
        blanks=(
            Blank("staging.url", "The address of staging", _guessed_url(url)),
            Blank("staging.hosts[0].ssh", "Its host", ask.host),
            Blank("staging.root", "Its document root there", root),
        ),
    )
    return Place(
        _guessed_url(url), ask.host, root, home_path(ask.identity), production.known_hosts,
        settings=(*settings, *_mail_port(facts)), database=_server(production, facts),
        questions=(guess, _database_question(shop, production)),
    )  # fmt: skip


MAIL_PORT = 2525
"""Where the mail trap listens if nothing is said, and the port is free."""


def _mail_port(facts: Facts) -> tuple[tuple[str, str | int], ...]:
    """A free one for the mail trap, where the usual one is taken."""
    taken = {int(port, 16) for port in facts.all("listens")}
    free = next((port for port in range(MAIL_PORT, MAIL_PORT + 100) if port not in taken), MAIL_PORT)
    return () if free == MAIL_PORT else (("mail_port", free),)


def _server(production: Found, facts: Facts) -> tuple[tuple[str, str | int], ...]:
    """Production's database server, where staging is on the same machine: where its own schema probably is too."""
    own = production.settings.configuration if production.settings else None
    if own is None or facts.one("machine") != production.facts.one("machine"):
        return ()
    if own.socket:
        return (("socket", own.socket),)
    host: tuple[tuple[str, str | int], ...] = () if own.host in {"127.0.0.1", "localhost"} else (("host", own.host),)
    return (*host, *((("port", own.port),) if own.port != 3306 else ()))


def _guessed_url(url: str) -> str:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if re.fullmatch(r"[0-9.]+|localhost|.*:.*", host):
        return f"{parts.scheme}://staging.shop.example"
    return f"{parts.scheme}://staging.{host}"


def _database_question(shop: str, production: Found) -> Question:
    variable = re.sub(r"[^A-Z0-9]", "_", shop.upper())
    own = production.settings.configuration if production.settings else None
    name = f"{own.database if own else shop}_staging"
    key = "staging.database"
    return Question(
        "Which database may staging use? It needs a schema and an account of its own, with every right on that schema:",
        ("database:", f"  name: {name}", f"  user: {name}", f"  password: {{env: {variable}_STAGING_PASSWORD}}"),
        (
            Blank(f"{key}.name", "The schema that staging may use", name),
            Blank(f"{key}.user", "Its account", name),
            Blank(
                f"{key}.password.file",
                "A file with its password, mode 0600",
                f"~/.secrets/{shop}-staging-database",
                covers=f"{key}.password",
            ),
        ),
    )


def _same_schema(own: Configuration, production: Found) -> bool:
    theirs = production.settings.configuration if production.settings else None
    same_host = production.ask.host.partition(":")[0]
    return theirs is not None and bool(same_host) and (own.database, own.host, own.port) == (
        theirs.database, theirs.host, theirs.port,
    )  # fmt: skip


def _team_questions(shop: str, facts: Facts) -> tuple[Question, ...]:
    signers = Blank("allowed_signers", "The file of those who may approve", example=f"{shop}.allowed_signers")
    packages = Blank("packages", "A folder of newer packages", example="FOLDER")
    feed = "friends-of-presta" if facts.platform == "prestashop" else "wordfence"
    kind = Blank("advisories", "Who publishes them", example=feed)
    return (
        Question(
            "Who may approve? ssh-keygen(1), ALLOWED SIGNERS.",
            (f"allowed_signers: {shop}.allowed_signers",),
            (signers,),
        ),
        Question("Where are newer packages? docs/getting-started.md", ("packages: [../packages]",), (packages,)),
        Question(
            "Where are known weaknesses of modules read? docs/advisories.md",
            ("advisories:", f"  - {{kind: {feed}}}"),
            (kind,),
        ),
    )


def home_path(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return f"~/{path.absolute().relative_to(Path.home())}"
    except ValueError:
        return str(path.absolute())
