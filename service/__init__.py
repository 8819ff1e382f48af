"""Speed-to-lead response monitor: what we know and decide.

The map, from the inside out; imports go only downwards in this list, and import-linter proves it:

    cli                                    starts anything
    web, sandbox (and the package workers) entrances; may not import each other
    wiring                                 the one place that builds things
    desk                                   the shell: take_in, hear, attend, judge
    ledger, intake, phone, team, wake      rooms; may not import each other
    figures, rules                         pure; rules imports nothing of ours but errors
    clock, config, logs, errors, embedded, supervise   leaves

Start reading at ``docs/tour.md``: one lead, room by room.
"""
