"""Production behind its maintenance page: closing it, waiting for requests in flight, opening it again."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Sequence
from urllib.parse import quote

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

TESTERS_COOKIE = "testers-cookie"
ANSWERED_BEFORE = "answered-before"
"""Files of the record: the cookie's value, and the status that the home page had for strangers before it was closed."""

LOOKS = 3
"""So many looks, a second apart, before a shop counts as not open: the first visitor after a change may be unlucky."""


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
        page = maintenance.page(shop.inventory.shown_brand, shop.inventory.contact)
        at = maintenance.folder_of(str(site.environment.url))
        record.write(ANSWERED_BEFORE, _status_now(site))
        record.write(TESTERS_COOKIE, token.reveal())
        record.write("maintenance.html", page)
        record.write("htaccess.block", maintenance.block(token, retry_after=RETRY_AFTER, at=at))
        host.run(script(KEEP_RULES, rules, record.path("")))
        before = record.path("htaccess.before")
        current = host.read(before).decode("utf-8", "surrogateescape") if host.exists(before) else ""
        host.write(f"{site.root}/{maintenance.PAGE}", page, mode=0o644)
        _replace(host, rules, maintenance.closed(current, token, retry_after=RETRY_AFTER, at=at))

    def verify() -> str:
        return verify_closed(site, token, host)

    return Step(
        name="Put up the maintenance page",
        host=host.name,
        acts=(
            Act(f"write {maintenance.PAGE} and close {rules} to all but the testers", close),
            Act(
                f"GET {site.environment.url}/ and folders with rules of their own: 503 with the page; "
                "with the testers' cookie: the shop",
                verify,
            ),
        ),
        undo=maintenance.reopen_fragment(site.root),
        critical=critical,
    )


KEEP_RULES = """\
if [ -e "$1" ]; then
    cp -p "$1" "$2/htaccess.partial"
    sync "$2/htaccess.partial" 2>/dev/null || sync
    mv -f "$2/htaccess.partial" "$2/htaccess.before"
else
    : > "$2/htaccess.absent"
fi
"""
"""Shell that keeps the shop's own rules ``$1`` in the run's folder ``$2``, whole or not at all, for the undo."""


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


class StillBusy(PalierError):
    """Requests from before the page are still at work: what they write behind it, a way back could lose."""


def drain(shop: Shop, host: Host, *, seconds: int) -> Step:
    """Wait until no request that came in before the page holds a database connection.

    From here to the opening the way back restores exactly what was; so the act raises :class:`StillBusy` rather than
    go on while somebody could still write an order.
    """
    site = shop.production

    def wait() -> str:
        deadline = time.monotonic() + seconds
        quiet = 0
        with site.database.connected() as db:
            while quiet < QUIET:
                busy = db.rows(BUSY)
                quiet = 0 if busy else quiet + 1
                if busy and time.monotonic() > deadline:
                    raise _still_busy(busy, seconds)
                time.sleep(0.1)
        return "nobody inside"

    return Step(
        name="Wait for requests in flight",
        host=host.name,
        acts=(
            Act(
                f"wait up to {seconds} s until the shop's account has no other database connection; else give up",
                wait,
                budget=seconds + 30,
            ),
        ),
        critical=True,
    )


def _still_busy(busy: Sequence[Sequence[object]], seconds: int) -> StillBusy:
    listed = "; ".join(f"connection {key} from {host}, {told} for {age} s" for key, host, told, age in busy[:5])
    return StillBusy(
        f"{len(busy)} database connections of the shop's were still open {seconds} s after the page went up.",
        why=(
            f"They are: {listed}. An order that they still write could be lost if the promotion were taken back. "
            "Promote at a calmer time, or raise budgets.drain in the playbook; if a worker or a connector of another "
            f"system keeps them open, stop it meanwhile. One that has slept for {ASLEEP} s is not waited for."
        ),
    )


QUIET = 3
"""So many looks in a row must find nobody: a request may be between two connections."""

ASLEEP = 30
"""Seconds of sleep after which a connection is a pool's: PHP lets no request of a shop live for longer."""

BUSY = f"""SELECT id, host, command, time FROM information_schema.processlist
WHERE user = SUBSTRING_INDEX(USER(), '@', 1) AND (db IS NULL OR db = DATABASE())
AND id <> CONNECTION_ID() AND NOT (command = 'Sleep' AND time > {ASLEEP})
ORDER BY id"""  # noqa: S608  # a number of our own


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
        return verify_open(site, record)

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


def verify_closed(site: Site, token: Secret, host: Host) -> str:
    """The home page, PHP by its name, and folders whose own rules could stand in the way: a back office above all.

    :raises NotAsExpected: unless strangers get the page with 503 everywhere and testers do not.
    """
    folders = host.run(script(maintenance.OWN_RULES, site.root)).stdout.splitlines()[:FOLDERS]
    stranger = look(site)
    _require_closed(site, "/", stranger)
    for path in ("/index.php", *(f"/{quote(folder)}/index.php" for folder in folders)):
        _require_closed(site, path, look(site, path=path))
    tester = look(site, token)
    if tester.status_code == 503 and MARK in tester.text:
        raise NotAsExpected(
            "The testers' cookie does not let testers in.",
            why="Something in front of the web server strips cookies, or the server is older than Apache 2.4.",
        )
    return f"503, Retry-After {stranger.headers['retry-after']}"


FOLDERS = 20
"""So many folders with rules of their own are looked at."""


def _require_closed(site: Site, path: str, answer: httpx.Response) -> None:
    if answer.status_code in (401, 403) and path != "/":
        return  # the server itself keeps strangers out
    if answer.status_code != 503 or MARK not in answer.text or "retry-after" not in answer.headers:
        raise NotAsExpected(
            f"Strangers get {answer.status_code} from {site.environment.url}{path} where the page (503) was due.",
            why=(
                "The web server is no Apache 2.4 that honours .htaccess (AllowOverride) with mod_alias, mod_headers; "
                "or it hands PHP on before it has read it (ProxyPassMatch), or a cache stands before it."
            ),
        )


def verify_open(site: Site, record: Record) -> str:
    """:raises NotAsExpected: unless strangers get the shop's own answer, and the kind that they got before the page."""
    before = _answered_before(record)
    for left in reversed(range(LOOKS)):
        answer = look(site)
        if MARK not in answer.text and as_before(before, answer.status_code):
            break
        if not left:
            told = f"; before it went up: {before}" if before else ""
            raise NotAsExpected(
                f"{site.environment.url} answers {answer.status_code} after the page was taken down{told}."
            )
        time.sleep(1)
    return str(answer.status_code)


def as_before(before: int | None, now: int) -> bool:
    """Whether ``now`` is an open shop's status: a page, or a redirection where there was one before.

    A shop that answered with an error before it was closed by hand may do so again.

    :param before: the status before the page; ``None``: not known.
    """
    if before is not None and before >= 400:
        return now < 400 or now == before
    return now < (300 if before is not None and before < 300 else 400)


def _answered_before(record: Record) -> int | None:
    if not record.host.exists(record.path(ANSWERED_BEFORE)):
        return None
    told = record.read(ANSWERED_BEFORE).decode().strip()
    return int(told) if told.isdigit() else None


def _status_now(site: Site) -> str:
    """What strangers get from the home page; "" if it does not answer: such a shop may be closed all the same."""
    try:
        return str(look(site).status_code)
    except NotAsExpected:
        return ""


def look(site: Site, token: Secret | None = None, *, path: str = "/") -> httpx.Response:
    """The home page, or another, as a stranger sees it, or as a tester with the cookie."""
    cookies = {maintenance.COOKIE: token.reveal()} if token else {}
    try:
        return httpx.get(f"{site.environment.url}{path}", cookies=cookies, timeout=20, follow_redirects=False)
    except httpx.HTTPError as error:
        raise NotAsExpected(f"{site.environment.url} did not answer: {error}.") from error


def testers_cookie(record: Record) -> Secret | None:
    """The cookie of the run that closed the shop; ``None`` if it never did."""
    if record.host.exists(record.path(TESTERS_COOKIE)):
        return Secret(record.read(TESTERS_COOKIE).decode())
    if not record.host.exists(record.path("htaccess.block")):
        return None
    # A run of an earlier version of Palier, whose rule holds the value itself.
    value = record.read("htaccess.block").decode().partition(f"{maintenance.COOKIE}=")[2].partition("(;|$)")[0]
    return Secret(value.replace("\\", ""))


def is_closed(site: Site) -> bool:
    """Whether strangers get our page."""
    return MARK in look(site).text


def client_words(site: Site) -> str:
    """The database client's command line for undo fragments, which run in the run's folder."""
    return shlex.join(site.database.client().words)
