"""Writes demo.egemaps.csv: what openSMILE's eGeMAPSv02 says of the demo voice, frame by frame.

    python3 tests/golden/make_prosody.py

One row per 10 ms: fundamental frequency in Hz (0 where unvoiced), jitter in %, shimmer in dB,
harmonics to noise in dB, alpha ratio in dB. Needs: opensmile==2.6.0 soundfile.
"""

import pathlib

import opensmile

FOLDER = pathlib.Path(__file__).parent
VOICE = FOLDER.parent.parent / "examples" / "demo_voice.flac"
COLUMNS = {
    "F0semitoneFrom27.5Hz_sma3nz": lambda x: 27.5 * 2 ** (x / 12) if x > 0 else 0,
    "jitterLocal_sma3nz": lambda x: 100 * x,
    "shimmerLocaldB_sma3nz": lambda x: x,
    "HNRdBACF_sma3nz": lambda x: x,
    "alphaRatio_sma3": lambda x: x,
}


def main():
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.LowLevelDescriptors)
    frames = smile.process_file(VOICE)
    lines = ["f0_hz,jitter,shimmer_db,hnr_db,tilt_db"]
    for _, row in frames.iterrows():
        lines.append(",".join(f"{convert(row[name]):.4g}" for name, convert in COLUMNS.items()))
    (FOLDER / "demo.egemaps.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
