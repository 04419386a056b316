#!/usr/bin/env python3
"""The classical peer: openSMILE eGeMAPS functionals and a support vector machine on CREMA-D-6.

What it computes. eGeMAPSv02 functionals (88 numbers a clip, the `opensmile` package), a
StandardScaler and SVC(C=3, class_weight="balanced", RBF kernel), scored against the intended label.

Folds. Test actors 1001-1018, 1019-1036, 1037-1054, 1055-1072, 1073-1091. Validation is the next
fold (after the last comes the first). The machine is trained on the other three; it chooses nothing
on the validation actors, who stay unused so that it sees as many voices as a network does;
--with-validation trains on them too, which is the harder peer to beat.
Clips whose `exclude` column is set are left out everywhere.

T0 knows nothing of the speaker.

T1 is causal: the speaker's clips come in random order, and from each is subtracted the mean of the
same speaker's EARLIER clips (never of the clip itself or a later one), which starts from a prior:
  z    = features scaled by mean and s.d. of the training clips
  m[n] = (z[0] + ... + z[n-1]) / (n + PRIOR_CLIPS)      the prior is the training mean, 0 in z
  x[n] = z[n] - m[n], scaled again by mean and s.d. of the training clips' x
The first clip of a speaker is thus scored as in T0. PRIOR_CLIPS is 2: clips last 2.5 s, so the
prior is worth 5 s. Training speakers go through the same normaliser, each order draws all
permutations anew and trains its own machine, and a fold's figure is the mean over the orders.
No labels are used. The mean moves by every earlier clip, whatever its emotion.

Figures. UA is the mean recall of the six classes, WA the share of right clips, in percent;
the last row is mean and sample s.d. over the folds run. The time is that of one call on 3 s of
speech, features and classification, on the machine at hand.

Measured 2026-11-23, opensmile 2.6.0, scikit-learn 1.9.1, clips decoded from 40-50 kbit/s Opus:
                       T0 UA       WA          T1 UA       WA
  fold 1               46.2        46.8        56.1        56.2
  five folds           51.4 ± 5.0  51.4 ± 4.6  57.9 ± 4.0  57.8 ± 3.8
  with validation: 1   48.7        49.0        56.1        56.2
  with validation: all 52.7 ± 4.3  52.5 ± 4.1  58.5 ± 3.8  58.4 ± 3.6

Needs: opensmile==2.6.0 scikit-learn soundfile numpy. Example:
  egemaps_svm.py --root data --manifest data/manifest.csv --cache out/egemaps.npz --folds 1 2
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import opensmile
import soundfile
from sklearn.metrics import accuracy_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

FOLDS = [(1001, 1018), (1019, 1036), (1037, 1054), (1055, 1072), (1073, 1091)]
SUFFIXES = [".wav", ".flac", ".ogg", ".opus"]
PRIOR_CLIPS = 2
ORDERS = 5
TIMED_CALLS = 50
TIMED_S = 3.0
SAVE_EVERY_CLIPS = 500


def main():
    args = parse_arguments()
    clips = read_manifest(args.manifest)
    features = load_features(clips, args.root, args.cache)
    labels = np.array([clip["emotion8"] for clip in clips])
    speakers = np.array([int(clip["speaker"]) for clip in clips])
    print(f"{len(clips)} clips, {len(set(speakers))} speakers, {features.shape[1]} features")

    print("fold  test actors  train  test | T0 UA    WA   | T1 UA    WA  (s.d. of UA over orders)")
    rows = []
    for fold in args.folds:
        test = members(speakers, fold)
        unused = members(speakers, fold % len(FOLDS) + 1)
        train = ~test if args.with_validation else ~test & ~unused
        rows.append(score_fold(fold, train, test, features, labels, speakers))
    rows = np.array(rows)
    spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(4)
    columns = [f"{mean:.1f} ± {sd:.1f}" for mean, sd in zip(rows.mean(axis=0), spread)]
    print("mean ± s.d. over folds: T0 UA {}, WA {} | T1 UA {}, WA {}".format(*columns))
    print_time(clips[0], args.root, features, labels)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder that holds cremad/")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.csv")
    parser.add_argument("--cache", type=Path, required=True, help="features (.npz), made if absent")
    folds = range(1, len(FOLDS) + 1)
    parser.add_argument("--folds", type=int, nargs="+", default=folds, choices=folds)
    parser.add_argument("--with-validation", action="store_true", help="train on four folds")
    return parser.parse_args()


def read_manifest(path):
    """The clips to score, in the manifest's order. The column `exclude` may stand there twice."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clips = [row for row in rows if row["corpus"] == "cremad" and not row["exclude"]]
    if not clips:
        sys.exit(f"{path}: no clips of the corpus cremad")
    return clips


def find_audio(root, path):
    for suffix in SUFFIXES:
        candidate = (root / path).with_suffix(suffix)
        if candidate.exists():
            return candidate
    sys.exit(f"{root / path}: no such clip ({', '.join(SUFFIXES)})")


def load_features(clips, root, cache):
    """One row a clip. A cache that holds a part is completed: an interrupted run loses little."""
    known = {}
    if cache.exists():
        stored = np.load(cache)
        known = dict(zip(stored["paths"], stored["features"]))
    smile = new_smile()
    missing = [clip["path"] for clip in clips if clip["path"] not in known]
    for count, path in enumerate(missing, start=1):
        signal, rate_hz = soundfile.read(find_audio(root, path), dtype="float32")
        known[path] = smile.process_signal(signal, rate_hz).to_numpy(np.float32)[0]
        if count % SAVE_EVERY_CLIPS == 0 or count == len(missing):
            cache.parent.mkdir(parents=True, exist_ok=True)
            np.savez(cache, paths=list(known), features=np.stack(list(known.values())))
            print(f"{count} of {len(missing)} clips", file=sys.stderr, flush=True)
    return np.stack([known[clip["path"]] for clip in clips]).astype(np.float64)


def new_smile():
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )


def new_machine():
    return make_pipeline(StandardScaler(), SVC(C=3, class_weight="balanced"))


def score_fold(fold, train, test, features, labels, speakers):
    """T0 UA and WA, T1 UA and WA of fold 1..5, in percent; prints them."""
    plain = score(new_machine().fit(features[train], labels[train]), features[test], labels[test])

    scaler = StandardScaler().fit(features[train])
    causal = []
    for order in range(ORDERS):
        x = normalise_causally(scaler.transform(features), speakers, np.random.default_rng(order))
        machine = new_machine().fit(x[train], labels[train])
        causal.append(score(machine, x[test], labels[test]))
    means, spread = np.mean(causal, axis=0), np.std(causal, axis=0, ddof=1)
    first, last = FOLDS[fold - 1]
    print(
        f"{fold}     {first}-{last}    {train.sum():5} {test.sum():5}"
        f" | {plain[0]:.1f}   {plain[1]:.1f}   | {means[0]:.1f}   {means[1]:.1f} ({spread[0]:.1f})",
        flush=True,
    )
    return [*plain, *means]


def members(speakers, fold):
    first, last = FOLDS[fold - 1]
    return (first <= speakers) & (speakers <= last)


def normalise_causally(z, speakers, generator):
    """T1 of the module's text."""
    x = np.empty_like(z)
    for speaker in np.unique(speakers):
        order = generator.permutation(np.flatnonzero(speakers == speaker))
        earlier = np.cumsum(z[order], axis=0) - z[order]
        counts = np.arange(len(order))[:, None]
        x[order] = z[order] - earlier / (counts + PRIOR_CLIPS)
    return x


def score(machine, x, labels):
    guess = machine.predict(x)
    ua = recall_score(labels, guess, average="macro")
    return 100 * np.array([ua, accuracy_score(labels, guess)])


def print_time(clip, root, features, labels):
    """Median and 95th percentile of one call on 3 s, the clip repeated to that length."""
    signal, rate_hz = soundfile.read(find_audio(root, clip["path"]), dtype="float32")
    signal = np.resize(signal, int(TIMED_S * rate_hz))
    smile, machine = new_smile(), new_machine().fit(features, labels)
    times_ms = []
    for _ in range(TIMED_CALLS):
        start = time.perf_counter()
        row = smile.process_signal(signal, rate_hz).to_numpy(np.float64)
        machine.predict(row)
        times_ms.append(1000 * (time.perf_counter() - start))
    p50, p95 = np.percentile(times_ms, [50, 95])
    print(f"one call on {TIMED_S:.0f} s: median {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
