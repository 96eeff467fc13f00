"""A private Apache with mod_php on this machine: two or more virtual hosts on free loopback ports, in one folder."""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.demo.ports import LOOPBACK, require_free
from pipeline.demo.process import Daemon, ServiceFailed, program

PACKAGE = "apache2"
PHP_PACKAGE = "libapache2-mod-php"
MODULES_FOLDER = Path("/usr/lib/apache2/modules")
MIME_TYPES = Path("/etc/mime.types")
WEB_USER = "www-data"
CAPABILITIES = "+dac_override,+fowner,+chown"
"""What the web user needs of root's rights where root owns the checkout: to reach it, and to write in the shop."""
SECURE_BITS = "+no_setuid_fixup"
"""Without it access(2), and so PHP's file_exists() and is_writable(), would leave those rights out and say no."""

MODULES = (
    "mpm_prefork",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_host",
    "authz_user",
    "auth_basic",
    "access_compat",
    "alias",
    "deflate",
    "dir",
    "env",
    "expires",
    "filter",
    "headers",
    "mime",
    "rewrite",
    "setenvif",
)

SETTINGS = """\
# Written by Palier's demo. No other Apache configuration of this machine is read.
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/apache.pidfile"
Mutex "file:{folder}" default
ServerName {loopback}
ServerTokens Prod
ErrorLog "{folder}/error.log"
LogLevel warn
{modules}
{types}
AddType text/css .css
AddType text/javascript .js
AddType image/svg+xml .svg
AddType image/webp .webp
DirectoryIndex index.php index.html
<FilesMatch ".+\\.ph(?:ar|p|tml)$">
    SetHandler application/x-httpd-php
</FilesMatch>
<Directory />
    AllowOverride None
    Require all denied
</Directory>
<FilesMatch "^\\.ht">
    Require all denied
</FilesMatch>
Timeout 60
KeepAlive On
KeepAliveTimeout 2
StartServers 4
MinSpareServers 2
MaxSpareServers 6
MaxRequestWorkers 24
LogFormat "%h %t \\"%r\\" %>s %b %D \\"%{{User-Agent}}i\\"" timed
php_admin_value memory_limit 256M
php_admin_flag display_errors Off
php_admin_flag log_errors On
php_admin_value session.save_path "{folder}/tmp"
php_admin_value upload_tmp_dir "{folder}/tmp"
php_admin_value sys_temp_dir "{folder}/tmp"
"""

SITE = """
Listen {loopback}:{port}
<VirtualHost {loopback}:{port}>
    ServerName {loopback}
    DocumentRoot "{root}"
    CustomLog "{access_log}" timed
    php_admin_value error_log "{php_error_log}"
    php_admin_value sendmail_path "{sendmail}"
    <Directory "{root}">
        Options FollowSymLinks
        AllowOverride All
        Require all granted
    </Directory>
</VirtualHost>
"""


@dataclass(frozen=True)
class VirtualHost:
    """One site of the server. ``sendmail`` is the shell words that PHP's mail() pipes its messages into."""

    port: int
    root: Path
    php_error_log: Path
    access_log: Path
    sendmail: str


class Apache:
    """One server whose every file is in ``folder``; PHP runs as the current user, or as the web user for root.

    :param php: the version of PHP, ``7.4``, where several are installed; empty: the newest.
    """

    def __init__(self, folder: Path, php: str = "") -> None:
        self.folder = folder.absolute()
        self.php = php
        self._daemon = Daemon(self.folder, "apache")

    @property
    def pid(self) -> int | None:
        return self._daemon.pid

    def start(self, sites: Sequence[VirtualHost], *, marked: Path | None = None) -> None:
        """Start it with ``sites``; nothing to do when it runs.

        :raises ServiceFailed: with the end of its log, or the package that is missing.
        """
        if self.pid is not None and _all_answer(sites):
            return
        for site in sites:
            require_free(site.port, f"the site {site.root.parent.name}")
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        for site in sites:
            site.php_error_log.touch()
            site.access_log.touch()
        server = program("apache2", PACKAGE)
        settings = self.folder / "apache.conf"
        settings.write_text(self._settings(sites, _built_in(server)))
        words = [*self._as_web_user(sites), server, "-f", str(settings), "-D", "FOREGROUND"]
        self._daemon.start(
            words,
            lambda: _all_answer(sites),
            seconds=30,
            marked=marked,
            environment={"LC_ALL": "C.UTF-8"},
            logs=[self.folder / "error.log"],
        )

    def stop(self) -> None:
        self._daemon.stop(seconds=10)

    def restart(self, sites: Sequence[VirtualHost], *, marked: Path | None = None) -> None:
        """Stop and start: OPcache and every other memory of PHP is empty afterwards."""
        self.stop()
        self.start(sites, marked=marked)

    def _settings(self, sites: Sequence[VirtualHost], built_in: str) -> str:
        wanted = [name for name in MODULES if f"mod_{name}.c" not in built_in]
        load = [f'LoadModule {name}_module "{MODULES_FOLDER}/mod_{name}.so"' for name in wanted]
        module = _php_module(self.php)
        name = "php7_module" if module.name.startswith("libphp7") else "php_module"
        load.append(f'LoadModule {name} "{module}"')
        text = SETTINGS.format(
            folder=self.folder,
            loopback=LOOPBACK,
            modules="\n".join(load),
            types=f"TypesConfig {MIME_TYPES}" if MIME_TYPES.exists() else "TypesConfig /dev/null",
        )
        for site in sites:
            text += SITE.format(
                loopback=LOOPBACK,
                port=site.port,
                root=site.root,
                access_log=site.access_log,
                php_error_log=site.php_error_log,
                sendmail=site.sendmail,
            )
        return text

    def _as_web_user(self, sites: Sequence[VirtualHost]) -> list[str]:
        """The words before the server's: Apache refuses to serve as root, so root starts it as the web user.

        With root's file rights where they can be handed on; else the folders are given to that user, which suffices
        as long as it may enter the folders above them.
        """
        if os.geteuid() != 0:
            return []
        setpriv = program("setpriv", "util-linux")
        identity = [setpriv, f"--reuid={WEB_USER}", f"--regid={WEB_USER}", "--clear-groups"]
        rights = [f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}", f"--securebits={SECURE_BITS}"]
        with_rights = [*identity, *rights]
        if _can_read_anything(with_rights):
            return with_rights
        owner = pwd.getpwnam(WEB_USER)
        logs = [log for site in sites for log in (site.php_error_log, site.access_log)]
        for top in (self.folder, *logs, *(site.root for site in sites)):
            for path in (top, *top.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        if subprocess.run([*identity, "test", "-r", str(self.folder)], timeout=10, check=False).returncode:
            raise ServiceFailed(
                f"Apache cannot serve {self.folder} as root, and the user {WEB_USER} may not enter it.",
                next_step=f"Run as an ordinary user, or let {WEB_USER} enter the folders above it (chmod o+x).",
            )
        return identity


def _built_in(server: str) -> str:
    return subprocess.run([server, "-l"], capture_output=True, text=True, timeout=10, check=False).stdout


def _php_module(version: str) -> Path:
    """mod_php's file, the newest when several versions are installed and none is asked for."""
    found = sorted(MODULES_FOLDER.glob(f"libphp{version or '*'}.so"))
    if not found:
        package = f"libapache2-mod-php{version}" if version else PHP_PACKAGE
        raise ServiceFailed(
            f"Apache has no PHP {version}".rstrip() + " on this machine.",
            next_step=f"Install it: apt-get install {package}",
        )
    return found[-1]


def _can_read_anything(prefix: list[str]) -> bool:
    """Whether a program started with ``prefix`` may read in a folder that is closed to everyone but root."""
    with tempfile.TemporaryDirectory(prefix="palier-") as closed:
        (Path(closed) / "probe").touch(mode=0o600)
        test = shutil.which("test") or "/usr/bin/test"
        words = [*prefix, test, "-w", f"{closed}/probe"]
        return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode == 0


def _all_answer(sites: Sequence[VirtualHost]) -> bool:
    return all(_answers(site.port) for site in sites)


def _answers(port: int) -> bool:
    """Whether HTTP is spoken there. It asks for no page: a shop that is not installed yet, or closed, answers too."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("OPTIONS", "*")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
