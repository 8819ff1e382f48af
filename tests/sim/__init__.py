"""Seeded worlds: the real rules, desk and ledger, and everything around them played by chance.

One thread lives one world. Its steps are whole verbs of the desk (a look, a taking, a receipt, a
reply, a sweep's round), drawn one after the other by a ``random.Random(seed)``, so that every
order of events is possible and every run of a seed is the same run. Nothing waits: business time
and the database's own clock are numbers that the world moves.

    drawn       what a seed decides before anything happens: team, ladder, hours, how much fails
    moved_time  the two clocks, the database's included
    frail       a ledger whose connection breaks, and whose process dies, between two statements
    carrier     the line to the carrier, and a record of what was really sent
    exchange    what is true of calls: who is on the line with whom, and what each leg came to
    machinery   the queue, and the processes that may die at any step
    phones      the people: what they hold in their hands, and what they do about it
    living      the part in which anything may happen, step by step
    house street thumbs bridges callers weather
                the steps: of our processes, of people and carrier, of links, of calls that connect
                and of those that come in, of time and bad luck
    seen        what a step changed in the ledger
    tale        what happened to one lead, told from its events alone and not by the rules
    safety call_laws
                what must hold after every step
    figures     that the counters add up to what happened
    ending      faults off: what must be true in the end
    world       one world from its first step to its last

``python -m tests.sim --seed 17 -v`` lives one world and tells all of it.
"""
