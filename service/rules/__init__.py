"""The pure core: what should happen, never making it happen.

Nothing here reads a clock, a file, a socket, an environment or a random number; ``now`` is an
argument. Standard library only, so that a rule can be read, tested and trusted on its own.
"""
