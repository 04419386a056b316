"""Draws the README's picture of a plug-in chain from what `examples/record.rs` recorded.

    python3 examples/plot_chain.py chain.csv examples/demo_voice.csv examples/chain.svg

Needs matplotlib.
"""

import csv
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "affectd"  # the same table gives the same file
import matplotlib.pyplot as plt


def main(recording, clips, picture):
    with open(recording) as file:
        rows = list(csv.DictReader(file))
    with open(clips) as file:
        clips = list(csv.DictReader(file))
    column = lambda name: [float(row[name]) for row in rows]
    time = column("time_s")
    parameters = list(rows[0])[5:]
    figure, axes = plt.subplots(
        3, 1, figsize=(10, 4.2), sharex=True, height_ratios=[2, 2, 2], layout="constrained"
    )
    for axis, name, colour in zip(axes, ["in", "out"], ["#7f7f7f", "#1f77b4"]):
        low, high = column(f"{name}_min"), column(f"{name}_max")
        axis.fill_between(time, low, high, color=colour, linewidth=0)
        axis.set_ylim(-0.8, 0.8)
        axis.set_yticks([])
    axes[0].set_ylabel("voice")
    axes[1].set_ylabel("affectd:out_1")
    for name, colour in zip(parameters, ["#d62728", "#2ca02c"]):
        axes[2].plot(time, column(name), color=colour, label=name)
    axes[2].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes[2].set_xlabel("seconds of the demo voice")
    axes[2].set_xlim(0, time[-1])
    for clip in clips:
        start, end = float(clip["start_s"]), float(clip["end_s"])
        if start < time[-1]:
            axes[2].axvspan(start, end, color="#000000", alpha=0.05)
            axes[0].text((start + end) / 2, 0.85, clip["emotion"], ha="center", fontsize=9)
    figure.savefig(picture, metadata={"Date": None})


main(*sys.argv[1:])
