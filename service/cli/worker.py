"""`worker`: looks at leads and sends pages, one process."""

from __future__ import annotations

import click

from service.cli.house import house_of
from service.cli.swift import be_swift
from service.wake import connect
from service.wiring import line_of, post_of
from workers import attend
from workers.send import Senders

THREADS = 12
"""A carrier answers a text in some 0.15 s: twelve threads send 80 a second, more than most numbers
that a sales team can rent may send."""

CONNECTIONS_BESIDE = 4
"""One for the look in hand, one for e-mails, one for the sign of life, one to spare."""


@click.command()
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=THREADS,
    show_default=True,
    help="Messages sent at once.",
)
def command(threads: int) -> None:
    """Look at leads as they come, and send pages.

    Any number may run. Example: speedtolead worker --threads 4
    """
    with house_of("worker", threads + CONNECTIONS_BESIDE) as house:
        settings = house.settings
        line = line_of(house)
        senders = Senders(house.desk, line, settings.public_url, threads, post_of(house))
        assert settings.redis_url is not None, "a house has both its servers"
        # A client of the queue's own: RQ stretches its timeouts to what a blocking wait needs.
        queue = connect(settings.redis_url.get_secret_value())
        be_swift()
        attend.run(house.desk, queue, senders)
