"""Which message a rep's link may play: one that its page shows, and no other.

Reading only. What of a lead a rep may see, and so hear, is ``link_cards``'s to say.
"""

from __future__ import annotations

from service.desk.desk import Desk
from service.desk.rep_link import DeadLink, open_link


def may_play(desk: Desk, token: str, sid: str) -> bool | DeadLink:
    """Whether the page of this link offers this message; a link that is not good is told. Raises
    LedgerUnavailable."""
    opened = open_link(desk, token)
    if isinstance(opened, DeadLink):
        return opened
    return any(sid == each.sid for card in opened.cards for each in card.voicemails)
