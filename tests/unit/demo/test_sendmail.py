"""What PHP's mail() pipes into the demo's sendmail goes to the people it names, and not with their names in Bcc."""

from __future__ import annotations

import subprocess
import sys

from pipeline.demo import sendmail
from pipeline.demo.ports import free_port
from pipeline.demo.sendmail import TEMPORARY_FAILURE, recipients_and_message


def test_everybody_named_gets_the_message_and_bcc_is_not_shown() -> None:
    raw = b"To: A <a@example.com>, b@example.com\nCc: c@example.com\nBcc: d@example.com\nSubject: S\n\nbody\n"
    recipients, message = recipients_and_message(raw)
    assert recipients == ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]
    assert b"d@example.com" not in message
    assert message.endswith(b"\r\n\r\nbody\r\n")


def test_a_name_with_an_accent_and_a_comma_is_one_recipient() -> None:
    raw = b"To: =?UTF-8?Q?P=C3=A9rier=2C_Zo=C3=A9?= <zoe@example.com>\n\n"
    assert recipients_and_message(raw)[0] == ["zoe@example.com"]


def test_a_server_that_is_not_there_is_a_failure_that_php_hears_of() -> None:
    words = [sys.executable, "-IS", sendmail.__file__, str(free_port()), "-t", "-i"]
    result = subprocess.run(words, input=b"To: a@example.com\n\nx", capture_output=True, timeout=30, check=False)
    assert result.returncode == TEMPORARY_FAILURE
    assert b"refused" in result.stderr
