"""More single tokens of the rules, about calls: what they came to, whom they ring, which is owed.

As in `broken`: (file, sound, broken).
"""

from __future__ import annotations

BROKEN = {
    # calls
    "a duration alone is contact": (
        "calls",
        "told.answered_by is not AnsweredBy.HUMAN or",
        "told.answered_by is None or",
    ),
    "a machine is taken for a human": ("calls", "if told.answered_by in MACHINES:", "if False:"),
    "a short ring counts": ("calls", "if rang_s >= RANG_MIN_S else", "if True else"),
    "a bridge that was none counts": (
        "calls",
        "_bridge_s(told) or 0.0 if told.bridged",
        "_bridge_s(told) or 0.0 if True",
    ),
    "nonsense is believed": ("calls", "and 0.0 <= told <= SECONDS_MAX", ""),
    "who stays too briefly left a voicemail": (
        "calls",
        "if stayed_s < STAYED_MIN_S:",
        "if False:",
    ),
    "a voicemail is proved without a beep": ("calls", "is AnsweredBy.BEEP:", "is not None:"),
    "nobody is asked about a short talk": ("calls", ">= TALKED_MIN_S else", ">= 0.0 else"),
    "contact comes too soon": ("calls", "if bridged_s < contact_after_s:", "if False:"),
    "a word makes contact of what is settled": ("calls", "    if still_open:", "    if True:"),
    "a volunteered voicemail is keyed": ("calls", "heard = asked and", "heard = True and"),
    "the verdict is not waited for": ("calls", "return unanswered or heard or", "return True or"),
    "a bridge's length is not waited for": ("calls", " and length is not None", ""),
    "a bridge without a length was none": (
        "calls",
        "_believed(told.leg_s) if bridged_s is None else bridged_s",
        "bridged_s",
    ),
    "a lost end hides the bridge": (
        "calls",
        "if ended is Ended.UNKNOWN and told.bridged:",
        "if False:",
    ),
    # answers
    "whoever talked talked on that call": ("answers", "if call.bridged_s > 0.0 or", "if True or"),
    "asked of a bridge they speak of another": (
        "answers",
        " or (call.asks and call.came is Came.SHORT_ANSWER)",
        "",
    ),
    "a crm's call is taken for ours": ("answers", "not last.ours or", ""),
    # folding
    "a short ring pays": ("folding_ends", "ended is None or ended in COUNTING", "True"),
    "an abandoned call hides what came before": (
        "folding_ends",
        "before=heard.chased_call if nothing else None",
        "before=None",
    ),
    "contact leaves the chase": (
        "folding_ends",
        "else _paid(debt, max(event.at, debt.since))",
        "else debt",
    ),
    "an early call keeps the agreement": (
        "folding_ends",
        "since <= at and call_at - AGREED_EARLY <= at",
        "since <= at",
    ),
    "a contact that was none stays": (
        "folding_ends",
        "if ending not in _UNREACHED or",
        "if True or",
    ),
    "a withdrawn contact is owed from the past": (
        "folding_ends",
        "event.at if last.came is Came.CONTACTED else last.at",
        "last.at",
    ),
    "another's call ends the owner's wish": (
        "folding_ends",
        "    if before or _by_another(heard, fact.rep):\n        return tried\n    tried = _wish",
        "    tried = _wish",
    ),
    "a call does not end the ringing": (
        "folding_ends",
        "if seen.wish_at is None or at < seen.wish_at:",
        "if True:",
    ),
    "who passes on the line gets it back": (
        "folding_ends",
        " or _gave_up(heard, fact.rep, event.at)",
        "",
    ),
    "the line stays up": ("folding_ends", "resting = replace(seen, lines=lines)", "resting = seen"),
    "a later agreement leaves the older": (
        "folding_ends",
        "if fact.outcome in _REACHED or agrees:",
        "if fact.outcome in _REACHED:",
    ),
    "a missed call is forgotten": (
        "folding_calls",
        "asked = seen.asked_back or (Owing.CALL_BACK, event.at)",
        "asked = seen.asked_back",
    ),
    "each voicemail is owed its own call": (
        "folding_calls",
        "asked = seen.asked_back if known else",
        "asked =",
    ),
    "an answered ring rings on": ("folding_calls", "answered_at=event.at", "answered_at=None"),
    "a missed ring is told each time": (
        "folding_calls",
        "if any(missed) or fact.reason",
        "if fact.reason",
    ),
    "who takes a caller does not have the lead": (
        "folding_calls",
        "owner=seen.owner or rep if seen.open else seen.owner",
        "owner=seen.owner",
    ),
    "a caller climbs anew each time": ("folding_calls", "return seen if fresh else", "return"),
    "a claim drops who waits on the line": (
        "turning",
        "ring for ring in seen.rings if ring.call_id in callers",
        "ring for ring in seen.rings if False",
    ),
    "what was paid is forgotten at the end": (
        "folding",
        "debt for debt in seen.owed if debt.paid_at is not None",
        "debt for debt in seen.owed if False",
    ),
    # connecting
    "a lead is dialled at any hour": (
        "lawful",
        "FROM_MIN, UNTIL_MIN = 8 * 60, 20 * 60",
        "FROM_MIN, UNTIL_MIN = 0, 1440",
    ),
    "any one of its zones will do": (
        "lawful",
        "_hours(zone) for zone in zones]",
        "_hours(zone) for zone in zones[:1]]",
    ),
    "who is on a call is rung": ("connecting", "return Prospect.HELD if", "return Prospect.NOW if"),
    "a third ring": ("connecting", "RINGS_MAX = 2", "RINGS_MAX = 3"),
    "the second ring comes at once": (
        "connecting",
        "timedelta(seconds=20)",
        "timedelta(seconds=0)",
    ),
    "a lost ring rings for ever": ("connecting", "    if now < over_at:", "    if True:"),
    "a second ring beside the first": ("connecting", "    if ringing:", "    if False:"),
    "the owner is not alone": (
        "connecting",
        "OWNER_ALONE = timedelta(seconds=15)",
        "OWNER_ALONE = timedelta(0)",
    ),
    "a caller rings four": ("connecting", "CALLED_AT_ONCE = 3", "CALLED_AT_ONCE = 5"),
    "a rep is rung twice for one caller": (
        "connecting",
        "if rep not in {ring.rep for ring in rung}",
        "if True",
    ),
    "a caller wakes the team": (
        "connecting",
        "return policy.hours.is_open(at) or",
        "return True or",
    ),
    "a caller rings on and on": ("connecting", "    if now >= ends_at:", "    if False:"),
    "a caller is left to voicemail too soon": (
        "connecting",
        "    if any(ring.open for ring in rung):\n        return False\n    more",
        "    more",
    ),
    "a lost call is up for ever": (
        "connecting",
        "line.since + (CALLER_MAX if line.rep is None else CALL_MAX)",
        "line.since + CALL_MAX * 99",
    ),
    "who is on a call is called": ("means", "if floor.is_engaged(rep, climb.now):", "if False:"),
    # owed
    "the second call is asked for at once": ("owed", "promise_s - ask_before_s)", "0.0)"),
    "the second call is promised by the wall": (
        "owed",
        "return policy.hours.after_open_seconds(at, seconds) or at + timedelta(seconds=seconds)",
        "return at + timedelta(seconds=seconds)",
    ),
    "a seventh call": ("owed", "standing.unreached >= policy.calls.most or", ""),
    "the gaps stay short": ("owed", "GAPS[min(standing.unreached - 2, len(GAPS) - 1)]", "GAPS[0]"),
    "a short answer is not waited for": (
        "owed",
        "if waits_until is not None and now < waits_until:",
        "if False:",
    ),
    "contact is chased": (
        "owed",
        "if standing.first_contact_at is not None and not later:",
        "if False:",
    ),
    "an agreed time is chased before": (
        "owed",
        "    elif last is not None and _is_un",
        "    if last is not None and _is_un",
    ),
    "what was a slip is waited for": (
        "owed",
        "if since < at <= since + AGREED_AHEAD_MAX else None",
        "if True else None",
    ),
    "a voicemail is not owed": ("owed", "if standing.asked_back is not None:", "if False:"),
    "owed again and again": ("owed", "if _what(debt) not in known:", "if True:"),
    "missed while they talk": (
        "owed",
        "and now >= debt.due_at and not talking:",
        "and now >= debt.due_at:",
    ),
    "missed again and again": ("owed", "elif not debt.missed and", "elif"),
    "late is in time": ("owed", "late = debt.paid_at > debt.due_at", "late = False"),
    "the owner keeps a lead that they do not call": (
        "owed",
        "        if now >= debt.due_at:",
        "        if False:",
    ),
    "an owner who went home is waited for": (
        "owed",
        "and not _may_be_asked(standing, floor, owner)",
        "and False",
    ),
    "the team is woken for what is owed": ("owed", "or rests_until(policy, now):", "or False:"),
    "the owner is woken for what is owed": (
        "owed",
        "if rests is not None and policy.hours.is_open(debt.call_at):",
        "if False:",
    ),
    "the owner is asked on and on": (
        "owed",
        "if len(asked) > 1 or left < ASK_USEFUL_MIN:",
        "if left < ASK_USEFUL_MIN:",
    ),
    "the owner is asked twice in one breath": (
        "owed",
        "first.at + min(CALL_AFTER, left / 2)",
        "first.at",
    ),
    "who is on a call is called about it": (
        "owed",
        "and not (each is Channel.CALL and floor.is_engaged(owner, now))",
        "",
    ),
    "a word is not waited for": (
        "owed",
        "    return last.at + ANSWER_WITHIN if last.rep == standing.owner else None",
        "    return None",
    ),
    # decide, wanted and the notes
    "a lost call is never given up": (
        "decide",
        "            self._loses_calls()",
        "            pass",
    ),
    "nobody is presumed": ("decide", "        if last.came is Came.OPEN:", "        if False:"),
    "the opening is not looked for": (
        "decide",
        "self.looks_at(rests_until(self.policy, now))",
        "self.looks_at(None)",
    ),
    "who hangs up is not looked for": (
        "decide",
        "        for free_at in floor.engaged.values():",
        "        for free_at in ():",
    ),
    "a lead that nobody has is forgotten": (
        "decide",
        "State.WAITING and calls_owed:",
        "State.WAITING and False:",
    ),
    "taken back while they talk": (
        "decide",
        "if lines_up(self.standing, self.now) or (waits_until",
        "if (waits_until",
    ),
    "a lead that may not be called is taken back": (
        "decide",
        "by = lawful_for(policy, floor, standing.claimed_at) + within",
        "return standing.claimed_at + within",
    ),
    "what is owed does not keep a lead open": (
        "decide",
        "*(debt.due_at for debt in unpaid(standing))",
        "*()",
    ),
    "paged though the lead is on the line": (
        "wanted",
        "return not lines_up(standing, now) and",
        "return",
    ),
    "an unwanted ring goes out": (
        "wanted",
        "return standing.owner == fact.rep and not lines",
        "return True",
    ),
    "reminded while they talk": (
        "telling",
        "isinstance(event.fact, _ABOUT_CALLS) and silent",
        "False",
    ),
    "asked before they could press a key": (
        "telling",
        "return event.recorded_at + ASK_AFTER if asks else",
        "return",
    ),
}
