"""What the control API is sent: texts, calls and keys of a person, and a handset's behaviour."""

from pydantic import BaseModel, ConfigDict, Field

from service.sandbox.records import CallsMode, MessageEnd, TextsMode, Verdict

SCRIPT_S_MAX = 14_400  # a call lasts no longer


class TextIn(BaseModel):
    """A text a person types. `to` defaults to the team number they last had to do with."""

    model_config = ConfigDict(extra="forbid")
    body: str = Field(max_length=1600)
    to: str | None = None


class CallIn(BaseModel):
    """A call a person places to a team number. `shown_as` is whom it is said to come from:
    `anonymous`, or anybody's number, since a caller's number can be forged."""

    model_config = ConfigDict(extra="forbid")
    to: str | None = None
    shown_as: str = Field(default="", max_length=64)


class KeysIn(BaseModel):
    """Keys pressed on a call."""

    model_config = ConfigDict(extra="forbid")
    digits: str = Field(pattern=r"^[0-9*#]{1,32}$")


def _script_s() -> float | None:
    """Seconds of the carrier, or none."""
    seconds: float | None = Field(default=None, ge=0, le=SCRIPT_S_MAX)
    return seconds


# Of these, null is a value of its own; of the others it means "as it was".
MAY_BE_NONE = frozenset(
    {"error_code", "talk_s", "hang_up_after_s", "message_s", "detected_as", "detected_after_s"}
)


class SettingsIn(BaseModel):
    """How the handset behaves from now on; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")
    texts: TextsMode | None = None
    calls: CallsMode | None = None
    error_code: int | None = None
    answer_after_s: float | None = _script_s()
    voicemail_after_s: float | None = _script_s()
    greeting_s: float | None = _script_s()
    beep: bool | None = None
    keys: str | None = Field(default=None, pattern=r"^[0-9*#,]{0,100}$")
    keys_after_s: float | None = _script_s()
    talk_s: float | None = _script_s()
    hang_up_after_s: float | None = _script_s()
    message_s: float | None = _script_s()
    message_ends: MessageEnd | None = None
    message_text: str | None = Field(default=None, max_length=4_000)
    detected_as: Verdict | None = None
    detected_after_s: float | None = _script_s()
    call_waiting: bool | None = None

    def changes(self) -> dict[str, object]:
        """The settings that were given, by name."""
        told = self.model_dump(exclude_unset=True)
        return {
            name: value for name, value in told.items() if value is not None or name in MAY_BE_NONE
        }
