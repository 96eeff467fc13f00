"""The maintenance page of an Apache shop: what its ``.htaccess`` says while it is closed, and the way back.

The rule stands above everything else in the document root's ``.htaccess``, so that it also holds for scripts that never
boot the platform (webhooks, ``xmlrpc.php``, ``wp-cron.php``), and while the shop's own code is being changed.
"""

from __future__ import annotations

import html
import re
import shlex
from importlib.resources import files
from string import Template

from pipeline.remote.command import Secret

TEMPLATE = files("pipeline.platforms") / "maintenance.html"
COOKIE = "palier_tester"
PAGE = "palier-maintenance.html"
BEGIN = "# BEGIN Palier maintenance"
END = "# END Palier maintenance"
MARK = "palier-maintenance-page"
"""A word of the page by which a test tells it from any other 503."""


def block(token: Secret, *, retry_after: int) -> str:
    """The lines that close the shop to all without the testers' cookie. They hold its value: a file of mode 0600."""
    return f"""{BEGIN}
ErrorDocument 503 /{PAGE}
<IfModule mod_headers.c>
Header always set Retry-After "{retry_after}" "expr=%{{REQUEST_STATUS}} == 503"
Header always set Cache-Control "no-store" "expr=%{{REQUEST_STATUS}} == 503"
</IfModule>
RewriteEngine On
RewriteCond %{{ENV:REDIRECT_STATUS}} !=503
RewriteCond %{{HTTP_COOKIE}} !(^|;\\s*){COOKIE}={re.escape(token.reveal())}(;|$)
RewriteRule ^ - [R=503,L]
{END}
"""


def closed(current: str, token: Secret, *, retry_after: int) -> str:
    """``.htaccess`` with the block on top; a block that is already there is replaced."""
    return block(token, retry_after=retry_after) + opened(current)


def opened(current: str) -> str:
    """``.htaccess`` without the block: exactly what it was before :func:`closed`."""
    return re.sub(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n", "", current, flags=re.DOTALL | re.MULTILINE)


def is_closed(current: str) -> bool:
    return BEGIN in current


def page(brand: str, contact: str) -> str:
    """The page that customers see, in French and English: no script, no image, nothing to fetch."""
    reach = html.escape(contact)
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        mark=MARK,
        name=html.escape(brand),
        french=f"<p>Une question&nbsp;? {reach}</p>" if contact else "",
        english=f"<p>Any question? {reach}</p>" if contact else "",
    )


OLD_CODE = """# PHP looks at its files again only every so often (opcache.revalidate_freq, 2 s).
tries=0
while [ -e code-switched-back ] && [ "$tries" -lt 15 ]; do
    [ $(($(date +%s) - $(cat code-switched-back))) -le 2 ] || break
    tries=$((tries + 1)); sleep 0.2 2>/dev/null || sleep 1
done
"""
"""Shell text, in the run's folder: returns when PHP runs the old code again. Nobody may meet the newer code on the old
data, a tester neither: it would migrate the data once more."""


def reopen_fragment(root: str) -> str:
    """Undo of closing: behind the page ``.htaccess`` becomes what it was; after reopening only our block goes."""
    return f"""root={shlex.quote(root)}
file="$root/.htaccess"
{OLD_CODE}if [ -e opened ]; then
    if [ -e "$file" ]; then
        {_rewrite(_STRIPPED)}
    fi
elif [ -e htaccess.before ]; then
    {_rewrite("cat htaccess.before")}
elif [ -e htaccess.absent ]; then
    rm -f "$file"
fi
rm -f "$root/{PAGE}"
"""


def close_fragment(root: str, *, drain: str) -> str:
    """Undo of opening: the page goes up again, with the same testers' cookie, and requests in flight are waited for."""
    return f"""root={shlex.quote(root)}
file="$root/.htaccess"
[ -e opened ] || exit 0
cp maintenance.html "$root/.{PAGE}" && chmod 644 "$root/.{PAGE}" && mv -f "$root/.{PAGE}" "$root/{PAGE}"
[ -e "$file" ] || : > "$file"
{_rewrite("{ cat htaccess.block; " + _STRIPPED + "; }")}
{drain}"""


_STRIPPED = f"sed '/^{BEGIN}$/,/^{END}$/d' \"$file\""


def _rewrite(source: str) -> str:
    """Shell that writes ``$file`` whole or not at all, keeping its mode and, where allowed, its owner."""
    return (
        f'{source} > "$file.palier" && chmod 644 "$file.palier" '
        '&& { [ ! -e "$file" ] || { chmod --reference="$file" "$file.palier"; '
        'chown --reference="$file" "$file.palier" 2>/dev/null || :; }; } '
        '&& mv -f "$file.palier" "$file"'
    )


def drain_fragment(client: str, seconds: int) -> str:
    """Shell that waits until no request of the shop holds a database connection.

    A connection that sleeps for longer than a request lives is a pool's, and is not waited for.

    :param client: the database client's command line.
    """
    question = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = SUBSTRING_INDEX(USER(), '@', 1) "
        "AND id <> CONNECTION_ID() AND NOT (command = 'Sleep' AND time > 2)"
    )
    return f"""left={seconds}
while [ "$left" -gt 0 ]; do
    busy=$({client} --batch --skip-column-names -e {shlex.quote(question)})
    [ "$busy" = 0 ] && break
    left=$((left - 1)); sleep 1
done
"""
