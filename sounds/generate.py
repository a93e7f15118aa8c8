#!/usr/bin/env python3
"""Speaks the texts of catalogue.toml into the WAV files beside it.

Needs Python 3.11, espeak-ng and sox. Every file comes out as 8 kHz, mono, 16-bit PCM, all equally loud,
in the band that a telephone carries. The same programs on the same host write the same bytes again.

It does not judge the result: tests/it/sounds.rs does, and measures in its own way.
"""

import array
import functools
import math
import pathlib
import re
import subprocess
import sys
import tomllib
import wave

HERE = pathlib.Path(__file__).resolve().parent
RATE = 8000

LOUDNESS = -19.0  # LUFS, measured as in ITU-R BS.1770-4: the usual level of recorded announcements.
CEILING = 10 ** (-1.5 / 20)  # Highest sample. Room below full scale, since coding for the line overshoots.

EDGE = 0.15  # Seconds of silence before the first and after the last sound.
LONGEST_PAUSE = 0.40  # Seconds. Longer ones sound like a dropped call.
FRAME = RATE // 100  # What is judged as silent or not: 10 ms.
SILENT = -45.0  # dBFS; a frame below it, after levelling, is silence.

# Voice and words per minute. Mostly slower than the usual 175, for somebody who is surprised by a call;
# Polish and Korean voices are slow by themselves.
VOICES = {
    "en": ("en-us", 150),
    "es": ("es", 160),
    "de": ("de", 150),
    "pl": ("pl", 175),
    "ru": ("ru", 160),
    "uk": ("uk", 155),
    "fr": ("fr-fr", 150),
    "ko": ("ko", 170),
}

# What the synthesiser would pronounce wrongly, written the way it should sound. Text in [[ ]] is in its
# phoneme letters. Where a word is listed inside a longer phrase too, the longer one is taken.
PRONUNCIATION = {
    # An English word, which would be spoken by the English voice.
    "de": {"online": "onlain"},
    # The mute letter, little words that carry no stress, and the number.
    "ru": {
        "здравствуйте": "здраствуйте",
        "по запросу": "[[pVzapr'osu]]",
        "до свидания": "досвидания",
        "1": "один",
    },
    # The rules for this language are a sketch: stress, the vowel и and the consonant щ are mostly wrong.
    "uk": {
        "добрий день": "[[d'obrIj d'En^]]",
        "це перевірочний": "[[tseperev'irotSnIj]]",
        "дзвінок": "[[dzvin'ok]]",
        "за запитом": "[[zaz'apItom]]",
        "надісланим": "[[nad'islanIm]]",
        "через": "[[tS'Erez]]",
        "інтернет": "[[intern'Et]]",
        "щоб": "[[StSob]]",
        "підтвердити": "[[pidtverd'ItI]]",
        "запит": "[[z'apIt]]",
        "натисніть": "[[natIsn'it;]]",
        "1": "[[od'In]]",
        "цифру": "[[ts'Ifru]]",
        "яку": "[[jak'u]]",
        "ви": "[[v'I]]",
        "бачите": "[[b'atSIte]]",
        "на екрані": "[[naekr'ani]]",
        "якщо": "[[jakStS'o]]",
        "зробили": "[[zrob'IlI]]",
        "не ви": "[[nev'I]]",
        "будь ласка": "[[bud;l'aska]]",
        "покладіть": "[[poklad'it;]]",
        "слухавку": "[[sl'uxawku]]",
        "дякуємо": "[[d;'akujemo]]",
        "не підтверджено": "[[nepidtv'ErdZeno]]",
        "підтверджено": "[[pidtv'ErdZeno]]",
        "до побачення": "[[dopob'atSen;n;A]]",
    },
    # Sounds that change where syllables meet, and the number.
    "ko": {
        "전화입니다": "전화임니다",
        "감사합니다": "감사함니다",
        "되었습니다": "되었씀니다",
        "않았습니다": "않았씀니다",
        "1번을": "일번을",
    },
}


def main():
    with open(HERE / "catalogue.toml", "rb") as file:
        prompts = tomllib.load(file)["prompts"]
    for name, prompt in prompts.items():
        for language, texts in prompt.items():
            if language == "press":
                continue
            folder = HERE / name / language
            folder.mkdir(parents=True, exist_ok=True)
            for role in ("greeting", "confirmed", "fallback"):
                samples = sound(language, texts[role])
                write(folder / f"{role}.wav", samples)
                report(f"{name}/{language}/{role}", samples)


@functools.cache
def sound(language, text):
    """The finished sound, as samples between -1 and 1."""
    samples = synthesised(language, text)
    # What is silence is judged at the final level, and peaks are limited once, so the gain comes first.
    gain = gain_for(samples)
    return levelled(with_short_pauses([x * gain for x in samples]))


def synthesised(language, text):
    voice, speed = VOICES[language]
    # The amplitude leaves headroom: at the default of 100 some vowels are clipped inside the synthesiser.
    speech = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-a", "60", "-z", "--stdout", spoken(language, text)],
        check=True, stdout=subprocess.PIPE,
    ).stdout
    band = subprocess.run(
        ["sox", "-D", "--ignore-length", "-t", "wav", "-", "-t", "f32", "-L", "-r", str(RATE), "-c", "1", "-",
         "highpass", "180", "highpass", "180", "rate", "-v", "lowpass", "3600"],
        check=True, input=speech, stdout=subprocess.PIPE,
    ).stdout
    samples = array.array("f")
    samples.frombytes(band)
    if sys.byteorder == "big":
        samples.byteswap()
    return list(samples)


def spoken(language, text):
    """The text with the listed words replaced by what says them rightly."""
    words = PRONUNCIATION.get(language, {})
    if not words:
        return text
    longest_first = sorted(words, key=len, reverse=True)
    pattern = "|".join(re.escape(word) for word in longest_first)
    # Korean endings follow their stem without a space, so only the other languages look for whole words.
    pattern = f"({pattern})" if language == "ko" else rf"\b({pattern})\b"
    return re.sub(pattern, lambda found: replacement(found.group(), words), text, flags=re.IGNORECASE)


def replacement(written, words):
    said = words[written.lower()]
    # A sentence is known by its capital.
    return said[0].upper() + said[1:] if written[0].isupper() else said


def levelled(samples):
    """The samples at the wanted loudness and below the ceiling. Limiting costs loudness, hence the rounds."""
    gain = gain_for(samples)
    for _ in range(3):
        result = limited([x * gain for x in samples])
        gain *= gain_for(result)
    return result


def gain_for(samples):
    return 10 ** ((LOUDNESS - loudness(samples)) / 20)


def loudness(samples):
    """Integrated loudness: weighted for the ear, over blocks of 400 ms, without the blocks of silence."""
    weighted = samples
    for coefficients in ear_weighting():
        weighted = biquad(weighted, *coefficients)
    block, step = RATE * 4 // 10, RATE // 10
    starts = range(0, max(1, len(weighted) - block + 1), step)
    powers = [sum(x * x for x in weighted[start:start + block]) / block for start in starts]
    in_lufs = lambda power: -0.691 + 10 * math.log10(power)
    powers = [power for power in powers if power > 0 and in_lufs(power) > -70]
    relative = in_lufs(sum(powers) / len(powers)) - 10
    powers = [power for power in powers if in_lufs(power) > relative]
    return in_lufs(sum(powers) / len(powers))


@functools.cache
def ear_weighting():
    """The two filters of BS.1770 for our rate: treble raised by 4 dB, deep bass taken out."""
    k, q, treble = math.tan(math.pi * 1681.974 / RATE), 0.7071752, 10 ** (3.999844 / 20)
    middle = treble ** 0.4996668
    norm = 1 + k / q + k * k
    shelf = (
        (treble + middle * k / q + k * k) / norm, 2 * (k * k - treble) / norm, (treble - middle * k / q + k * k) / norm,
        2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm,
    )
    k, q = math.tan(math.pi * 38.13547 / RATE), 0.5003270
    norm = 1 + k / q + k * k
    return shelf, (1.0, -2.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm)


def biquad(samples, b0, b1, b2, a1, a2):
    result, first, second = [], 0.0, 0.0
    for x in samples:
        y = b0 * x + first
        first = b1 * x - a1 * y + second
        second = b2 * x - a2 * y
        result.append(y)
    return result


def limited(samples):
    """Turns the volume down smoothly around each peak over the ceiling, from 5 ms before it to 5 ms after."""
    reach = RATE // 200
    wanted = [min(1.0, CEILING / abs(x)) if x else 1.0 for x in samples]
    if min(wanted) == 1.0:
        return samples
    padded = [1.0] * (2 * reach) + wanted + [1.0] * (2 * reach)
    # The lowest within reach, then the mean of those within reach: each of them is low enough for the peak.
    lowest = [min(padded[i:i + 2 * reach + 1]) for i in range(len(samples) + 2 * reach)]
    means = [sum(lowest[i:i + 2 * reach + 1]) / (2 * reach + 1) for i in range(len(samples))]
    return [x * mean for x, mean in zip(samples, means)]


def with_short_pauses(samples):
    """Cuts from the middle of each long pause, where cutting makes no click, and trims both ends."""
    frames = [samples[i:i + FRAME] for i in range(0, len(samples), FRAME)]
    silent = [level(frame) < SILENT for frame in frames]
    first, last = silent.index(False), len(silent) - 1 - silent[::-1].index(False)
    result, pause = [], []
    for frame, is_silent in zip(frames[first:last + 1], silent[first:last + 1]):
        if is_silent:
            pause += frame
            continue
        result += shortened(pause) + frame
        pause = []
    edge = [0.0] * round(EDGE * RATE)
    return edge + result + edge


def shortened(pause):
    half = round(LONGEST_PAUSE * RATE) // 2
    return pause if len(pause) <= 2 * half else pause[:half] + pause[-half:]


def level(samples):
    """RMS in dBFS."""
    power = sum(x * x for x in samples) / len(samples)
    return 10 * math.log10(power) if power else -math.inf


def write(path, samples):
    data = array.array("h", (round(x * 32767) for x in samples))
    if sys.byteorder == "big":
        data.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data.tobytes())


def report(name, samples):
    peak = 20 * math.log10(max(map(abs, samples)))
    print(f"{name:26} {len(samples) / RATE:5.2f} s {loudness(samples):6.2f} LUFS  peak {peak:5.2f} dBFS")


if __name__ == "__main__":
    main()
