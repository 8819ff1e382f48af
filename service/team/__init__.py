"""The team file: what a person writes, turned into a policy and people, or into clear problems.

``file`` reads it, ``written`` puts it into the ledger's words and back, ``warn`` says what is
allowed but probably not meant. This room reads a file, given its path, and nothing else: no
clock, no environment, no ledger. ``tree`` is the only file that knows YAML's syntax.

What may be left out of a team file, and what then holds:

==================  ================================================================
hours               open day and night, every day (said by ``check``)
shifts              every rep, whenever the team is open (said by ``check``)
holidays            none
after_hours         at-opening
turn                round-robin
ladder              the five rungs of the default policy
promises, calls     the default policy, key by key
routes, sources     none; managers: none, which the default ladder does not accept
texts               on
carrier             leads_from, and each number to call from: as pages_from, where it can
a person's name     their id; email, timezone, languages: none; weight 1; prefer text
a source's name     its id with spaces for dashes; 6,000 leads a minute
==================  ================================================================

``team``, ``timezone``, ``carrier.pages_from`` and at least one rep with ``id`` and ``phone`` have
no default that would be right for anybody.
"""
