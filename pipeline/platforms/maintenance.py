"""The maintenance page of an Apache shop: what its ``.htaccess`` says while it is closed, and the way back.

The rule stands above everything else in the document root's ``.htaccess``, so that it also holds for scripts that never
boot the platform (webhooks, ``xmlrpc.php``, ``wp-cron.php``), and while the shop's own code is being changed.

It is an ``<If>``: Apache merges those last of all, over whatever a folder's own ``.htaccess`` says. Rules of
mod_rewrite would not do: ``RewriteEngine On`` in a folder's own file (PrestaShop's back office) takes their place.
"""

from __future__ import annotations

import hashlib
import html
import re
import shlex
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from pipeline.remote.command import Secret

TEMPLATE = files("pipeline.platforms") / "maintenance.html"
COOKIE = "palier_tester"
PAGE = "palier-maintenance.html"
BEGIN = "# BEGIN Palier maintenance"
END = "# END Palier maintenance"
MARK = "palier-maintenance-page"
"""A word of the page by which a test tells it from any other 503."""


def folder_of(url: str) -> str:
    """Where in the host's addresses the shop begins: ``/``, or ``/shop/``."""
    return urlsplit(url).path.rstrip("/") + "/"


def block(token: Secret, *, retry_after: int, at: str = "/") -> str:
    """The lines that close the shop to all without the testers' cookie, of whose value they hold the hash alone.

    :param at: see :func:`folder_of`.
    """
    cookie = f"%{{HTTP_COOKIE}} =~ /(^|; *){COOKIE}=([^;]+)/"
    known = hashlib.sha1(token.reveal().encode(), usedforsecurity=False).hexdigest()
    return f"""{BEGIN}
<If "! ({cookie} && sha1($2) == '{known}') && reqenv('REDIRECT_STATUS') != '503'">
ErrorDocument 503 {at}{PAGE}
Redirect 503 /
<IfModule mod_rewrite.c>
RewriteEngine Off
</IfModule>
</If>
<Files "{PAGE}">
<IfModule mod_rewrite.c>
RewriteEngine Off
</IfModule>
</Files>
<IfModule mod_headers.c>
Header always set Retry-After "{retry_after}" "expr=%{{REQUEST_STATUS}} == 503"
Header always set Cache-Control "no-store" "expr=%{{REQUEST_STATUS}} == 503"
</IfModule>
{END}
"""


def closed(current: str, token: Secret, *, retry_after: int, at: str = "/") -> str:
    """``.htaccess`` with the block on top; a block that is already there is replaced."""
    return block(token, retry_after=retry_after, at=at) + opened(current)


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


OWN_RULES = """\
cd -- "$1"
for rules in */.htaccess; do
    folder=${rules%/.htaccess}
    [ -f "$rules" ] && [ -f "$folder/index.php" ] || continue
    if grep -q -i '^[[:space:]]*RewriteEngine[[:space:]]' "$rules"; then printf '%s\\n' "$folder"; fi
done
"""
"""Shell that lists the folders of the document root ``$1`` with rules and pages of their own, such as a back office."""


def reopen_fragment(root: str) -> str:
    """Undo of closing: behind the page ``.htaccess`` becomes what it was; after reopening only our block goes."""
    return f"""root={shlex.quote(root)}
file="$root/.htaccess"
{OLD_CODE}if [ -e opened ]; then
    if [ -e "$file" ]; then
        {_STRIPPED} > "$file.palier"
{_PUT}    fi
elif [ -e htaccess.before ]; then
    cat htaccess.before > "$file.palier"
{_PUT}elif [ -e htaccess.absent ]; then
    rm -f "$file"
fi
rm -f "$root/{PAGE}" "$file.palier"
"""


def close_fragment(root: str, *, drain: str) -> str:
    """Undo of opening: the page goes up again, with the same testers' cookie, and requests in flight are waited for."""
    return f"""root={shlex.quote(root)}
file="$root/.htaccess"
[ -e opened ] || exit 0
cat maintenance.html > "$root/.{PAGE}"
chmod 644 "$root/.{PAGE}"
mv -fT "$root/.{PAGE}" "$root/{PAGE}"
[ -e "$file" ] || : > "$file"
cat htaccess.block > "$file.palier"
{_STRIPPED} >> "$file.palier"
{_PUT}{drain}"""


_STRIPPED = f"sed '/^{BEGIN}$/,/^{END}$/d' \"$file\""

# One command a line: in a list joined by && a failure would not end a fragment, and a full disk pass for a success.
_PUT = """\
        chmod 644 "$file.palier"
        if [ -e "$file" ]; then
            chmod --reference="$file" "$file.palier"
            chown --reference="$file" "$file.palier" 2>/dev/null || :
        fi
        mv -fT "$file.palier" "$file"
"""
"""Shell that puts the finished ``$file.palier`` in place of ``$file``, with its mode and, where allowed, its owner."""


def drain_fragment(client: str, seconds: int) -> str:
    """Shell that waits until no request of the shop holds a database connection.

    A connection that sleeps for longer than a request lives is a pool's, and is not waited for.

    :param client: the database client's command line.
    """
    question = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = SUBSTRING_INDEX(USER(), '@', 1) "
        "AND id <> CONNECTION_ID() AND NOT (command = 'Sleep' AND time > 2)"
    )
    return f"""left={seconds} busy=0
while [ "$left" -gt 0 ]; do
    busy=$({client} --batch --skip-column-names -e {shlex.quote(question)})
    [ "$busy" != 0 ] || break
    left=$((left - 1)); sleep 1
done
[ "$busy" = 0 ] || echo "Still at work after {seconds} s: what they write is kept, as all since the opening."
"""
