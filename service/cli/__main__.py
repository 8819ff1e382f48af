"""`python -m service.cli` is the command `speedtolead`."""

from service.cli import main

main(prog_name="speedtolead")
