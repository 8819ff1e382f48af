"""What the makers of web forms call things, beyond the table of `fields`: labels, numbers, noise.

A form's field may be named by a person (`Phone Number (optional)`), by a plugin (`tel-123`,
`form_fields[email]`, `input_1_3`) or by nobody (`field_8f3a`). This file finds the words in a name;
it must not look at values.
"""

import re
from dataclasses import dataclass

from service.intake.fields import ENVELOPES, RANKS, Field, plain

_BRACKETS = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_WORD = re.compile(r"[^\W_]+")
_NUMBERED = re.compile(r"[\s_-]?[0-9]+$")

PARTS_MAX = 6
"""The deepest maker nests four (`wpforms[fields][3][first]`)."""


def _set(row: str) -> frozenset[str]:
    return frozenset(row.split())


_FORMS_OWN = frozenset({"formfields", "wpforms", "itemmeta", "formitems", "meta", "dynamicfields"})
"""Brackets around a form's fields: Elementor, WPForms, Formidable; `meta` is Elementor's about
the page."""

_ABOUT_PAGE = frozenset({"meta"})

ABOUT_A_FIELD = frozenset({"id", "type", "title", "value", "rawvalue", "required"})
"""Elementor's webhook tells six things of each field: `fields[email][value]` is the one."""

_FILLERS = _set(
    """your my our the a an please enter type give us tell is what s whats are may we can have best
    preferred optional required so of for in to at you me field input form"""
)
"""Words of a label that say nothing about what belongs in the field."""

_NOBODYS = _set(
    """text input field item question q menu select radio checkbox checkboxes dropdown number date
    datetime file hidden acceptance quiz url fields list choice option"""
)
"""What plugins call a field that nobody named: it is known by its value, if at all."""

_TOKENS = _set(
    """grecaptcharesponse hcaptcharesponse cfturnstileresponse wpcf7recaptcharesponse captcha nonce
    wpnonce csrf csrftoken csrfmiddlewaretoken authenticitytoken requestverificationtoken token
    formtoken formkey formbuildid charset wphttpreferer action submit button versionhash"""
)
_TOKEN_STARTS = ("_wpcf7_", "gform_", "is_submit_", "state_", "ak_", "wpforms[nonce", "__")
"""Names of hidden fields that guard or steer a form: of no use to anybody once it has arrived."""

_HIDDEN = _set(
    """formid formname wpcf7 postid pageid queriedid referertitle elementid siteid pagetitle
    useragent remoteip ip credit dolphin source wpformsid wpformspostid entryid sourceurl gclid
    gbraid wbraid fbclid msclkid ttclid fbp fbc ga"""
)
_HIDDEN_STARTS = ("utm_", "_", "hidden", "form[", "meta[")
"""Names of hidden fields that say where a lead came from: kept, after what the person wrote."""

_PHONE_WORDS = _set("phone telephone tel mobile cell cellphone whatsapp telefono")
_EMAIL_WORDS = _set("email mail correo")
_ASK_WORDS = _set(
    """message question questions comment comments help describe project details inquiry enquiry
    request requirements looking need needs mensaje"""
)
_TIME_WORDS = _set("time when")
_CALL_WORDS = _set("call contact reach best")


@dataclass(frozen=True, slots=True)
class Name:
    """A field's name taken apart: what stands outside its brackets and the envelopes opened on the
    way to ``own``, the rest. ``parts`` are all of them."""

    whole: str
    parts: tuple[str, ...]
    depth: int
    readable: frozenset[Field]

    @property
    def own(self) -> str:
        """`form_fields[email]` is `email`; `consent[sms]` stays whole, as nothing opens it."""
        return " ".join(self.parts[self.depth :]) if self.depth else self.whole


def taken_apart(name: str) -> Name:
    """Any text is a name; one whose brackets do not match has a single part."""
    found = _BRACKETS.fullmatch(name)
    inner = re.findall(r"\[([^\[\]]*)\]", found[2])[:PARTS_MAX] if found else []
    parts = tuple(part for part in (found[1] if found else name, *inner) if part)
    if len(parts) == 1:  # `services[]`
        return Name(parts[0], parts, 0, frozenset(Field))
    depth, readable = 0, frozenset(Field)
    for part in parts[:-1]:
        spelling = plain(part)
        if spelling not in ENVELOPES and spelling not in _FORMS_OWN:
            break
        readable &= ENVELOPES.get(spelling, frozenset(Field))
        if spelling in _ABOUT_PAGE:
            readable &= frozenset({Field.LANDING_PAGE})
        depth += 1
    return Name(name, parts or (name,), depth, readable)


def is_token(name: Name) -> bool:
    """Whether this hidden field is of no use to anybody."""
    return plain(name.own) in _TOKENS or name.whole.lower().startswith(_TOKEN_STARTS)


def is_hidden(name: Name) -> bool:
    """Whether this field was most likely not shown to the person who filled in the form."""
    low = name.whole.lower()
    return plain(name.own) in _HIDDEN or plain(low) in _HIDDEN or low.startswith(_HIDDEN_STARTS)


def is_nobodys(name: Name) -> bool:
    """Whether the name tells nothing: `input_3`, `text-123`, `field_8f3a`, `wpforms[fields][2]`."""
    own = name.own.lower()
    first = next(iter(_WORD.findall(own)), "")
    bare = _NUMBERED.sub("", own).strip(" -_")
    return not any(c.isalpha() for c in own) or bare in _NOBODYS or first in ("field", "input")


def known_as(name: Name) -> tuple[Field, int] | None:
    """The field that a name certainly means, and how good a name for it this is (0 is best)."""
    own = name.own
    bare = _NUMBERED.sub("", own)
    tried = [own]
    if not is_hidden(name):
        tried += ["" if is_nobodys(name) else bare, _of_person(name)]
    for worse, text in enumerate(tried):
        if (found := RANKS.get(plain(text))) and found[0] in name.readable:
            return found[0], found[1] + 100 * worse
    return None


def hinted_at(name: Name) -> Field | None:
    """The field that a label seems to ask for; the value must still look like it."""
    if is_hidden(name):
        return None
    told = [word for word in words_of(name.own) if word not in _FILLERS]
    if found := RANKS.get(plain("".join(told))):
        return found[0]
    words = set(words_of(name.own))
    if words & _EMAIL_WORDS:
        return Field.EMAIL
    if words & _PHONE_WORDS:
        return Field.PHONE
    if words & _TIME_WORDS and words & _CALL_WORDS:
        return Field.PREFERRED_TIME
    return Field.ASK if words & _ASK_WORDS else None


def words_of(label: str) -> list[str]:
    """`What's your e-mail?` is what, s, your, email."""
    return [word.casefold() for word in _WORD.findall(re.sub(r"(?i)\be-mail\b", "email", label))]


def _of_person(name: Name) -> str:
    """`name[first]` and `wpforms[fields][0][last]` are a first and a last name."""
    last = plain(name.parts[-1])
    above = plain(name.parts[-2]) if len(name.parts) > 1 else ""
    if last in ("first", "last") and (name.depth or above.endswith("name")):
        return f"{last}name"
    return ""
