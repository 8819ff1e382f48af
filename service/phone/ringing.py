"""The sound of ringing, for a caller who waits in a queue: bytes of a WAV file, computed once.

Twilio plays music to who waits unless it is given something else; a caller who hears ringing
knows that somebody is being called. The tone is North America's: ANSI T1.401, "audible ring".
"""

import io
import math
import wave
from functools import cache
from itertools import chain, repeat
from struct import pack

MEDIA_TYPE = "audio/wav"
TONES_HZ = (440, 480)
ON_S, OFF_S = 2, 4
CYCLE_S = ON_S + OFF_S
# A telephone line carries 8000 samples a second; more would be thrown away.
RATE_HZ = 8_000
# -19 dBm for each tone as the standard has it is about a tenth of full scale.
LOUDNESS = 0.1
_FULL_SCALE = 32_767


@cache
def ringing_wav() -> bytes:
    """One round: 2 s of ringing, 4 s of silence. 8 kHz, 16 bits, one channel; 96 kB."""
    # Both tones are whole again after this many samples, so that nothing clicks at a seam.
    whole = RATE_HZ // math.gcd(*TONES_HZ, RATE_HZ)
    samples = [
        round(_FULL_SCALE * LOUDNESS * sum(_at(tone, n) for tone in TONES_HZ)) for n in range(whole)
    ]
    turns = chain.from_iterable(repeat(samples, RATE_HZ * ON_S // whole))
    ring = b"".join(pack("<h", sample) for sample in turns)
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(ring + bytes(2 * RATE_HZ * OFF_S))
    return file.getvalue()


def _at(tone_hz: int, sample: int) -> float:
    return math.sin(2 * math.pi * tone_hz * sample / RATE_HZ)
