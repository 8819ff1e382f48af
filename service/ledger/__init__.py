"""The ledger: what happened, kept in PostgreSQL. The only room that knows SQL.

Queries are functions named for their question; they take a connection inside a transaction
(`engine.Ledger.transaction`) and return frozen values. A query selects and writes down; it never
decides who is paged. Business instants come from the caller; leases, wakes and heartbeats go by
PostgreSQL's own `clock_timestamp()`, which no test moves.

    schema      every table, and which rule each constraint carries (schema_leads,
                schema_persons, schema_calls, triggers)
    migrations  how the schema came to be; `migrate` brings a ledger to the newest
    revision    which revision a ledger is at, and which this version needs
    engine      connections, transactions, which failure is whose fault
    leads       leads, their timelines; the one lock (lead_rows: their shapes; listing: in lists)
    look        all that a look reads, in one statement, and all it writes, in one
    persons     a person's words and numbers, changed later
    outbox      messages ordered, taken, sent (outbox_rows: their shapes)
    outbox_calls which calls still ring, and what ends one
    calls       calls with leads, until they are settled (engaged: who is on one)
    recordings  voicemails and recorded calls, by reference; messages: a lead's own words
    looks       who wants a look, who was woken, who was forgotten
    people      policy versions, the team's copy, turns, deaf phones
    questions   which lead a letter means on a phone
    inbound     what we answered before; what could not be read
    counts      counting once, folding, totals
    health      heartbeats and figures for the metrics collector
    pace        slots per sender
    tokens      bearer tokens, by hash only
    locks       advisory locks, for what has no row

Locks are taken in one order and never the other way: identity keys, then one lead's row, then a
turn's row, then phones (sorted). The outbox is taken with `skip locked` and waits for nobody.
"""
