"""A mail server on this machine: real SMTP, whose mailbox and moods are in the test's hands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.story.processes import free_port

# Far longer than any e-mail takes; only a broken test ever waits so long.
PATIENCE_S = 30.0


@dataclass
class Mailbox:
    """Everything that was handed in. ``says`` are answers to a stage (`RCPT`, `DATA`) instead of
    the usual ones; `hang up` ends the connection there."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def messages(self) -> list[EmailMessage]:
        return [_read(each) for each in list(self.envelopes)]

    def expects(self, *words: str, to: str = "") -> EmailMessage:
        """An e-mail with these words in its subject or text, as soon as there is one; it counts as
        read."""
        ends_at = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                for each in self.envelopes:
                    if to in ("", *each.rcpt_tos) and all(word in _whole(each) for word in words):
                        self.envelopes.remove(each)
                        return _read(each)
                left_s = ends_at - time.monotonic()
                seen = [str(_read(each)["Subject"]) for each in self.envelopes]
                assert left_s > 0, f"no e-mail with {words} to {to or 'anybody'}; only {seen}"
                self._news.wait(left_s)

    async def handle_RCPT(  # noqa: N802 - the server calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.says:
            return self._said(server, "RCPT")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the server calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if "DATA" in self.says:
            return self._said(server, "DATA")
        with self._news:
            self.envelopes.append(envelope)
            self._news.notify_all()
        return "250 Taken"

    def _said(self, server: SMTP, stage: str) -> str:
        if self.says[stage] == "hang up":
            assert server.transport is not None
            server.transport.close()
            return "421 gone"
        return self.says[stage]

    def lets_in(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
        """Whoever has the right password."""
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"right p@ss", handled=False)


@contextmanager
def mail_server(**options: Any) -> Iterator[Mailbox]:
    """A mail server for as long as the block lasts, on a port of its own."""
    mailbox = Mailbox(port=free_port())
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        authenticator=mailbox.lets_in,
        auth_require_tls=False,
        **options,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def _read(envelope: Envelope) -> EmailMessage:
    content = envelope.original_content
    assert content is not None
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _whole(envelope: Envelope) -> str:
    message = _read(envelope)
    return f"{message['Subject']}\n{message.get_content()}"
