#!/usr/bin/env python3
"""Condenses the peers' results (OUT/*.json, which hold every answer) to models/peers.json.

One entry a peer, corpus and target: version, command, ms_per_3s, and by tier the number of folds
and runs, UA and WA as mean and sample s.d. over the folds (a fold's figure is the mean over its
seeds and orders), and each fold's UA. All in percent, to a tenth. A tier that is not complete (a
fold is missing, or has fewer runs than another) is left out, with a line that says so. What the
file has already of others and of other tiers stays.

Needs: numpy soundfile. Example:
  summary.py --out out/peers --manifest data/manifest.csv --folds models/folds \\
      --votes data/meta/cremad_tabulatedVotes.csv --write models/peers.json
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import folds as shared


def main():
    args = parse_arguments()
    crowd = shared.read_crowd(args.votes) if args.votes else None
    entries = {}
    if args.write.exists():
        entries = {key(item): item for item in json.loads(args.write.read_text(encoding="utf-8"))}
    for path in sorted(args.out.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        clips = shared.read_clips(args.manifest, data["corpus"])
        of_crowd = data["target"] == "crowd"
        if of_crowd and crowd is None:
            raise SystemExit(f"{path}: the crowd's labels are needed, give --votes")
        truth_of = shared.truth_by_path(clips, crowd if of_crowd else None)
        data["runs"] = complete(data, len(shared.fold_files(args.folds, data["corpus"])))
        shared.print_table(data, truth_of)
        new = entry(data, truth_of)
        before = entries.get(key(new), {}).get("tiers", {})
        new["tiers"] = {
            tier: new["tiers"].get(tier) or before[tier]
            for tier in shared.TIERS
            if tier in new["tiers"] or tier in before
        }
        entries[key(new)] = new
    entries = [entries[at] for at in sorted(entries)]
    args.write.write_text(text(entries), encoding="utf-8")


def key(item):
    return item["peer"], item["corpus"], item["target"]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.csv")
    parser.add_argument("--folds", type=Path, required=True, help="models/folds")
    parser.add_argument("--votes", type=Path, help="tabulatedVotes.csv, for the crowd of cremad")
    parser.add_argument("--write", type=Path, required=True, help="models/peers.json")
    return parser.parse_args()


def complete(data, folds):
    """The runs of the tiers that have all their folds, each as often."""
    kept = []
    for tier in shared.TIERS:
        runs = [run for run in data["runs"] if run["tier"] == tier]
        counts = Counter(run["fold"] for run in runs)
        if len(counts) == folds and len(set(counts.values())) == 1:
            kept += runs
        elif runs:
            name = f"{data['peer']} {data['corpus']} {tier}"
            print(f"{name}: left out, runs by fold of {folds}: {dict(counts)}")
    return kept


def entry(data, truth_of):
    names = ["peer", "version", "command", "corpus", "target", "ms_per_3s"]
    return {name: data[name] for name in names} | {"tiers": shared.figures(data, truth_of)}


def text(entries):
    """A line a tier, so that a change of one figure is a change of one line."""
    parts = []
    for item in entries:
        tiers = item.pop("tiers")
        head = json.dumps(item, ensure_ascii=False)[:-1]
        lines = [f'    "{tier}": {json.dumps(row)}' for tier, row in tiers.items()]
        parts.append(f'  {head}, "tiers": {{\n' + ",\n".join(lines) + "\n  }}")
    return "[\n" + ",\n".join(parts) + "\n]\n"


if __name__ == "__main__":
    main()
