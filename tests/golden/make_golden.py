"""Makes the golden files beside it: speech, and what librosa says its cepstra are.

    python3 tests/golden/make_golden.py

Needs librosa 0.11 and soundfile; the same demo voice gives the same bytes.

speech.wav            2.1 s, 16 kHz, 16 bit: digital silence, then four stretches of speech
speech.cepstra.f32    [frames, 40], little-endian, our own setting
speech.crate.f32      [frames, 40], the setting that the crate `mfcc` fixes: see `crate_setting`
"""

import wave
from pathlib import Path

import librosa
import numpy as np
import soundfile

HERE = Path(__file__).parent
VOICE = HERE.parent.parent / "examples" / "demo_voice.flac"

RATE_HZ = 16_000
HOP = 160
WINDOW = 400
FFT = 512

# Starts in seconds, from demo_voice.csv: the onset of a neutral man, an angry man, a fearful woman,
# and the end of a sad woman with the pause after it, the faintest noise that there is.
STARTS_S = [0.85, 7.40, 30.40, 21.40]
STRETCH_S = 0.5
SILENCE_S = 0.105  # in front; half a hop too many, so that the stretches begin within one


def speech():
    samples, rate_hz = soundfile.read(VOICE, dtype="int16")
    assert rate_hz == RATE_HZ and samples.ndim == 1
    silence = np.zeros(round(SILENCE_S * RATE_HZ), dtype=np.int16)
    starts = [round(start_s * RATE_HZ) for start_s in STARTS_S]
    stretches = [samples[start : start + round(STRETCH_S * RATE_HZ)] for start in starts]
    joined = np.concatenate([silence, *stretches])
    return joined[: len(joined) // HOP * HOP]


def cepstra(samples, window, fft, shape, mels, coefficients):
    """Frame j sees the samples (j+1)*HOP - window up to (j+1)*HOP, with silence before the first.

    librosa puts a window of `window` in the middle of a frame of `fft` samples, and its frame j
    begins at sample j*HOP. So the sound is moved right by window - HOP (the silence before the
    first hop) and by the zeros in front of the window; behind the last sample lie as many zeros
    as behind the window. Where the window lies in the frame does not change the power spectrum.
    """
    front = (fft - window) // 2
    behind = fft - window - front
    signal = np.concatenate(
        [np.zeros(front + window - HOP), samples / 32768.0, np.zeros(behind)]
    )
    power = librosa.feature.melspectrogram(
        y=signal,
        sr=RATE_HZ,
        n_fft=fft,
        win_length=window,
        hop_length=HOP,
        window=shape,
        center=False,
        power=2,
        htk=True,
        norm=None,
        n_mels=mels,
        fmin=0,
        fmax=RATE_HZ / 2,
        dtype=np.float64,
    )
    decibels = librosa.power_to_db(power, amin=1e-10, top_db=None)
    result = librosa.feature.mfcc(S=decibels, n_mfcc=coefficients, dct_type=2, norm="ortho").T
    assert result.dtype == np.float64 and len(result) == len(samples) // HOP
    return result


def crate_setting(samples):
    """librosa at what the crate fixes: Hamming over two hops, 40 bands. All coefficients."""
    return cepstra(samples, 2 * HOP, 2 * HOP, "hamming", mels=40, coefficients=40)


def main():
    samples = speech()
    with wave.open(str(HERE / "speech.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    ours = cepstra(samples, WINDOW, FFT, "hann", mels=64, coefficients=40)
    ours.astype("<f4").tofile(HERE / "speech.cepstra.f32")
    crate_setting(samples).astype("<f4").tofile(HERE / "speech.crate.f32")


if __name__ == "__main__":
    main()
