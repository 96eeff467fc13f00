"""A stand-in for sendmail, run by PHP's mail() as ``python -IS sendmail.py PORT -t -i [-fSENDER]``.

It is run by its path and imports nothing of Palier, so that it starts quickly and as any user.
"""

from __future__ import annotations

import socket
import sys
from email import message_from_bytes, policy
from email.utils import getaddresses

TEMPORARY_FAILURE = 75
"""EX_TEMPFAIL: what sendmail answers when the message should be tried again; PHP's mail() then says false."""


def recipients_and_message(raw: bytes) -> tuple[list[str], bytes]:
    """The addresses of To, Cc and Bcc, and the message as it is sent: with CRLF, and without Bcc."""
    message = message_from_bytes(raw, policy=policy.SMTP)
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    del message["Bcc"]
    return [address for _, address in getaddresses(fields) if "@" in address], message.as_bytes()


def relay(port: int, sender: str, recipients: list[str], message: bytes) -> None:
    """Hand the message to the server. :raises OSError: if it is not there or does not take it."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rb") as answers:

        def say(line: bytes, expected: bytes) -> None:
            connection.sendall(line)
            answer = answers.readline()
            while answer[3:4] == b"-":
                answer = answers.readline()
            if not answer.startswith(expected):
                raise OSError(answer.decode("utf-8", "replace").strip() or "the connection was closed")

        say(b"", b"220")
        say(b"EHLO shop.example\r\n", b"250")
        say(f"MAIL FROM:<{sender}>\r\n".encode(), b"250")
        for recipient in recipients:
            say(f"RCPT TO:<{recipient}>\r\n".encode(), b"250")
        say(b"DATA\r\n", b"354")
        body = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in message.split(b"\r\n"))
        say(body.removesuffix(b"\r\n") + b"\r\n.\r\n", b"250")
        connection.sendall(b"QUIT\r\n")


def main(arguments: list[str]) -> int:
    sender = next((word[2:] for word in arguments[1:] if word.startswith("-f")), "") or "shop@example.com"
    recipients, message = recipients_and_message(sys.stdin.buffer.read())
    if not recipients:
        sys.stderr.write("sendmail: the message names no recipient\n")
        return TEMPORARY_FAILURE
    try:
        relay(int(arguments[0]), sender, recipients, message)
    except OSError as error:
        sys.stderr.write(f"sendmail: {error}\n")
        return TEMPORARY_FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
