"""The mail trap, with real conversations on loopback."""

from __future__ import annotations

import smtplib
import socket
import threading
from email.message import EmailMessage
from pathlib import Path

import pytest

from pipeline.errors import PalierError
from pipeline.evidence.mailtrap import MailTrap

pytestmark = pytest.mark.integration


def letter(to: str, subject: str, text: str = "Bonjour") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message.set_content(text)
    return message


def post(port: int, message: EmailMessage, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
        server.send_message(message, to_addrs=list(recipients) or None)


def test_a_mail_is_kept_with_its_real_recipients(tmp_path: Path) -> None:
    with MailTrap(tmp_path / "mail") as trap:
        post(
            trap.port,
            letter("Zoé <a@example.com>", "Commande n° 7", "Été : 7 €"),
            "a@example.com",
            "hidden@example.com",
        )
        found = trap.find(to="A@example.com", subject_contains="n° 7")
        assert [mail.recipients for mail in found] == [("a@example.com", "hidden@example.com")]
        assert "Été : 7 €" in found[0].text
        assert len(trap.find(to="hidden@example.com")) == 1
        assert trap.find(to="other@example.com") == ()


def test_mails_outlive_the_trap_in_order(tmp_path: Path) -> None:
    with MailTrap(tmp_path / "mail") as trap:
        for number in range(3):
            post(trap.port, letter("a@example.com", f"mail {number}"))
    assert [mail.subject for mail in trap.messages()] == ["mail 0", "mail 1", "mail 2"]


def test_a_mail_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    with MailTrap(tmp_path / "mail") as trap:
        later = threading.Timer(0.2, post, (trap.port, letter("a@example.com", "late")))
        later.start()
        assert len(trap.wait_for(subject_contains="late", seconds=5)) == 1
        later.join()


def test_waiting_ends_when_nothing_comes(tmp_path: Path) -> None:
    with MailTrap(tmp_path / "mail") as trap:
        assert trap.wait_for(subject_contains="never", seconds=0.1) == ()


def test_a_port_that_is_taken_is_an_error_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PalierError, match=f"cannot listen on port {port}"), MailTrap(tmp_path / "mail", port):
            pass


def test_the_trap_closes_over_an_open_conversation(tmp_path: Path) -> None:
    with MailTrap(tmp_path / "mail") as trap:
        talking = socket.create_connection(("127.0.0.1", trap.port), timeout=5)
        assert talking.recv(100).startswith(b"220")
    with talking:
        assert talking.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", trap.port), timeout=1)
