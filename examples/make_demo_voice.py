"""Cuts the demo voice from CREMA-D: python3 make_demo_voice.py CORPUS_FOLDER

CORPUS_FOLDER holds <speaker>/<clip>.wav (or .opus, .flac, …) or <clip>.wav. Needs ffmpeg and
nothing else. Writes demo_voice.flac and demo_voice.csv beside this file; the same corpus gives the
same samples each time.
"""

import array
import csv
import math
import pathlib
import random
import subprocess
import sys

RATE_HZ = 16_000
PAUSES_S = (0.65, 0.60, 0.75, 0.70)  # in turn, so that no rhythm can be learnt
SPEAKER_PAUSE_S = 0.80
SPEAKER_LEVEL_DB = -23.0  # RMS over all clips of a speaker; one gain each keeps the differences
PEAK_MAX_DB = -1.0
FADE_S = 0.010
PAUSE_NOISE_DB = -78.0  # RMS; digital silence is no room

EMOTIONS = {"NEU": "neutral", "SAD": "sad", "ANG": "angry", "HAP": "happy", "FEA": "fearful"}
SENTENCES = {
    "DFA": "Don't forget a jacket",
    "IEO": "It's eleven o'clock",
    "IOM": "I'm on my way to the meeting",
    "ITS": "I think I've seen this before",
    "MTI": "Maybe tomorrow it will be cold",
    "TAI": "The airplane is almost full",
    "TSI": "The surface is slick",
}

# Chosen among speakers 1001 to 1018 for the crowd's vote on the voice alone, for distance from the
# noise floor and for peaks below full scale: (clip, share of raters who heard that emotion).
SPEAKERS = (
    ("male", (
        ("1016_IOM_NEU_XX", 1.00),
        ("1016_DFA_SAD_XX", 0.70),
        ("1016_MTI_ANG_XX", 1.00),
        ("1016_TAI_HAP_XX", 0.83),
        ("1016_IEO_FEA_HI", 0.78),
    )),
    ("female", (
        ("1008_IEO_NEU_XX", 0.89),
        ("1008_IEO_SAD_HI", 0.67),
        ("1008_DFA_ANG_XX", 1.00),
        ("1008_ITS_HAP_XX", 0.90),
        ("1008_TSI_FEA_XX", 0.90),
    )),
)


def main():
    corpus = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).parent
    noise = random.Random(1)
    sound, rows, pauses = [], [], 0
    for sex, clips in SPEAKERS:
        decoded = [decode(find(corpus, clip)) for clip, _ in clips]
        gain = gain_for([sample for clip in decoded for sample in clip])
        for (clip, vote), samples in zip(clips, decoded):
            if clip is clips[0][0]:
                pause_s = SPEAKER_PAUSE_S
            else:
                pause_s = PAUSES_S[pauses % len(PAUSES_S)]
                pauses += 1
            sound += pause(pause_s, noise)
            start = len(sound)
            sound += faded([gain * sample for sample in samples])
            speaker, sentence, emotion, _ = clip.split("_")
            times = (f"{start / RATE_HZ:.3f}", f"{len(sound) / RATE_HZ:.3f}")
            rows.append((*times, speaker, sex, EMOTIONS[emotion], SENTENCES[sentence], clip))
            print(clip, vote, f"{level_db(sound[start:]):.1f} dB", f"gain {gain:.2f}")
    sound += pause(SPEAKER_PAUSE_S, noise)
    encode(sound, here / "demo_voice.flac")
    with open(here / "demo_voice.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("start_s", "end_s", "speaker", "sex", "emotion", "sentence", "source_clip"))
        writer.writerows(rows)
    peak = max(map(abs, sound))
    print(f"{len(sound) / RATE_HZ:.2f} s, peak {20 * math.log10(peak):.1f} dBFS")


def find(corpus, clip):
    found = sorted(corpus.glob(f"{clip}.*")) + sorted(corpus.glob(f"{clip[:4]}/{clip}.*"))
    if not found:
        sys.exit(f"{clip} is not in {corpus}")
    return found[0]


def decode(path):
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path),
               "-ac", "1", "-ar", str(RATE_HZ), "-f", "s16le", "-"]
    samples = array.array("h", subprocess.run(command, check=True, capture_output=True).stdout)
    if max(map(abs, samples)) >= 32_767:
        sys.exit(f"{path} is clipped")
    return [sample / 32_768 for sample in samples]


def encode(samples, path):
    values = array.array("h", (round(32_768 * sample) for sample in samples))
    command = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1",
               "-i", "-", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
               "-compression_level", "12", str(path)]
    subprocess.run(command, check=True, input=values.tobytes())


def gain_for(samples):
    """To the wanted level, or as near as the loudest sample allows."""
    wanted = 10 ** ((SPEAKER_LEVEL_DB - level_db(samples)) / 20)
    return min(wanted, 10 ** (PEAK_MAX_DB / 20) / max(map(abs, samples)))


def level_db(samples):
    return 10 * math.log10(sum(sample * sample for sample in samples) / len(samples))


def faded(samples):
    length = round(FADE_S * RATE_HZ)
    for index in range(length):
        samples[index] *= index / length
        samples[-1 - index] *= index / length
    return samples


def pause(seconds, noise):
    amplitude = 10 ** (PAUSE_NOISE_DB / 20)
    return [noise.gauss(0, amplitude) for _ in range(round(seconds * RATE_HZ))]


if __name__ == "__main__":
    main()
