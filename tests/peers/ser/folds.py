"""What the peers share: clips and labels, folds, tiers, the file of results and its figures.

It knows no features and no model; those are in opensmile_svm.py and reslstm_sa.py.

Corpora. ravdess (8 labels), cremad (6), emodb (7: boredom has no name in the column emotion8 and
keeps its own), banglaser (5), and loco, which is leave one corpus out over those four with the
labels angry, happy, neutral (calm counts as neutral) and sad. Clips whose `exclude` column is set
are left out everywhere. The folds of a corpus are the files models/folds/CORPUS/*.toml: speakers
for test and for validation, all others train. What a peer chooses, it chooses on the validation
speakers; nothing else is done with them.

Tiers, by what is known of a test speaker. Draws are seeded, so that peers get the same ones.
  T0  nothing.
  T1  the speaker's earlier clips, unlabelled, in random order: never the clip itself or a later
      one.
  one-emotion  as T1, but a test speaker shows one emotion and no other from the first clip on.
  T2  two neutral clips, whose mean is the speaker's baseline. They are not scored. Speakers of
      BanglaSER without neutral clips are scored as in T0.
  T3  three labelled clips of each emotion (one is always left to be scored, so that a speaker with
      two clips of an emotion gives one). The mean over emotions is the baseline, and the clips may
      be learnt from. They are not scored.
A training speaker's clip gets a baseline of the same kind, from other clips than itself.

Crowd. CREMA-D's second target is the emotion that most listeners heard in the voice alone (rows
1xxxxx of tabulatedVotes.csv); clips whose vote is tied are not scored. Peers train on the intended
label in both cases, so the crowd's file holds the same answers.

Results. OUT/PEER-CORPUS.json, and OUT/PEER-cremad-crowd.json:
  {"peer", "version", "command", "corpus", "target": "intended" | "crowd", "ms_per_3s",
   "runs": [{"tier", "seed", "fold", "order", "clips": [["path", "label said"], ...]}]}
It is written after each run, and runs that it holds are not run again.

UA is the mean recall over the labels that a fold's scored clips have, WA the share of right ones.
"""

import csv
import json
import shlex
import sys
import time
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

CORPORA = ["ravdess", "ravdess-emobox", "cremad", "emodb", "banglaser", "loco"]
LOCO_CORPORA = ["ravdess", "cremad", "emodb", "banglaser"]
LOCO_LABELS = ["angry", "happy", "neutral", "sad"]
SUFFIXES = [".wav", ".flac", ".ogg", ".opus"]
TIERS = ["T0", "T1", "one-emotion", "T2", "T3"]
ONE_ORDER = ["T0", "one-emotion"]
T2_CLIPS = 2
T3_CLIPS = 3
# The prior of T1 in clips: 2.5 s each, so that it is worth 5 s of speech.
PRIOR_CLIPS = 2
CROWD_LETTERS = {
    "A": "angry", "D": "disgust", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad",
}
TIMED_CALLS = 50
TIMED_S = 3.0


@dataclass
class Clips:
    """Columns of equal length. `labels` are the task's, `neutral` says what may be enrolled in T2
    (calm may not)."""

    paths: np.ndarray
    speakers: np.ndarray
    labels: np.ndarray
    neutral: np.ndarray


@dataclass
class Fold:
    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def add_arguments(parser):
    parser.add_argument("--root", type=Path, required=True, help="folder that holds the corpora")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.csv")
    parser.add_argument("--folds", type=Path, required=True, help="models/folds")
    parser.add_argument("--votes", type=Path, help="tabulatedVotes.csv, for the crowd of cremad")
    parser.add_argument("--corpus", nargs="+", choices=CORPORA, default=["ravdess"])
    parser.add_argument("--cache", type=Path, required=True, help="features (.npz), made if absent")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")


def read_clips(manifest, corpus):
    """The clips of a task in the manifest's order. The column `exclude` may stand there twice."""
    name = corpus.removesuffix("-emobox")
    wanted = LOCO_CORPORA if corpus == "loco" else [name]
    columns = defaultdict(list)
    with open(manifest, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        excludes = [index for index, column in enumerate(header) if column == "exclude"]
        for cells in reader:
            row = dict(zip(header, cells))
            label = task_label(row, corpus)
            if row["corpus"] not in wanted or not label or any(cells[at] for at in excludes):
                continue
            columns["paths"].append(row["path"])
            columns["speakers"].append(f"{row['corpus']}:{row['speaker']}")
            columns["labels"].append(label)
            columns["neutral"].append(row["emotion8"] == "neutral")
    if not columns:
        sys.exit(f"{manifest}: no clips of {', '.join(wanted)}")
    return Clips(**{name: np.array(column) for name, column in columns.items()})


def task_label(row, corpus):
    if corpus != "loco":
        return row["emotion8"] or row["emotion"]
    label = "neutral" if row["emotion8"] == "calm" else row["emotion8"]
    return label if label in LOCO_LABELS else ""


def fold_files(folder, corpus):
    """Beside them lies folds.toml, what they have in common."""
    return [path for path in sorted((folder / corpus).glob("*.toml")) if path.stem != "folds"]


def read_folds(folder, corpus, clips):
    folds = []
    for path in fold_files(folder, corpus):
        split = tomllib.loads(path.read_text(encoding="utf-8"))
        named = [*split["test"], *split["validation"]]
        unknown = sorted(set(named) - set(clips.speakers))
        if unknown or len(set(named)) < len(named):
            sys.exit(f"{path}: speakers named twice, or without a clip: {unknown}")
        test = np.isin(clips.speakers, split["test"])
        validation = np.isin(clips.speakers, split["validation"])
        parts = [~test & ~validation, validation, test]
        folds.append(Fold(path.stem, *map(np.flatnonzero, parts)))
    if not folds:
        sys.exit(f"{folder / corpus}: no folds")
    return folds


def read_crowd(votes):
    """What most listeners heard, by the clip's name without its ending; ties are absent."""
    crowd = {}
    with open(votes, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            # The first column has no name. Voices alone are rated in rows 1xxxxx.
            if len(row[""]) != 6 or row[""][0] != "1":
                continue
            counts = {letter: int(row[letter]) for letter in CROWD_LETTERS}
            winners = [letter for letter in counts if counts[letter] == max(counts.values())]
            if len(winners) == 1:
                crowd[row["fileName"]] = CROWD_LETTERS[winners[0]]
    return crowd


def read_audio(root, path):
    for suffix in SUFFIXES:
        candidate = (root / path).with_suffix(suffix)
        if candidate.exists():
            return soundfile.read(candidate, dtype="float32")
    sys.exit(f"{root / path}: no such clip ({', '.join(SUFFIXES)})")


def by_speaker(speakers, members):
    """Each speaker's clips among `members`, as indices."""
    return [members[speakers[members] == speaker] for speaker in np.unique(speakers[members])]


def speaker_means(tier, fold, values, weights, clips, generator):
    """What is subtracted from each clip in a tier, one row a clip, and by test speaker the clips
    that are enrolled. `values` are sums over a clip and `weights` its length, as in
    `earlier_means`. Rows of validation speakers are those of training speakers."""
    means = np.zeros_like(values)
    enrolled = {}
    if tier == "T0":
        return means, enrolled
    for part in [fold.train, fold.validation, fold.test]:
        for speaker_clips in by_speaker(clips.speakers, part):
            if tier in ("T1", "one-emotion"):
                is_apart = tier == "one-emotion" and part is fold.test
                kinds = clips.labels[speaker_clips] if is_apart else np.zeros(len(speaker_clips))
                for stream in by_speaker(kinds, np.arange(len(kinds))):
                    order = generator.permutation(speaker_clips[stream])
                    means[order] = earlier_means(values, weights, order)
            elif part is fold.test:
                groups = enrol(clips, speaker_clips, tier, generator)
                means[speaker_clips] = baseline(values, weights, groups)
                enrolled[str(clips.speakers[speaker_clips[0]])] = concatenate(groups)
            else:
                draws = enrol_others(clips, speaker_clips, tier, generator)
                for clip, groups in draws.items():
                    means[clip] = baseline(values, weights, groups)
    return means, enrolled


def heard(fold, enrolled):
    """The test clips that are scored."""
    return np.setdiff1d(fold.test, concatenate(enrolled.values()))


def concatenate(arrays):
    return np.concatenate([np.zeros(0, dtype=int), *arrays])


def earlier_means(values, weights, order):
    """T1: the mean over the speaker's earlier clips in this order, one row a clip of `order`. It
    starts from a prior, the mean of the training clips, from which values are counted."""
    sums = np.cumsum(values[order], axis=0) - values[order]
    lengths = np.cumsum(weights[order]) - weights[order]
    prior = PRIOR_CLIPS * weights.mean()
    return sums / (lengths + prior)[:, None]


def groups_to_enrol(clips, speaker_clips, tier):
    """T2, T3: the clips from which one may enrol, by emotion, and how many of each."""
    if tier == "T2":
        return [speaker_clips[clips.neutral[speaker_clips]]], T2_CLIPS
    labels = clips.labels[speaker_clips]
    return [speaker_clips[labels == label] for label in np.unique(labels)], T3_CLIPS


def enrol(clips, speaker_clips, tier, generator):
    """T2, T3: the enrolled clips of a test speaker, one array an emotion."""
    groups, count = groups_to_enrol(clips, speaker_clips, tier)
    drawn = [generator.permutation(group)[: min(count, len(group) - 1)] for group in groups]
    return [group for group in drawn if len(group) > 0]


def enrol_others(clips, speaker_clips, tier, generator):
    """T2, T3: for each clip of a training speaker a draw that leaves the clip itself out."""
    groups, count = groups_to_enrol(clips, speaker_clips, tier)
    groups = [generator.permutation(group) for group in groups if len(group) > 1]
    return {
        clip: [group[group != clip][: min(count, len(group) - 1)] for group in groups]
        for clip in speaker_clips
    }


def baseline(values, weights, enrolled):
    """Mean over the emotions of the mean over an emotion's clips; the training mean, which is 0,
    where a speaker has nothing to enrol."""
    if not enrolled:
        return np.zeros(values.shape[1])
    means = [values[group].sum(axis=0) / weights[group].sum() for group in enrolled]
    return np.mean(means, axis=0)


def time_calls(call, root, path):
    """Median time in ms of `call(signal, rate_hz)` on 3 s, the clip repeated to that length. It is
    the processor's time: peers run on one thread, and a busy machine must not count against
    them."""
    signal, rate_hz = read_audio(root, path)
    signal = np.resize(signal, int(TIMED_S * rate_hz))
    times_ms = []
    for _ in range(TIMED_CALLS):
        start = time.process_time()
        call(signal, rate_hz)
        times_ms.append(1000 * (time.process_time() - start))
    p50, p95 = np.percentile(times_ms, [50, 95])
    print(f"one call on {TIMED_S:.0f} s: median {p50:.1f} ms, p95 {p95:.1f} ms", flush=True)
    return round(float(p50), 2)


class Results:
    """The file of results of one peer on one corpus."""

    def __init__(self, args, peer, version, corpus):
        self.path = args.out / f"{peer}-{corpus}.json"
        self.data = {"peer": peer, "version": version, "corpus": corpus, "target": "intended"}
        self.data |= {"ms_per_3s": None, "runs": []}
        if self.path.exists():
            self.data |= json.loads(self.path.read_text(encoding="utf-8"))
        self.data["command"] = command()

    def has(self, *key):
        """A run is known by tier, seed, fold, order."""
        names = ["tier", "seed", "fold", "order"]
        return any(key == tuple(run[name] for name in names) for run in self.data["runs"])

    def add(self, key, paths, said):
        run = dict(zip(["tier", "seed", "fold", "order"], key))
        run["clips"] = [[str(path), str(label)] for path, label in zip(paths, said)]
        self.data["runs"].append(run)
        self.save()

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(self.data, separators=(",", ":")))

    def save_crowd(self, crowd):
        """The same answers, cut to the clips on which the crowd agrees."""
        runs = [
            run | {"clips": [clip for clip in run["clips"] if Path(clip[0]).stem in crowd]}
            for run in self.data["runs"]
        ]
        path = self.path.with_name(f"{self.path.stem}-crowd.json")
        data = self.data | {"target": "crowd", "runs": runs}
        write_whole(path, json.dumps(data, separators=(",", ":")))
        return data


def command():
    """As typed, but without the folders of this machine."""
    return shlex.join(Path(word).name if Path(word).is_absolute() else word for word in sys.argv)


def write_whole(path, text):
    """A killed process leaves the old file or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def scores(truth, said):
    """UA and WA in percent."""
    right = truth == said
    recalls = [right[truth == label].mean() for label in np.unique(truth)]
    return np.array([100 * np.mean(recalls), 100 * right.mean()])


def figures(data, truth_of):
    """By tier, in percent: UA and WA as mean and s.d. over folds, each fold's UA, and the numbers
    of folds and runs. A fold's figure is the mean over its seeds and orders."""
    by_tier = defaultdict(lambda: defaultdict(list))
    for run in data["runs"]:
        truth = np.array([truth_of[path] for path, _ in run["clips"]])
        said = np.array([label for _, label in run["clips"]])
        by_tier[run["tier"]][run["fold"]].append(scores(truth, said))
    table = {}
    for tier, of_folds in sorted(by_tier.items()):
        rows = np.array([np.mean(rows, axis=0) for rows in of_folds.values()])
        means = rows.mean(axis=0).round(1).tolist()
        spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(2)
        spread = spread.round(1).tolist()
        table[tier] = {
            "folds": len(rows),
            "runs": sum(map(len, of_folds.values())),
            "ua": means[0],
            "ua_sd": spread[0],
            "wa": means[1],
            "wa_sd": spread[1],
            "fold_ua": dict(zip(of_folds, rows[:, 0].round(1).tolist())),
        }
    return table


def truth_by_path(clips, crowd=None):
    """`crowd` replaces the intended labels."""
    if crowd is None:
        return dict(zip(clips.paths.tolist(), clips.labels.tolist()))
    stems = {path: Path(path).stem for path in clips.paths.tolist()}
    return {path: crowd[stem] for path, stem in stems.items() if stem in crowd}


def print_table(data, truth_of):
    print(f"{data['peer']} {data['corpus']} {data['target']}: mean ± s.d. over folds")
    print("tier  UA           WA           folds  runs")
    for tier, row in figures(data, truth_of).items():
        ua, wa = (f"{row[name]:.1f} ± {row[name + '_sd']:4.1f}" for name in ("ua", "wa"))
        print(f"{tier}    {ua}  {wa}  {row['folds']:5}  {row['runs']:4}")
    sys.stdout.flush()


def finish(args, results, clips):
    """Prints the table, and writes and prints the crowd's where there is one."""
    print_table(results.data, truth_by_path(clips))
    if results.data["corpus"] == "cremad" and args.votes:
        crowd = read_crowd(args.votes)
        print_table(results.save_crowd(crowd), truth_by_path(clips, crowd))
