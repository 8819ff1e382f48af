"""The front door: HTTP in, HTTP out, and nothing decided in between.

Each file receives, hands on what it received, and says what came of it. None of them may decide
who is paged, write SQL or hold a lead's row while it talks to anybody.
"""
