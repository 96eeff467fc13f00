"""The gate before staging: an Apache shop's ``.htaccess`` lets in only who has the password, and tells robots to go."""

from __future__ import annotations

import re

import bcrypt

from pipeline.remote.command import Secret

BEGIN = "# BEGIN Palier staging"
END = "# END Palier staging"
PASSWORDS = ".htpasswd-palier"
"""Beside ``.htaccess``: Apache's own default refuses to serve files whose names begin with ``.ht``."""

ROUNDS = 5
"""bcrypt's work factor: the password is random, and every single request of a smoke run pays for it."""


def block(root: str) -> str:
    """The lines that close staging. The platform sees to it that the shop does not take the password for its own."""
    return f"""{BEGIN}
AuthType Basic
AuthName "staging"
AuthUserFile "{root}/{PASSWORDS}"
Require valid-user
<IfModule mod_headers.c>
Header always set X-Robots-Tag "noindex, nofollow"
</IfModule>
{END}
"""


_PRODUCTIONS = re.compile(
    r"^[ \t]*(?:SetEnv[ \t]+\S*(?:KEY|SECRET|TOKEN|PASS|SALT|LICEN[CS]E|CREDENTIAL|DSN)\S*[ \t].*"
    r"|php_(?:value|flag)[ \t]+(?:session[.]|auto_(?:prepend|append)_file|error_log|mail[.]).*)(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)
"""Lines of production's rules that staging must not have: keys, shared sessions, programs and logs elsewhere."""


def shut(current: str, root: str) -> str:
    """``.htaccess`` with the gate on top and without production's keys; a gate that is already there is replaced."""
    bare = re.sub(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n", "", current, flags=re.DOTALL | re.MULTILINE)
    return block(root) + _PRODUCTIONS.sub("", bare)


def passwords(user: str, password: Secret) -> str:
    """The password file: one line, bcrypt."""
    digest = bcrypt.hashpw(password.reveal().encode(), bcrypt.gensalt(ROUNDS)).decode()
    return f"{user}:{digest.replace('$2b$', '$2y$', 1)}\n"
