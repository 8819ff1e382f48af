"""E-mails against a real mail server: what arrives, what is refused, what nobody can know."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from service.errors import ConfigError
from service.mail.post import Away, Lost, MailOrder, Posted, Refused
from service.mail.smtp import Server, SmtpPost, sender_of, server_of
from service.rules.lead import PageId
from tests.rooms.desk_world import MovableClock
from tests.rooms.mail_world import Mailbox, mail_server

PAGE = PageId("page-0000000000000000000001")
WORDS = "LEAD Dana Fox, Denver: Solar for a barn\n\nDana asked at 12:04.\n\nTake it: http://x/r/1\n"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


def post_to(mailbox: Mailbox, user: str = "", password: str = "") -> SmtpPost:
    server = Server("127.0.0.1", mailbox.port, False, user, password)
    return SmtpPost(server, "leads@example.com", MovableClock(), timeout_s=5.0)


def an_order(to: str = "mia@example.com", words: str = WORDS) -> MailOrder:
    return MailOrder(PAGE, to, words)


def test_an_email_arrives_as_it_was_worded(mailbox: Mailbox) -> None:
    assert post_to(mailbox).send(an_order()) == Posted(f"<{PAGE}@example.com>")
    envelope, message = mailbox.envelopes[0], mailbox.messages[0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("leads@example.com", ["mia@example.com"])
    assert message["Subject"] == "LEAD Dana Fox, Denver: Solar for a barn"
    assert message["To"] == "mia@example.com"
    assert message["From"] == "Speed to lead <leads@example.com>"
    assert message["Message-ID"] == f"<{PAGE}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Wed, 04 Mar 2026 15:00:00 +0000"
    text = message.get_content().replace("\r\n", "\n")
    assert text == "Dana asked at 12:04.\n\nTake it: http://x/r/1\n"


def test_both_copies_of_an_email_have_one_message_id(mailbox: Mailbox) -> None:
    post = post_to(mailbox)
    assert post.send(an_order()) == post.send(an_order())
    assert len({message["Message-ID"] for message in mailbox.messages}) == 1


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x85", "\u2028", "\x00", "\x1b"])
def test_no_words_become_a_header(mailbox: Mailbox, end: str) -> None:
    words = f"LEAD Eve{end}Bcc: all@example.com\n\nHello\n"
    assert isinstance(post_to(mailbox).send(an_order(words=words)), Posted)
    assert mailbox.messages[0]["Bcc"] is None
    assert mailbox.envelopes[0].rcpt_tos == ["mia@example.com"]
    assert mailbox.messages[0]["Subject"] == "LEAD EveBcc: all@example.com"


@pytest.mark.parametrize("to", ["mia@example.com\nBcc: eve@example.com", "mia@example.com\r\nX: y"])
def test_an_address_that_no_header_may_hold_is_refused(mailbox: Mailbox, to: str) -> None:
    assert post_to(mailbox).send(an_order(to=to)) == Refused(None, ours=False)
    assert mailbox.envelopes == []


def test_names_from_everywhere_arrive(mailbox: Mailbox) -> None:
    words = "LEAD Ünal Çelik: Güneş paneli 太陽\n\nSolar für die Scheune, bitte: 太陽\n"
    assert isinstance(post_to(mailbox).send(an_order(words=words)), Posted)
    assert mailbox.messages[0]["Subject"] == "LEAD Ünal Çelik: Güneş paneli 太陽"
    assert "für die Scheune, bitte: 太陽" in mailbox.messages[0].get_content()


def test_a_line_that_is_a_dot_ends_no_email(mailbox: Mailbox) -> None:
    words = "LEAD Dana\n\nfirst\n.\nlast\n"
    assert isinstance(post_to(mailbox).send(an_order(words=words)), Posted)
    assert mailbox.messages[0].get_content().split() == ["first", ".", "last"]


def test_a_user_logs_in(mailbox: Mailbox) -> None:
    assert isinstance(post_to(mailbox, "leads", "right p@ss").send(an_order()), Posted)
    assert mailbox.logins == [("leads", "right p@ss")]


def test_a_wrong_password_is_our_own_affair(mailbox: Mailbox) -> None:
    assert post_to(mailbox, "leads", "wrong").send(an_order()) == Refused(535, ours=True)


@pytest.mark.parametrize(
    ("stage", "says", "outcome"),
    [
        ("RCPT", "550 nobody of that name", Refused(550, ours=False)),
        ("RCPT", "450 try again later", Away(busy=True)),
        ("DATA", "554 we do not like it", Refused(554, ours=False)),
        ("DATA", "452 disk full", Away(busy=True)),
        ("DATA", "hang up", Lost()),
    ],
)
def test_what_a_server_may_say(mailbox: Mailbox, stage: str, says: str, outcome: object) -> None:
    mailbox.says[stage] = says
    assert post_to(mailbox).send(an_order()) == outcome


def test_a_server_that_is_away_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    post = SmtpPost(Server("127.0.0.1", port, False), "leads@example.com", MovableClock())
    assert post.send(an_order()) == Away()


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = Server("127.0.0.1", silent.getsockname()[1], False)
        post = SmtpPost(where, "leads@example.com", MovableClock(), timeout_s=0.2)
        assert post.send(an_order()) == Away()


def test_a_server_that_speaks_no_tls_is_given_nothing_in_the_clear() -> None:
    with mail_server() as mailbox:
        post = SmtpPost(Server("127.0.0.1", mailbox.port, True), "a@example.com", MovableClock())
        assert post.send(an_order()) == Away()
        assert mailbox.envelopes == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", Server("mail.example.com", 25, False)),
        ("smtp://a@mail.example.com", Server("mail.example.com", 587, False, "a")),
        ("smtps://mail.example.com", Server("mail.example.com", 465, True)),
        (
            "smtp://leads%40example.com:p%40ss%2Fword@mail.example.com:2525",
            Server("mail.example.com", 2525, False, "leads@example.com", "p@ss/word"),
        ),
    ],
)
def test_the_url_says_where_and_as_whom(url: str, server: Server) -> None:
    assert server_of(url) == server


@pytest.mark.parametrize("url", ["smtp://:25", "smtp://secret:word@host:port"])
def test_a_url_that_names_nothing_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        server_of(url)
    assert "secret" not in str(refused.value)


def test_a_server_does_not_show_its_password() -> None:
    assert "p4ss" not in repr(Server("host", 25, False, "user", "p4ss"))


def test_the_sender_is_who_was_set_or_who_logs_in() -> None:
    plain = Server("host", 25, False)
    named = Server("host", 25, False, "leads@example.com")
    assert sender_of(plain, "us@example.org", "here.example") == "us@example.org"
    assert sender_of(named, None, "here.example") == "leads@example.com"
    assert sender_of(plain, None, "here.example") == "speedtolead@here.example"


def test_a_password_is_not_shown_to_whoever_listens() -> None:
    """A server that offers no encryption, under a name that need not be this machine's."""
    with mail_server() as mailbox:
        elsewhere = Server("127.1", mailbox.port, False, "leads", "right p@ss")
        post = SmtpPost(elsewhere, "leads@example.com", MovableClock())
        assert post.send(an_order()) == Refused(None, ours=True)
        assert (mailbox.logins, mailbox.envelopes) == ([], [])
