"""What managers are told of the phones and the carrier, and how a page reads by e-mail.

An e-mail's words are one string, its first line the subject. Like every word before a claim, they
never tell how to reach a lead. This file knows words, not sending.
"""

from __future__ import annotations

from datetime import datetime

from service.rules.lead import Lead
from service.rules.masking import shown
from service.rules.segments import cut, to_gsm
from service.rules.timeline import Channel

NAME_MAX = 40
# A subject is read in a list; what does not fit is in the text.
SUBJECT_MAX = 100

_OTHER = {Channel.TEXT: Channel.CALL, Channel.CALL: Channel.TEXT}
_TROUBLE = {
    (Channel.TEXT, "opted_out"): "has stopped our texts",
    (Channel.TEXT, "bad_number"): "cannot be texted: no such phone, says the carrier",
    (Channel.TEXT, "cannot_text"): "has a number that takes no texts",
    (Channel.CALL, "bad_number"): "cannot be called: no such phone, says the carrier",
}
_MEND = {
    "opted_out": "START, sent from that phone, undoes it.",
    "cannot_text": "A text from it, or another number in the team file, undoes it.",
}
_MEND_NUMBER = "Please mend the number in the team file."


def unreachable(name: str, channel: Channel, reason: str, *, at_all: bool) -> str:
    """To a manager, one text: a rep whom ``channel`` no longer reaches, and what undoes it.
    ``at_all``: nor does the other."""
    who = cut(to_gsm(_line(name)), NAME_MAX)
    trouble = _TROUBLE.get((channel, reason), f"cannot be reached by {channel.value}")
    then = "is skipped" if at_all else f"is paged by {_OTHER.get(channel, channel).value}"
    return f"{who} {trouble} and {then}. {_MEND.get(reason, _MEND_NUMBER)}"


def unreachable_mail(name: str, channel: Channel, reason: str, *, at_all: bool) -> str:
    """The same by e-mail."""
    said = unreachable(name, channel, reason, at_all=at_all)
    return _mail(
        f"{_line(name)} cannot be reached by {channel.value}",
        said,
        "Leads go on to whoever can be reached. Nothing is lost.",
    )


def breaker_opened(channel: Channel, why: str, until: datetime) -> str:
    """To a manager or the operator by e-mail: the carrier fails on a channel."""
    other = _OTHER.get(channel, channel).value
    return _mail(
        f"The carrier fails: pages do not go by {channel.value}",
        f"The last messages by {channel.value} all came to nothing ({_line(why)}).",
        f"Until {until:%H:%M:%S} UTC at least, pages go by {other} and by e-mail instead. "
        "A trial follows then; you are told when it works again.",
        "What to do is in docs/operations.md under: When the carrier fails.",
    )


def breaker_closed(channel: Channel) -> str:
    """By e-mail, when the carrier accepts messages again."""
    return _mail(
        f"The carrier works again: pages go by {channel.value}",
        f"A message by {channel.value} was accepted. Everything is as usual.",
    )


def pages_stuck(count: int) -> str:
    """By e-mail, when texts stay in the carrier's queue."""
    pages = "1 page waits" if count == 1 else f"{count} pages wait"
    return _mail(
        f"{pages} in the carrier's queue",
        f"{pages} there for 20 seconds and more. The reps in turn are called instead.",
        "What to do is in docs/operations.md under: When the carrier fails.",
    )


def page_mail(*, clock: str, lead: Lead, source_name: str, link: str) -> str:
    """A page by e-mail: who asks for what, and the link that takes it. ``clock`` is the rep's
    local time."""
    place = f", {shown(lead.place, lead)}" if lead.place else ""
    ask = shown(lead.ask, lead)
    who = shown(lead.name, lead) or "Somebody"
    asked = f"{who}{place} asked at {_line(clock)} through {shown(source_name, lead)}."
    return _mail(
        f"LEAD {who}{place}: {ask}" if ask else f"LEAD {who}{place}",
        asked,
        *((ask,) if ask else ()),
        f"Take it, or pass it on, here:\n{link}",
        "The phone carrier is failing, so texts and calls may not get through. Please use the "
        "link; replies to this e-mail are not read.",
    )


def _mail(subject: str, *paragraphs: str) -> str:
    return "\n\n".join([cut(_line(subject), SUBJECT_MAX), *paragraphs]) + "\n"


def _line(text: str) -> str:
    """On one line, without anything that cannot be seen."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
