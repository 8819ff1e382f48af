"""How leads come in: each source's shape and signature, read into one `Arrival`.

This room reads what it is handed and says what it could not read. It must not store, page, log or
answer anybody, and it knows nothing of HTTP.
"""
