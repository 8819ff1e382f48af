"""Single tokens of the rules, and what they would be if somebody slipped: (file, sound, broken).

`test_broken` loads each such variant and holds that it is caught.
"""

from __future__ import annotations

# Pages: the ladder, how people are reached, claims and endings.
BROKEN = {
    "a rung waits past its instant": (
        "ladder",
        "if due_at > climb.now:",
        "if due_at >= climb.now:",
    ),
    "a rung comes a second early": (
        "ladder",
        "if due_at > climb.now:",
        "if due_at > climb.now + timedelta(seconds=1):",
    ),
    "the turn never ends": ("ladder", "if ended_at is not None:", "if False:"),
    "a pass is forgotten": ("means", "if rep in passed_at:", "if False:"),
    "a failed rung is waited for": (
        "ladder",
        "if failed_at is None or (failed_at >= ahead[1] and not past_the_end):",
        "if True:",
    ),
    "an empty rung brings everything forward": (
        "ladder",
        "due_at = own if self.last != reached_before else min(own, due_at)",
        "due_at = min(own, due_at)",
    ),
    "an empty rung is waited for": (
        "ladder",
        "due_at = own if self.last != reached_before else min(own, due_at)",
        "due_at = own",
    ),
    "those who passed are paged with everyone": (
        "means",
        "out = standing.passed | standing.taken_back",
        "out = standing.taken_back",
    ),
    "a take-back pages the same rep": (
        "means",
        "out = standing.passed | standing.taken_back",
        "out = standing.passed",
    ),
    "the repeat drifts to now": (
        "climb",
        "rounds = math.floor((last_at - first).total_seconds() / rung.repeat_s) + 1",
        "rounds = math.floor((last_at - first).total_seconds() / rung.repeat_s)",
    ),
    "the repeat ignores the night": (
        "climb",
        "return climb.policy.hours.next_open(due_at) or due_at",
        "return due_at",
    ),
    "a later rung counts from its turn": (
        "ladder",
        "return climb.nominal(index)",
        "return (self.turn_at or climb.starts_at) + timedelta(seconds=climb.rungs[index].at_s)",
    ),
    "the night is not spared": (
        "climb",
        "if waits or now >= opens_at:",
        "if now >= opens_at:",
    ),
    "an outage burns the ladder up": (
        "means",
        "if in_a_row == 0 or (in_a_row == 1 and not at_top):",
        "if True:",
    ),
    "an outage is not tried again at the top": (
        "means",
        "(in_a_row == 1 and not at_top)",
        "in_a_row == 1",
    ),
    "the morning is climbed on the night's ladder": (
        "climb",
        "if waits or now >= opens_at:",
        "if waits:",
    ),
    "a manager who passed is never reached again": (
        "wanted",
        "not passed_since(standing, mine[-1])",
        "fact.rep not in standing.passed",
    ),
    "a text without a receipt is trusted": (
        "ladder",
        "sent_at + UNSEEN_AFTER >= ahead[1]",
        "True",
    ),
    "a receipt is not believed": (
        "means",
        "and page.delivered_at is None",
        "and True",
    ),
    "silence pages another person": (
        "means",
        "range(index + 1, climb.block_end(index))",
        "range(index + 1, len(climb.rungs))",
    ),
    "who answers unseen texts is rung all the same": (
        "means",
        "and page.rep not in climb.floor.answer_unseen",
        "and True",
    ),
    "a fourth text": ("means", "_texts_sent(climb, rep) < TEXTS_MAX", "True"),
    "a failing channel is used on": (
        "means",
        "if channel in floor.tripped and other not in floor.tripped:",
        "if False:",
    ),
    "an e-mail climbs the ladder": (
        "climb",
        "and page.channel is not Channel.EMAIL",
        "and True",
    ),
    "an e-mail with every page": ("decide", "and not mailed", "and True"),
    "the last resort is given up after one failure": ("means", "if at_top:", "if False:"),
    "a ladder of one turn falls silent": (
        "ladder",
        "(end, ended_at) if again_at is None else (end - 1, again_at)",
        "(end, ended_at)",
    ),
    "a claim is never taken back": (
        "decide",
        "if first_by is not None and self.now >= first_by",
        "if False and first_by is not None and self.now >= first_by",
    ),
    "the take-back is looked for too late": (
        "decide",
        "            self.looks_at(first_by)",
        "            self.looks_at(None)",
    ),
    "a new floor is not looked at": (
        "decide",
        "self.looks_at(floor.changes_at)\n        else",
        "self.looks_at(None)\n        else",
    ),
    "a lead nobody called never ends": (
        "decide",
        "if now < horizon(standing) or",
        "if True or",
    ),
}
