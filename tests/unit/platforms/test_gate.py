"""The gate before staging."""

from __future__ import annotations

import bcrypt
from hypothesis import given
from hypothesis import strategies as st

from pipeline.platforms import gate
from pipeline.remote.command import Secret


@given(st.text(alphabet=st.characters(blacklist_characters="\r", codec="utf-8")))
def test_the_gate_stands_once_and_above_everything_else(rules: str) -> None:
    if gate.BEGIN in rules:
        return
    shut = gate.shut(rules, "/var/www/staging")
    assert shut == gate.block("/var/www/staging") + rules
    assert gate.shut(shut, "/var/www/staging") == shut


def test_keys_and_shared_sessions_in_productions_rules_stay_on_production() -> None:
    kept = (
        "SetEnv HTTP_MOD_REWRITE On\n"
        "SetEnvIf Authorization .+ HTTP_AUTHORIZATION=$0\n"
        "php_value memory_limit 512M\n"
        "RewriteRule ^index\\.php$ - [L]\n"
    )
    gone = (
        "SetEnv STRIPE_SECRET_KEY sk_live_1\n"
        "  setenv smtp_password x\n"
        "php_value session.save_handler redis\n"
        "php_value auto_prepend_file /var/www/production/waf.php\n"
    )
    assert gate.shut(gone + kept + gone.rstrip(), "/srv") == gate.block("/srv") + kept


def test_the_password_file_holds_a_hash_that_apache_reads_and_not_the_password() -> None:
    line = gate.passwords("palier", Secret("correct horse"))
    user, _, digest = line.rstrip("\n").partition(":")
    assert user == "palier"
    assert "correct horse" not in line
    assert digest.startswith("$2y$")
    assert bcrypt.checkpw(b"correct horse", digest.replace("$2y$", "$2b$", 1).encode())
