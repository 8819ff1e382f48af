"""A mail server, by SMTP: one connection an e-mail, since e-mails are few.

Encrypted where the server offers it. A password goes only over a connection whose certificate was
checked, or to this machine; without one, encryption that nobody vouches for is still better than
none. It decides nothing and tries nothing twice.
"""

import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from service.clock import Clock
from service.errors import ConfigError
from service.mail.post import Away, Lost, MailOrder, MailOutcome, Posted, Refused

# For the connection and for each answer: some six of them make an e-mail.
TIMEOUT_S = 5.0
# RFC 8314: submission with TLS from the start; RFC 6409: submission; without a user it is a relay.
PORT_TLS, PORT_SUBMISSION, PORT_RELAY = 465, 587, 25
SUBJECT_MAX = 200


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in, and as whom."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def server_of(url: str) -> Server:
    """What `smtp://user:password@host:port` or `smtps://...` says. Raises ConfigError, which never
    repeats the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("SMTP_URL names a port that is none") from None
    if not parts.hostname:
        raise ConfigError("SMTP_URL names no host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    tls = parts.scheme == "smtps"
    usual = PORT_TLS if tls else PORT_SUBMISSION if user else PORT_RELAY
    return Server(parts.hostname, port or usual, tls, user, password)


def sender_of(server: Server, mail_from: str | None, host: str) -> str:
    """The address that e-mails come from: as set, else the user at the mail server, else one of
    ours at ``host``."""
    if mail_from:
        return mail_from
    return server.user if "@" in server.user else f"speedtolead@{host}"


class SmtpPost:
    """``Post`` for one mail server."""

    def __init__(
        self, server: Server, sender: str, clock: Clock, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout_s = timeout_s

    def send(self, order: MailOrder) -> MailOutcome:
        try:
            message = self._written(order)
        except (ValueError, MessageError, UnicodeError):
            return Refused(None, ours=False)  # no address that a header may hold
        try:
            with self._connection() as server:
                return self._hand_over(server, message)
        except smtplib.SMTPResponseException as said:
            return _refusal(said.smtp_code, ours=True)
        except smtplib.SMTPNotSupportedError:
            return Refused(None, ours=True)
        except (smtplib.SMTPException, OSError, UnicodeError):
            return Away()

    def _written(self, order: MailOrder) -> EmailMessage:
        """The e-mail. Its headers are made by the standard library, which refuses a line break."""
        subject, _, text = order.words.partition("\n")
        message = EmailMessage()
        message["Subject"] = "".join(c for c in subject if c.isprintable())[:SUBJECT_MAX]
        message["From"] = f"Speed to lead <{self._sender}>"
        message["To"] = order.to
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{order.page_id}@{self._sender.rpartition('@')[2]}>"
        # RFC 3834: no out-of-office answers.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.lstrip("\n"))
        return message

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        where = self._server
        if where.tls:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                where.host, where.port, timeout=self._timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(where.host, where.port, timeout=self._timeout_s)
        try:
            server.ehlo()
            if not where.tls:
                self._encrypt(server)
            if where.user:
                server.login(where.user, where.password)
            yield server
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()

    def _encrypt(self, server: smtplib.SMTP) -> None:
        """Raises SMTPNotSupportedError rather than let a password be read on its way."""
        if server.has_extn("starttls"):
            context = ssl.create_default_context()
            if not self._server.user:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            server.starttls(context=context)
            server.ehlo()
        elif self._server.user and not _is_here(self._server.host):
            raise smtplib.SMTPNotSupportedError("no encryption for a password")

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage) -> MailOutcome:
        """Envelope and words. Only what breaks after the words leaves a doubt."""
        wide = server.has_extn("smtputf8")
        to = parseaddr(str(message["To"]))[1]
        code, _ = server.mail(self._sender, ["SMTPUTF8"] if wide else [])
        if code != 250:
            return _refusal(code, ours=True)
        code, _ = server.rcpt(to)
        if code not in (250, 251):
            return _refusal(code, ours=False)
        written = message.as_bytes(policy=SMTP_LINES.clone(utf8=wide))
        try:
            code, _ = server.data(written)
        except smtplib.SMTPDataError as said:
            return _refusal(said.smtp_code, ours=False)
        except (smtplib.SMTPException, OSError):
            return Lost()
        if code != 250:
            return _refusal(code, ours=False)
        return Posted(str(message["Message-ID"]))


def _refusal(code: int, *, ours: bool) -> MailOutcome:
    """RFC 5321: 4xx may be tried later, 5xx not."""
    return Refused(code, ours=ours) if code >= 500 else Away(busy=True)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
