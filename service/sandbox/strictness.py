"""Holds requests and documents against the grammar, and says in words what is wrong with them.

Pure: it changes nothing and keeps no list. The gate and the walker refuse what it names.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import Element

from service.sandbox.grammar import (
    OVERRIDES,
    PLACES,
    VERBS,
    Place,
    Rule,
    Verb,
)
from service.sandbox.numbers import E164
from service.sandbox.request_grammar import REQUESTS

SHOWN_CHARS_MAX = 80
BOOLEANS = ("true", "false")
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def is_url(url: str) -> bool:
    """Whether it is absolute, of http or https, with a host."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def wrong_request(resource: str, given: Mapping[str, list[str]]) -> tuple[int, str] | None:
    """The carrier's error number and the reason, or None. Raises KeyError on no such resource."""
    rules = REQUESTS[resource]
    for name, values in given.items():
        rule = rules.get(name)
        if rule is None:
            return 20001, f"{resource}: the parameter {name} is not documented"
        if len(values) > 1 and not rule.many:
            return rule.code, f"{resource}: {name} is given {len(values)} times"
        for value in values:
            if (value or rule.kind == "text") and (why := wrong_value(rule, value, absolute=True)):
                return rule.code, f"{resource}: {name} {why}"
    return None


def wrong_value(rule: Rule, value: str, *, absolute: bool) -> str:
    """Why the value does not keep the rule; "" when it does. `absolute`: URLs must be."""
    shown = repr(value[:SHOWN_CHARS_MAX])
    match rule.kind:
        case "text":
            good = rule.low <= len(value) <= rule.high
            return "" if good else f"has {len(value)} characters, not {rule.low} to {rule.high}"
        case "int":
            good = value.isascii() and value.isdigit() and rule.low <= int(value) <= rule.high
            return "" if good else f"must be {rule.low} to {rule.high}, found {shown}"
        case "bool":
            return "" if value in BOOLEANS else f"must be true or false, found {shown}"
        case "choice":
            good = value in rule.choices
            return "" if good else f"must be one of {sorted(rule.choices)}, found {shown}"
        case "words":
            good = bool(value.split()) and set(value.split()) <= rule.choices
            return "" if good else f"must be of {sorted(rule.choices)}, found {shown}"
        case "number":
            return "" if E164.match(value) else f"must be a number like +12125550101, found {shown}"
        case "pattern":
            return "" if re.fullmatch(rule.pattern, value, re.ASCII) else f"cannot be {shown}"
        case "time":
            return "" if TIME.fullmatch(value) else f"is no ISO 8601 time: {shown}"
        case "url":
            return _wrong_url(value, absolute)


def _wrong_url(url: str, absolute: bool) -> str:
    shown = repr(url[:SHOWN_CHARS_MAX])
    parts = urlsplit(url)
    if (absolute or parts.scheme or parts.netloc) and not is_url(url):
        return f"must be an absolute URL of http or https, found {shown}"
    if "_" in (parts.hostname or ""):
        return f"has a host name with an underscore, found {shown}"
    for key, value in parse_qsl(parts.fragment, keep_blank_values=True):
        rule = OVERRIDES.get(key)
        if rule is None:
            return f"has an unknown connection override {key!r}"
        if why := wrong_value(rule, value, absolute=False):
            return f"has a connection override {key} that {why}"
    return ""


def wrong_document(verbs: tuple[Element, ...], place: Place, *, inline: bool) -> str:
    """What a document in that place breaks first; "" when it keeps to the grammar."""
    for verb in verbs:
        if verb.tag not in VERBS:
            return f"<{verb.tag}> is not known to the stand-in carrier"
        if verb.tag not in PLACES[place]:
            return f"<{verb.tag}> cannot stand in a document of this kind ({place})"
        if why := _wrong_element(verb, inline):
            return why
    return ""


def _wrong_element(element: Element, inline: bool) -> str:
    known = VERBS[element.tag]
    for name, value in element.attrib.items():
        rule = known.attributes.get(name)
        if rule is None:
            return f"<{element.tag}> has no attribute {name!r}"
        if (value or rule.kind == "text") and (why := wrong_value(rule, value, absolute=inline)):
            return f"<{element.tag}> {name} {why}"
    if len(element) > known.nested_max:
        return f"<{element.tag}> holds {len(element)} elements, more than {known.nested_max}"
    for child in element:
        if child.tag not in known.nested:
            return f"<{child.tag}> cannot stand inside <{element.tag}>"
        if why := _wrong_element(child, inline):
            return why
    return _wrong_text(element, known, inline) or _wrong_together(element, inline)


def _wrong_text(element: Element, known: Verb, inline: bool) -> str:
    text = "".join(element.itertext()).strip()
    if known.nested and element.tag != "Say" and len(element):
        text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
        if text:
            return f"<{element.tag}> holds both text and elements"
        return ""
    least, most = known.text
    if not least <= len(text) <= most:
        return f"<{element.tag}> has {len(text)} characters of text, not {least} to {most}"
    if known.number and text and not E164.match(text):
        return f"<{element.tag}> must be a number like +12125550101, found {text!r}"
    if known.url and text:
        why = _wrong_url(text, inline)
        return f"<{element.tag}> {why}" if why else ""
    return ""


def _wrong_together(element: Element, inline: bool) -> str:
    """What no single attribute shows."""
    has = element.attrib
    if element.tag == "Dial":
        nouns = {child.tag for child in element}
        if not nouns and not (element.text or "").strip():
            return "<Dial> dials nobody"
        if "Queue" in nouns and len(element) > 1:
            return "<Dial> can hold one <Queue>, and nothing beside it"
    if element.tag == "Play" and not (element.text or "").strip() and "digits" not in has:
        return "<Play> plays nothing"
    if element.tag == "Record" and "transcribeCallback" in has and has.get("transcribe") != "true":
        return '<Record> has a transcribeCallback without transcribe="true"'
    if inline and element.tag in ("Gather", "Record", "Redirect"):
        own = (element.text or "").strip() if element.tag == "Redirect" else has.get("action")
        if not own:
            return f"<{element.tag}> in an inline document must name an absolute URL"
    return ""
