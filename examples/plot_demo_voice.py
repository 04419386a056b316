"""Draws the README's picture: what `affectd analyze` says about a sound, over its clips.

    affectd analyze examples/demo_voice.flac --format csv > demo.csv
    python3 examples/plot_demo_voice.py demo.csv examples/demo_voice.csv examples/demo_voice.svg

Needs matplotlib.
"""

import csv
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "affectd"  # the same picture gives the same file
import matplotlib.pyplot as plt

COLOURS = {
    "angry": "#d62728", "disgust": "#8c564b", "fearful": "#9467bd", "happy": "#e6a700",
    "neutral": "#7f7f7f", "sad": "#1f77b4", "unknown": "#e8e8e8",
}  # fmt: skip


def main(analysis, clips, picture):
    with open(analysis) as file:
        rows = list(csv.DictReader(file))
    with open(clips) as file:
        clips = list(csv.DictReader(file))
    column = lambda name: [float(row[name]) for row in rows]
    time = column("time_s")
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(10, 4.2), sharex=True, height_ratios=[3, 2], layout="constrained"
    )
    labels = [name for name in COLOURS if name in rows[0]]
    top.stackplot(
        time, [column(name) for name in labels], labels=labels,
        colors=[COLOURS[name] for name in labels], linewidth=0,
    )  # fmt: skip
    top.set_ylabel("class/<label>")
    top.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    bottom.plot(time, column("arousal"), color="#d62728", label="dim/arousal")
    bottom.plot(time, column("valence"), color="#2ca02c", label="dim/valence")
    bottom.axhline(0.5, color="#999999", linewidth=0.6)
    bottom.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    bottom.set_xlabel("seconds of the demo voice")
    for axis in (top, bottom):
        axis.set_xlim(0, time[-1])
        axis.set_ylim(0, 1)
    for clip in clips:
        start, end = float(clip["start_s"]), float(clip["end_s"])
        bottom.axvspan(start, end, color="#000000", alpha=0.05)
        top.text((start + end) / 2, 1.03, clip["emotion"], ha="center", fontsize=9)
    figure.savefig(picture, metadata={"Date": None})


main(*sys.argv[1:])
