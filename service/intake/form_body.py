"""The bodies that a browser's form comes in: urlencoded or multipart bytes in, one `Form` out.

Files are named and thrown away as they stream past; only texts are held. It must not know what a
field means, nor how large a body may be: whoever feeds it asks `text_bytes` and stops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlencode

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import SourceError

FIELDS_MAX = 500
"""Filled-in fields and files. The longest forms of the field's makers send some 200, hidden ones
included; each part of a multipart body costs some 20 µs of everybody's time."""

NAME_LONGEST = 200
"""Characters of a field's name or a file's. A name may be the whole question that was asked."""

HEAD_MAX_BYTES = 16 * 1024
"""How much of a body that cannot be read is held for a person: all the texts of a real form."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, in the order sent; blank fields are left out. ``files`` are names."""

    pairs: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of the field with exactly this name; None if it was left blank."""
        return next((value for each, value in self.pairs if each == name), None)

    def encoded(self, *leave_out: str) -> bytes:
        """The form urlencoded, as it is kept for a person, without the fields named."""
        shown = [pair for pair in self.pairs if pair[0] not in leave_out]
        return urlencode([*shown, *(("file", name) for name in self.files)]).encode()


def read_urlencoded(body: bytes) -> Form:
    """Any bytes are a form of some kind. Raises SourceError for more fields than a form has."""
    pairs: list[tuple[str, str]] = []
    for each in body.split(b"&"):
        name, _, value = each.partition(b"=")
        if read := _words(unquote_to_bytes(value.replace(b"+", b" "))):
            if len(pairs) == FIELDS_MAX:
                raise _too_many()
            pairs.append((_words(unquote_to_bytes(name.replace(b"+", b" ")))[:NAME_LONGEST], read))
    return Form(tuple(pairs))


def boundary_of(content_type: str) -> bytes | None:
    """What parts a multipart body, by its Content-Type; None when that does not say."""
    return parse_options_header(content_type)[1].get(b"boundary") or None


class MultipartReading:
    """Reads one multipart body as it comes. Feed it, then ask for the `form`."""

    def __init__(self, boundary: bytes) -> None:
        """Raises SourceError for a boundary that cannot be one."""
        self.text_bytes = 0
        self.head = bytearray()
        self._pairs: list[tuple[str, str]] = []
        self._files: list[str] = []
        self._parts = 0
        self._ended = False
        self._header = (bytearray(), bytearray())
        self._named: dict[bytes, bytes] = {}
        self._value = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._into(self._header[0]),
                    "on_header_value": self._into(self._header[1]),
                    "on_header_end": self._end_header,
                    "on_part_data": self._on_data,
                    "on_part_end": self._end_part,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _broken() from error

    @property
    def pairs_so_far(self) -> Form:
        """What was read whole before a body broke off."""
        return Form(tuple(self._pairs), tuple(self._files))

    def feed(self, chunk: bytes) -> None:
        """Raises SourceError when this cannot be a multipart body, or has too many parts."""
        self.head += chunk[: HEAD_MAX_BYTES - len(self.head)]
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _broken() from error

    def form(self) -> Form:
        """The whole form. Raises SourceError when its end never came."""
        if not self._ended:
            raise _broken()
        return self.pairs_so_far

    def _into(self, held: bytearray) -> Callable[[bytes, int, int], None]:
        def take(data: bytes, start: int, end: int) -> None:
            held.extend(data[start:end])

        return take

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > FIELDS_MAX:
            raise _too_many()
        self._named = {}
        self._value.clear()

    def _end_header(self) -> None:
        name, value = self._header
        if name.strip().lower() == b"content-disposition":
            # latin-1 is how that function carries bytes; they are decoded where they are used.
            self._named = parse_options_header(value.decode("latin-1"))[1]
        name.clear()
        value.clear()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if b"filename" not in self._named:
            self._value += data[start:end]
            self.text_bytes += end - start

    def _end_part(self) -> None:
        if (filename := self._named.get(b"filename")) is not None:
            if name := _words(filename):  # a field for files that was left empty has none
                self._files.append(name[:NAME_LONGEST])
        elif value := _words(bytes(self._value)):
            self._pairs.append((_words(self._named.get(b"name", b""))[:NAME_LONGEST], value))

    def _on_end(self) -> None:
        self._ended = True


def _words(raw: bytes) -> str:
    """Browsers send UTF-8. An old page that does not is read as what it most likely is, because
    a lead is worth more than an accent."""
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace").strip()


def _broken() -> SourceError:
    return SourceError("not a whole multipart form: its boundaries do not add up")


def _too_many() -> SourceError:
    return SourceError(f"a form of more than {FIELDS_MAX} fields")
