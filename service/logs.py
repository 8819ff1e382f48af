"""Log lines: one JSON object per line on stderr, for our own words and for the libraries'.

What must never reach a log is taken out here, at the last step before writing, so that no caller
can forget it: phone numbers show their last digits only, message bodies and secrets not at all.
This file must not decide what is worth a line.
"""

import logging
import re
import sys
import threading
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

PHONE = re.compile(r"(?:\+|%2[Bb])([1-9])((?:[ ().-]{0,2}\d){6,14})(?!\d)")
"""E.164 (at most 15 digits), as it is, spaced or bracketed, or percent-encoded as in a URL."""

LONG_NUMBER_DIGITS = 10
"""From this length on, the last four digits do not give a number away; below it, two."""

NEVER = frozenset(
    {"body", "message_body", "ask", "text", "words", "transcript"}
    | {"authorization", "auth_token", "token", "password", "secret", "secret_key"}
)
"""Keys (in lower case, at any depth) that are left out: what a person said, and secrets."""

DEPTH_MAX = 8
"""Deeper than any line of ours; what lies deeper is left out rather than walked for ever."""

QUIET: dict[str, int] = {
    "twilio.http_client": logging.WARNING,  # INFO prints URLs, with phone numbers in them
    "httpx": logging.WARNING,  # the same
    "httpcore": logging.WARNING,
    "urllib3": logging.WARNING,
    "rq.worker": logging.WARNING,  # INFO is two lines for each job; the job says its own outcome
    "asyncio": logging.WARNING,
    "python_multipart": logging.ERROR,  # a line for each body that somebody broke; ours says it
    "uvicorn.access": logging.CRITICAL + 1,  # off: URLs of rep pages are keys
}


def configure(level: str, process: str, *, human: bool = False) -> None:
    """Send every log line of this process to stderr. Call once, at the start of a process.

    `level` is the least important level to write (debug, info, warning, error); `process` is the
    name that each line carries. `human` asks for coloured lines instead of JSON, and is heeded
    only when stderr is a terminal. Uncaught exceptions become a line too.
    """
    shared = _shared(process)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_last_steps(human and sys.stderr.isatty()),
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a logger made before this call must heed it too
    )
    _take_over(handler, level)


def mask(text: str) -> str:
    """The text with each phone number in it reduced to its first and last digits."""
    return PHONE.sub(_masked, text)


def discreet(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """structlog processor: mask phone numbers everywhere, leave out what must never be logged."""
    return {key: _cleaned(value, 0) for key, value in line.items() if key.lower() not in NEVER}


def _shared(process: str) -> list[Processor]:
    """What every line gets, ours or a library's."""

    def name_process(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line.setdefault("process", process)
        return line

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
    ]


def _last_steps(human: bool) -> list[Processor]:
    """Exceptions become text before the masking, so that their messages are masked too."""
    if human:
        plain = structlog.dev.plain_traceback
        console = structlog.dev.ConsoleRenderer(colors=True, exception_formatter=plain)
        return [structlog.processors.format_exc_info, discreet, console]
    return [
        structlog.processors.format_exc_info,
        discreet,
        _head_first,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def _head_first(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """When, how bad and what, before the particulars: most lines are read by eye in the end."""
    head = ("timestamp", "level", "process", "event", "because")
    return {key: line[key] for key in head if key in line} | dict(line)


def _take_over(handler: logging.Handler, level: str) -> None:
    """Make `handler` the only one, whatever libraries set up before."""
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in list(logging.root.manager.loggerDict):
        known = logging.getLogger(name)
        known.handlers, known.propagate = [], True
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return  # somebody pressed Ctrl-C; that is no fault
    structlog.get_logger("uncaught").critical(
        "process.failed", because=kind.__name__, exc_info=(kind, error, traceback)
    )


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    structlog.get_logger("uncaught").critical(
        "thread.failed",
        because=args.exc_type.__name__,
        thread=args.thread.name if args.thread else None,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )


def _masked(number: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", number[2])
    shown = 4 if len(digits) + 1 >= LONG_NUMBER_DIGITS else 2
    return f"+{number[1]}•••••{digits[-shown:]}"


def _cleaned(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return mask(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth == DEPTH_MAX:
        return "..."
    if isinstance(value, dict):
        kept = ((k, v) for k, v in value.items() if str(k).lower() not in NEVER)
        return {mask(str(k)): _cleaned(v, depth + 1) for k, v in kept}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item, depth + 1) for item in value]
    return mask(str(value))
