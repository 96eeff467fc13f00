"""The ground that a shop stands on, looked at before anything is done: what holds, what does not, and what follows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

import httpx

from pipeline.errors import PalierError
from pipeline.platforms import php, recognition
from pipeline.platforms.recognition import Facts
from pipeline.remote.command import command, script
from pipeline.steps.site import Shop, Site

State = Literal["OK", "WARN", "FAILED"]
SKEW = 60
"""Seconds that clocks may differ before it is said."""
PATIENCE = 20
"""Seconds that a page may take."""
NOT_THERE = ("was not found on this server", "<center>nginx")
"""What a web server says itself of a page that it has not, and a shop's own page for that does not."""
NAMED = 3
"""How many scheduled jobs are shown."""


@dataclass(frozen=True)
class Check:
    """One precondition: what was found, and if it does not hold, what follows and how to mend it."""

    name: str
    state: State
    detail: str = ""
    mend: str = ""


def facts(site: Site) -> Facts:
    """What the site's host tells of its folder."""
    return recognition.read(site.host.run(recognition.questions(site.root), timeout=120).stdout)


def web_user(site: Site, told: Facts) -> Check:
    """Whether this login may become the user that PHP runs as, where that is another."""
    name, wanted, login = f"{site.role}: web user", site.environment.web_user, told.one("user")
    if wanted and not site.host.run(command("true").as_user(wanted), check=False).ok:
        said = f"{login} may not become {wanted}: the shop's own upgrades cannot be run"
        allow = "Install sudo there." if login == "root" else f"visudo there: {login} ALL=({wanted}) NOPASSWD: ALL"
        return Check(name, "FAILED", said, allow)
    if wanted:
        return Check(name, "OK", f"{login} may become {wanted}")
    runs = next(iter(told.web_users), "")
    if runs and runs != login:
        said = f"PHP seems to run as {runs}; what upgrades write will belong to {login}, and {runs} may not change it"
        return Check(name, "WARN", said, f"Say {site.role}.web_user: {runs}")
    return Check(name, "OK", f"{login}, who logs in")


def php_version(site: Site, told: Facts) -> Check:
    """The program that runs the shop's own commands, against what the shop's makers state."""
    name, program, wanted = f"{site.role}: PHP", site.environment.php, php.stated(told)
    asked = site.host.run(command(program, "-n", "-r", "echo PHP_VERSION;"), check=False)
    version = asked.stdout.strip()
    others = {each: said for each, said in php.programs(told).items() if each != program}
    better = php.choose(others, php.served(told), wanted)
    if not asked.ok or not version:
        mend = f"Say {site.role}.php: {better}" if better else f"Install it, or say {site.role}.php."
        return Check(name, "FAILED", f"{program} does not run there: the shop's own upgrades cannot be run", mend)
    web = php.served(told)
    if web and not version.startswith(f"{web}."):
        detail = (
            f"{program} is {version}, and the web server runs {web}: what is upgraded by one is served by the other"
        )
        fits = better and others[better].startswith(f"{web}.")
        return Check(name, "WARN", detail, f"Say {site.role}.php: {better if fits else f'the program of PHP {web}'}")
    if not wanted.holds(version):
        detail = f"{version}, and {told.shown} is stated for {wanted}: its own commands may fail for that alone"
        fits = better and wanted.holds(others[better])
        return Check(name, "WARN", detail, f"Say {site.role}.php: {better}" if fits else f"Run the shop on {wanted}.")
    return Check(name, "OK", f"{version}" + (f", as the web server; {wanted} is stated" if wanted.lowest else ""))


def rules(site: Site) -> list[Check]:
    """Whether the web server does what ``.htaccess`` says: the maintenance page is such a rule.

    Nothing is written: what the shop's own rules come to is looked at.
    """
    name, root, url = f"{site.role}: .htaccess", site.root, site.environment.url
    mend = "Allow it in the virtual host (AllowOverride All) and load mod_rewrite; then try again."
    own = site.host.run(script('cat "$1/.htaccess"', root), check=False).stdout
    try:
        front = httpx.get(f"{url}/", timeout=PATIENCE, follow_redirects=False)
        if "RewriteRule" not in own:
            said = "the shop has no rule of its own there, so it cannot be seen whether the maintenance page would work"
            return [Check(name, "WARN", said, "Turn on the shop's friendly addresses, or try palier maintenance once.")]
        path = "/api/" if site.platform.name == "PrestaShop" else "/wp-json/"
        answer = httpx.get(f"{url}{path}", timeout=PATIENCE, follow_redirects=True)
    except httpx.HTTPError as error:
        return [Check(name, "FAILED", f"{url} did not answer: {error}", f"Correct {site.role}.url, or the web server.")]
    if answer.status_code == 404 and any(mark in answer.text for mark in NOT_THERE):
        server = front.headers.get("server", "a server that does not say its name")
        said = f"{server} does not follow the rules in it: the maintenance page would not close the shop"
        return [Check(name, "FAILED", said, mend)]
    if answer.status_code == 404:
        said = f"{path} answers 404, so it cannot be seen whether its rules are followed"
        return [Check(name, "WARN", said, "Try the maintenance page once, at a quiet hour: palier maintenance")]
    return [Check(name, "OK", f"its rules are followed ({path} answers {answer.status_code})"), *_headers(site, own)]


def _headers(site: Site, own: str) -> Iterator[Check]:
    """mod_headers, where a rule of the shop's shows it: a font that other addresses may read."""
    if "Access-Control-Allow-Origin" not in own:
        return
    look = 'cd "$1" && find themes -name "*.woff2" 2>/dev/null | head -n 1'
    font = site.host.run(script(look, site.root), check=False).stdout.strip()
    if not font:
        return
    try:
        answer = httpx.get(f"{site.environment.url}/{font}", timeout=PATIENCE)
    except httpx.HTTPError:
        return
    name = f"{site.role}: mod_headers"
    if answer.status_code == 200 and "access-control-allow-origin" not in answer.headers:
        said = "not loaded: the maintenance page cannot say when to come back (Retry-After), and may be cached"
        yield Check(name, "WARN", said, "Load it: a2enmod headers, and restart the server.")
    elif answer.status_code == 200:
        yield Check(name, "OK", "loaded")


def clock(site: Site) -> Check:
    """The host's clock against this machine's: ages, windows and the guard's heartbeat are reckoned with both."""
    began = time.time()
    there = int(site.host.run(command("date", "+%s")).stdout)
    ours = (began + time.time()) / 2
    skew, name = there - ours, f"{site.role}: clock"
    if abs(skew) <= SKEW:
        return Check(name, "OK", "as here")
    where = "ahead of" if skew > 0 else "behind"
    said = f"{abs(skew):.0f} s {where} this machine's: ages and windows are reckoned wrongly"
    return Check(name, "WARN", said, "Set both by NTP: timedatectl set-ntp true")


def scheduled(site: Site) -> Check:
    """Jobs of the host that run the shop's code past the web server, and so past the maintenance page."""
    name = f"{site.role}: scheduled jobs"
    look = (
        'user=$2; { crontab -l; [ -z "$user" ] || sudo -n -u "$user" crontab -l; cat /etc/crontab /etc/cron.d/*; } '
        '2>/dev/null | grep -v "^[[:space:]]*#" | grep -F -e "$1" -e "$3" || true'
    )
    words = (site.root, site.environment.web_user or "", urlsplit(str(site.environment.url)).netloc)
    found = [_shown(line) for line in site.host.run(script(look, *words), check=False).stdout.splitlines() if line]
    if not found:
        return Check(name, "OK", "none that this login may see runs the shop's code")
    by_address = [line for line in found if "://" in line]
    past = [line for line in found if line not in by_address]
    listed = "; ".join((past or by_address)[:NAMED]) + (" …" if len(past or by_address) > NAMED else "")
    if not past:
        return Check(name, "OK", f"{len(found)} by address, which the maintenance page holds back: {listed}")
    said = f"{len(past)} run the shop's code past the maintenance page, and may write while it is on: {listed}"
    return Check(name, "WARN", said, "Promote when none of them is due, or call them by address (curl) instead.")


def _shown(line: str) -> str:
    """A line of a crontab without what may be a token."""
    plain = re.sub(r"([?&][\w.-]+=)[^&\s'\"]+", r"\1…", " ".join(line.split()))
    return re.sub(r"(?i)(token|key|secret|password)([= ])\S+", r"\1\2…", plain)[:160]


def apart(shop: Shop, ours: Facts, theirs: Facts) -> Iterator[Check]:
    """Staging is not production: not its address, not its folder, not its database."""
    here, there = shop.production, shop.staging
    yield _told(
        "staging: address of its own",
        f"{there.environment.url} is production's in other words"
        if _address(str(here.environment.url)) == _address(str(there.environment.url))
        else "",
        str(there.environment.url),
        "Give staging.url an address of staging's own.",
    )
    folder, production = theirs.one("real") or there.root, ours.one("real") or here.root
    same = ours.one("machine") == theirs.one("machine") and _overlap(production, folder)
    yield _told(
        "staging: folder of its own",
        f"{folder} is, or lies in, production's {production}: a clone would write over production" if same else "",
        folder,
        "Give staging.root a folder of its own.",
    )
    yield _databases(shop)
    port = shop.inventory.staging.mail_port
    taken = {int(each, 16) for each in theirs.all("listens")}
    free = next((each for each in range(port + 1, port + 100) if each not in taken), 0)
    yield _told(
        "staging: mail port",
        f"something listens on port {port} there: the mail trap cannot" if port in taken else "",
        f"{port} is free",
        f"Say staging.mail_port: {free}",
    )


def _told(name: str, wrong: str, right: str, mend: str) -> Check:
    return Check(name, "FAILED", wrong, mend) if wrong else Check(name, "OK", right)


def _databases(shop: Shop) -> Check:
    name, asked = "staging: database of its own", "SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir, DATABASE())"
    try:
        with shop.production.database.connected() as db:
            ours = db.value(asked)
        with shop.staging.database.connected() as db:
            theirs, schema = db.value(asked), db.name
    except PalierError as error:
        return Check(name, "FAILED", f"cannot be told: {error.what}", "Mend the database that fails above first.")
    wrong = f"{schema} is the schema that customers buy from: a clone would empty it" if ours == theirs else ""
    return _told(name, wrong, schema, "Give staging.database a schema and an account of its own.")


def _address(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return (parts.hostname or "").lower().removeprefix("www."), 443 if port == 80 else port, parts.path.strip("/")


def _overlap(one: str, other: str) -> bool:
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first == second or first in second.parents or second in first.parents
