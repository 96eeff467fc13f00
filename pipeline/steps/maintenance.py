"""Production behind its maintenance page: closing it, waiting for requests in flight, opening it again."""

from __future__ import annotations

import secrets
import shlex
import time

import httpx

from pipeline.engine import Act, Step
from pipeline.errors import PalierError
from pipeline.platforms import maintenance
from pipeline.platforms.maintenance import MARK
from pipeline.record import Record
from pipeline.remote.command import Secret, script
from pipeline.remote.host import Host
from pipeline.steps.site import Shop, Site

RETRY_AFTER = 60
"""Seconds that the page asks browsers and search engines to wait."""


class NotAsExpected(PalierError):
    """An effect that was verified is not there."""


def new_token() -> Secret:
    """The value of the testers' cookie: made for one run, void when it ends."""
    return Secret(secrets.token_urlsafe(24))


def put_up_the_page(shop: Shop, record: Record, host: Host, token: Secret, *, critical: bool = True) -> Step:
    """503 for everybody but the testers, verified from outside."""
    site = shop.production
    rules = f"{site.root}/.htaccess"

    def close() -> None:
        brand, contact = shop.inventory.shown_brand, shop.inventory.contact
        current = host.read(rules).decode("utf-8", "surrogateescape") if host.exists(rules) else None
        block = maintenance.block(token, retry_after=RETRY_AFTER)
        record.write("maintenance.html", maintenance.page(brand, contact))
        record.write("htaccess.block", block)
        host.run(
            script(
                'if [ -e "$1" ]; then cp -p "$1" "$2/htaccess.before"; else : > "$2/htaccess.absent"; fi',
                rules,
                record.path(""),
            )
        )
        host.write(f"{site.root}/{maintenance.PAGE}", maintenance.page(brand, contact), mode=0o644)
        _replace(host, rules, maintenance.closed(current or "", token, retry_after=RETRY_AFTER))

    def verify() -> str:
        return verify_closed(site, token)

    return Step(
        name="Put up the maintenance page",
        host=host.name,
        acts=(
            Act(f"write {maintenance.PAGE} and close {rules} to all but the testers", close),
            Act(f"GET {site.environment.url}/: 503 with the page; with the testers' cookie: the shop", verify),
        ),
        undo=maintenance.reopen_fragment(site.root),
        critical=critical,
    )


def _replace(host: Host, path: str, text: str) -> None:
    """Write ``path`` whole or not at all, with the mode and (where allowed) the owner that it had."""
    fresh = f"{path}.palier"
    host.write(fresh, text.encode("utf-8", "surrogateescape"), mode=0o644)
    host.run(
        script(
            'if [ -e "$1" ]; then chmod --reference="$1" "$2"; chown --reference="$1" "$2" 2>/dev/null || :; fi\n'
            'mv -f "$2" "$1"',
            path,
            fresh,
        )
    )


def drain(shop: Shop, host: Host, *, seconds: int) -> Step:
    """Wait until no request that came in before the page holds a database connection."""
    site = shop.production

    def wait() -> str:
        deadline = time.monotonic() + seconds
        with site.database.connected() as db:
            while busy := int(db.value(BUSY, (seconds * 3,))):
                if time.monotonic() > deadline:
                    return f"{busy} connections still open after {seconds} s"
                time.sleep(0.1)
        return "nobody inside"

    return Step(
        name="Wait for requests in flight",
        host=host.name,
        acts=(
            Act(
                f"wait up to {seconds} s until the shop's account has no other database connection",
                wait,
                budget=seconds + 30,
            ),
        ),
        critical=True,
    )


BUSY = (
    "SELECT COUNT(*) FROM information_schema.processlist WHERE user = SUBSTRING_INDEX(USER(), '@', 1) "
    "AND id <> CONNECTION_ID() AND NOT (command = 'Sleep' AND time > %s)"
)


def open_the_shop(shop: Shop, record: Record, host: Host, *, client: str, seconds: int) -> Step:
    """Take the page down. From here on a rollback keeps what customers write, so the marker ``opened`` comes first."""
    site = shop.production
    rules = f"{site.root}/.htaccess"

    def reopen() -> None:
        host.write(record.path("opened"), "")
        _replace(host, rules, maintenance.opened(host.read(rules).decode("utf-8", "surrogateescape")))
        host.run(
            script(
                'rm -f "$1"; if [ -e "$2" ] && [ ! -s "$3" ]; then rm -f "$3"; fi',
                f"{site.root}/{maintenance.PAGE}",
                record.path("htaccess.absent"),
                rules,
            )
        )

    def verify() -> str:
        return verify_open(site)

    return Step(
        name="Open the shop",
        host=host.name,
        acts=(
            Act(f"mark the run as opened; take the rule out of {rules}", reopen),
            Act(f"GET {site.environment.url}/: answered by the shop", verify),
        ),
        undo=maintenance.close_fragment(site.root, drain=maintenance.drain_fragment(client, seconds)),
        critical=True,
    )


def wait_for_the_old_code(record: Record) -> None:
    """After the code was switched back behind the page: come back when PHP runs it."""
    record.host.run(script(f'cd -- "$1"\n{maintenance.OLD_CODE}', record.folder))


def verify_closed(site: Site, token: Secret) -> str:
    """:raises NotAsExpected: unless strangers get the page with 503 and testers do not."""
    stranger = look(site)
    if stranger.status_code != 503 or MARK not in stranger.text or "retry-after" not in stranger.headers:
        raise NotAsExpected(
            f"Strangers get {stranger.status_code} from {site.environment.url} where the page (503) was due.",
            why="The web server ignores .htaccess with mod_rewrite and mod_headers, or a cache stands before it.",
        )
    tester = look(site, token)
    if tester.status_code == 503 and MARK in tester.text:
        raise NotAsExpected(
            "The testers' cookie does not let testers in.", why="Something in front of the web server strips cookies."
        )
    return f"503, Retry-After {stranger.headers['retry-after']}"


def verify_open(site: Site) -> str:
    """:raises NotAsExpected: unless strangers get an answer below 500 that is not the page."""
    answer = look(site)
    if answer.status_code >= 500 or MARK in answer.text:
        raise NotAsExpected(f"{site.environment.url} answers {answer.status_code} after the page was taken down.")
    return str(answer.status_code)


def look(site: Site, token: Secret | None = None) -> httpx.Response:
    """The home page as a stranger sees it, or as a tester with the cookie."""
    cookies = {maintenance.COOKIE: token.reveal()} if token else {}
    try:
        return httpx.get(f"{site.environment.url}/", cookies=cookies, timeout=20, follow_redirects=False)
    except httpx.HTTPError as error:
        raise NotAsExpected(f"{site.environment.url} did not answer: {error}.") from error


def is_closed(site: Site) -> bool:
    """Whether strangers get our page."""
    return MARK in look(site).text


def client_words(site: Site) -> str:
    """The database client's command line for undo fragments, which run in the run's folder."""
    return shlex.join(site.database.client().words)
