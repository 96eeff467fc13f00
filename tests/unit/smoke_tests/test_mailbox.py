"""The trapped mail as the suites look it up."""

from __future__ import annotations

import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from smoke_tests.mailbox import Mailbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def arrive(folder: Path, to: str, subject: str, text: str = "") -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = to, subject
    message.set_content(text)
    mailbox.Maildir(folder).add(message)


def test_mail_is_found_by_address_and_by_what_it_holds_whatever_its_encoding(folder: Path) -> None:
    arrive(folder, "a@example.com", "Votre commande n° MP-1 – été", "Détails : 7 €")
    box = Mailbox(folder)
    assert len(box.find(to="A@example.com", holding="n° MP-1 – été")) == 1
    assert len(box.find(holding="Détails : 7 €")) == 1
    assert box.find(to="b@example.com", holding="MP-1") == ()


def test_mail_that_comes_later_is_seen(folder: Path) -> None:
    box = Mailbox(folder)
    assert box.find(holding="MP-2") == ()
    arrive(folder, "a@example.com", "MP-2")
    assert len(box.find(holding="MP-2")) == 1


def test_waiting_ends_when_nothing_comes(folder: Path) -> None:
    assert Mailbox(folder).wait_for(holding="x", seconds=0.05) == ()
