#!/usr/bin/env python3
"""The classical peer of `affectd eval teach`: eGeMAPSv02 and logistic regression, taught the same.

Each RAVDESS speaker teaches every three of their emotions by three clips of each, in five random
draws, and is tested on the other clips of these emotions. A StandardScaler and a
LogisticRegression(C=1, class_weight="balanced") see these nine clips and nothing else. UA is the mean
recall over the three, then over lessons, then over speakers.

Needs: opensmile==2.6.0 scikit-learn soundfile numpy. Example:
  opensmile_teach.py --root data --manifest data/manifest.csv --cache out/egemaps.npz \\
      --corpus ravdess
"""

import argparse
import itertools
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import folds as shared
from opensmile_svm import load_features

TAUGHT = 3
CLIPS_EACH = 3
DRAWS = 5


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--corpus", choices=shared.CORPORA, default="ravdess")
    parser.add_argument("--known", nargs="+", help="labels of the general model, for its row")
    args = parser.parse_args()
    args.set = "eGeMAPSv02"
    clips = shared.read_clips(args.manifest, args.corpus)
    features = load_features(clips.paths, args)
    speakers = np.unique(clips.speakers)
    every = [lessons(speaker, features, clips) for speaker in speakers]
    print(row("any three", every))
    if args.known:
        known = set(args.known)
        print(row("the model knows all three", [[one for one in own if known.issuperset(one[0])] for own in every]))


def lessons(speaker, features, clips):
    """Every three of one speaker's emotions in every draw, and the recall."""
    own = np.flatnonzero(clips.speakers == speaker)
    emotions = [e for e in np.unique(clips.labels[own]) if CLIPS_EACH < np.sum(clips.labels[own] == e)]
    found = []
    for taught in itertools.combinations(emotions, TAUGHT):
        for draw in range(DRAWS):
            generator = np.random.default_rng(draw)
            shown, tested = [], []
            for emotion in taught:
                alike = generator.permutation(own[clips.labels[own] == emotion])
                shown.extend(alike[:CLIPS_EACH])
                tested.extend(alike[CLIPS_EACH:])
            machine = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
            machine.fit(features[shown], clips.labels[shown])
            said = machine.predict(features[tested])
            found.append((taught, balanced_accuracy_score(clips.labels[tested], said)))
    return found


def row(name, every):
    means = [np.mean([share for _, share in own]) for own in every if own]
    count = sum(map(len, every))
    return f"{name}: {count} lessons, UA {100 * np.mean(means):.1f} +- {100 * np.std(means):.1f}"


if __name__ == "__main__":
    warnings.simplefilter("error", RuntimeWarning)
    main()
