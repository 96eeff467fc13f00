"""What lies about in a document root and is neither the shop's code nor its pictures: dumps, archives, exports, logs.

Such files hold customers and passwords whole. They go neither into the ledger nor to staging. Patterns of rsync, with
a ``*`` that never crosses a folder, and without brackets: the same ones are read by
:func:`~pipeline.code.tree.as_exclusions`.
"""

from __future__ import annotations

ENDINGS = (
    *(
        "sql",
        "dump",
        "sqlite",
        "db",
        "mdb",
        "zip",
        "gz",
        "tgz",
        "tar",
        "bz2",
        "xz",
        "zst",
        "7z",
        "rar",
        "wpress",
        "jpa",
    ),
    *(
        "daf",
        "bak",
        "old",
        "orig",
        "save",
        "swp",
        "csv",
        "tsv",
        "xls",
        "xlsx",
        "ods",
        "eml",
        "mbox",
        "vcf",
        "pem",
        "key",
    ),
)


def documents(folder: str) -> tuple[str, ...]:
    """Dumps, archives and exports right in ``folder`` (``/`` or ``/a/b/``): deeper ones may be part of a module."""
    return tuple(f"{folder}*.{ending}" for lower in ENDINGS for ending in (lower, lower.upper()))


def folders(above: str) -> tuple[str, ...]:
    """Folders right in ``above`` that are called after backups, dumps or exports."""
    words = ("backup", "Backup", "BACKUP", "sauvegarde", "Sauvegarde", "dump")
    return (
        *(f"{above}*{word}*/" for word in words),
        *(f"{above}{name}/" for name in ("export", "exports", "snapshots")),
    )


DUMPS = (*documents("/"), *folders("/"))
"""At the top, on every platform."""

OF_THE_HOST = (
    *(
        "/.git/",
        "/.svn/",
        "/.hg/",
        "/.ssh/",
        "/.env",
        "/.env.*",
        "/.my.cnf",
        "/.bash_history",
        "/.mysql_history",
        "/*~",
    ),
    *("/logs/", "/log/", "/stats/", "/awstats/", "/wp-snapshots/", "error_log", "php_errorlog"),
)
"""What belongs to one host: never copied, and what staging's own host has of it stays."""
