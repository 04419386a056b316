//! Rules of the project that no compiler knows, read from the source as text: how long a file may
//! be, who may name whom, who may start threads. Each failure says where, what and why. Comments
//! and the insides of strings are blanked first where a rule is about code.

mod code;

use std::fs;
use std::path::Path;

use code::{blank_comments_and_strings, is_word, line_of, names_after_crate, words};

const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

/// Fewer means that the walk went astray, not that the project shrank.
const FILES_MIN: usize = 10;

/// Who may name whom, as in the project's design; a module may always name itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("cli", &[]),
    // Not in the design: counts the program's calls of the heap.
    ("heap", &[]),
    ("wav", &["units"]),
    ("messages", &["units"]),
    ("ring", &["units"]),
    ("config", &["units"]),
    // The design has not messages here: what prosody measures goes out as it is.
    ("features", &["messages", "units"]),
    // The design has not wav here. The file source and the demo voice are read by the same decoder
    // as the files of `analyze` and of the corpora.
    ("audio", &["config", "plugins", "ring", "units", "wav"]),
    ("plugins", &["audio", "config", "ring", "units"]),
    ("voice", &["features", "units"]),
    ("model", &["features", "units"]),
    ("personal", &["features", "model", "units"]),
    ("text", &["model", "units"]),
    (
        "engine",
        &["config", "features", "messages", "model", "personal", "ring", "text", "units", "voice"],
    ),
    ("osc", &["config", "messages", "units"]),
    ("monitor", &["config", "messages", "units"]),
    ("record", &["config", "messages", "units"]),
    // The design has not messages, personal and voice here. Training hears clips through the live
    // normaliser and voice detector, and its targets are the coordinates that messages carry. What
    // tells voices from other sounds is learnt from the windows that the live engine cuts.
    (
        "train",
        &["config", "engine", "features", "messages", "model", "personal", "units", "voice", "wav"],
    ),
    // The design has not personal, train and voice here. Clips are cut and normalised as live, and
    // manifests and splits are read as training reads them, so that both mean the same speakers.
    (
        "eval",
        &[
            "config", "engine", "features", "messages", "model", "personal", "train", "units",
            "voice", "wav",
        ],
    ),
    // Not in the design: files through the engine, and what the engine costs.
    ("analyze", &["config", "engine", "messages", "model", "units", "wav"]),
    (
        "bench",
        &[
            "audio", "config", "engine", "features", "messages", "model", "osc", "plugins", "ring",
            "units", "wav",
        ],
    ),
];

/// The wiring, which knows all.
const MAY_NAME_ALL: &[&str] = &["main", "lib", "daemon"];

const MAY_NAME_BURN: &[&str] = &["model", "train"];

/// Beside src/daemon.rs, each with its reason. Tests may start threads.
const MAY_START_THREADS: &[(&str, &str)] = &[
    (
        "src/audio/helper.rs",
        "a device's open and play can hang for ever, so they run on a helper with a time limit",
    ),
    ("src/bench/plugins.rs", "it measures what waking a thread costs, and joins it"),
    (
        "src/plugins/isolated/child.rs",
        "the process that hosts untrusted plug-ins has nothing but this file: it is its daemon",
    ),
];

/// These run on the audio thread and switch the bans of .clippy.toml on.
const REAL_TIME: &[&str] = &[
    "src/audio/callback.rs",
    "src/audio/denormals.rs",
    "src/audio/playback.rs",
    "src/audio/through.rs",
    "src/plugins/builtin/compressor.rs",
    "src/plugins/builtin/denoise.rs",
    "src/plugins/builtin/gain.rs",
    "src/plugins/builtin/gate.rs",
    "src/plugins/builtin/high_pass.rs",
    "src/plugins/builtin/limiter.rs",
    "src/plugins/builtin/parts.rs",
    "src/plugins/chain.rs",
    "src/plugins/chain/slot.rs",
    "src/plugins/clap/processor.rs",
    "src/plugins/isolated/processor.rs",
    "src/plugins/lv2/runner.rs",
    "src/plugins/unit.rs",
    "src/plugins/unit/mend.rs",
    "src/ring.rs",
    "src/ring/block.rs",
    "src/ring/stamp.rs",
];
const BANS: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]";

/// Files with a width of their own, each with its reason.
const MAY_BE_WIDE: &[(&str, usize, &str)] =
    &[("src/osc/address.rs", 170, "one row an address: wrapped, nobody could look the table over")];

/// Settings of the features ride in the model's card: config.toml may change none of them.
const FEATURE_WORDS: &[&str] =
    &["FeatureSpec", "features", "hop_frames", "window_frames", "fft_frames", "mels", "cepstra"];

/// Written in two parts, so that this file may pass its own rules.
const NOT_DONE: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
    concat!("#[should", "_panic"),
    concat!("todo", "!("),
    concat!("unimple", "mented!("),
];
const ELSEWHERE: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/t", "mp/"),
    concat!("C:", "\\"),
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
];

struct Source {
    /// From the root of the project, with `/`.
    path: String,
    text: String,
}

#[test]
fn the_source_is_tidy() {
    let sources = sources();
    let rust = sources.iter().filter(|source| source.is_rust()).count();
    assert!(rust > FILES_MIN, "only {rust} Rust files were found");
    for path in ["src/lib.rs", "src/main.rs", "src/units.rs", "tests/tidy/main.rs", "config.toml"] {
        assert!(sources.iter().any(|source| source.path == path), "{path} was not read");
    }
    let problems: Vec<String> = sources.iter().flat_map(problems).collect();
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_planted_violation_is_caught_at_its_line() {
    check("src/osc/send.rs", "//! A.\nuse crate::engine::Engine;", "2: osc may not name engine");
    check(
        "src/osc/send.rs",
        "//! A.\nuse crate::{units, train::fit};",
        "2: osc may not name train",
    );
    check(
        "src/osc/send.rs",
        "//! A.\nuse crate::{\n    units,\n    wav,\n};",
        "4: osc may not name",
    );
    check("src/cli.rs", "//! A.\nfn f() { crate::units::f() }", "2: cli may not name units");
    check("src/units.rs", "//! A.\nuse crate::new::X;", "2: units may not name new");
    check("src/new.rs", "//! A.\n", "1: new has no place in the map");
    check("src/wav.rs", "//! A.\nuse super::ring::X;", "2: super is for `use super::*` in tests");
    check("src/eval/fit.rs", "//! A.\nuse burn::tensor::Tensor;", "2: only model, train name burn");
    check("src/engine/a.rs", "//! A.\ntype D = burn_wgpu::D;", "2: only model, train name burn");
    check("src/osc/a.rs", "//! A.\nfn f() { thread::spawn(g) }", "2: only src/daemon.rs starts");
    check("src/osc/a.rs", "//! A.\nuse std::thread::Builder;", "2: only src/daemon.rs starts");
    check("src/config/a.rs", "//! A.\nlet mels = 3;", "2: mels is a setting of the features");
    check("config.toml", "[features]\n", "1: features is a setting of the features");
    check("src/ring.rs", "//! A.\n", "1: runs on the audio thread");
    check("src/wav.rs", "// A.\n", "1: opens without `//!`");
    check("tests/a.rs", &format!("//! A.\n{}", "x".repeat(101)), "2: 101 columns");
    check("src/wav.rs", &"//! A.\n".repeat(401), "401: longer than 400 lines");
    for word in NOT_DONE {
        check("src/wav.rs", &format!("//! A.\n// {word}"), "2: ");
    }
    for path in ELSEWHERE {
        check("Makefile", &format!("# A.\n\tcp \"{path}x\" ."), "2: names a place outside");
    }
}

#[test]
fn what_is_allowed_passes() {
    pass("src/osc/a.rs", "//! A.\nuse crate::osc::b;\nuse crate::{config::Config, units};");
    pass("src/daemon.rs", "//! A.\nuse crate::engine::E;\nfn f() { thread::spawn(g); }");
    pass("src/osc/a.rs", "//! A.\n/// Unlike [`crate::engine`].\nconst A: &str = \"crate::wav\";");
    pass("src/osc/a.rs", "//! A.\n/* crate::wav /* crate::wav */ */ const C: char = '\"';");
    pass("src/osc/a.rs", "//! A.\nconst A: &str = r#\"\" crate::wav\"#; fn f<'a>(_: &'a str) {}");
    pass(
        "src/osc/a.rs",
        "//! A.\npub(crate) fn f() {}\n\n#[cfg(test)]\nmod tests {\nuse super::*;",
    );
    pass("src/osc/a.rs", "//! A.\n#[cfg(test)]\nmod tests {\nfn f() { thread::spawn(g); }\n}");
    pass("src/osc/tests.rs", "//! A.\nfn f() { thread::spawn(g); }");
    pass("src/ring.rs", &format!("//! A.\n{BANS}\n"));
    pass("src/wav.rs", "//! /ser/root/x and a.workshop/");
}

fn check(path: &str, text: &str, expected: &str) {
    let found = problems(&Source { path: path.into(), text: text.into() });
    let expected = format!("{path}:{expected}");
    assert!(found.iter().any(|problem| problem.starts_with(&expected)), "{expected}\n{found:?}");
}

fn pass(path: &str, text: &str) {
    let found = problems(&Source { path: path.into(), text: text.into() });
    assert!(found.is_empty(), "{text}\n{found:?}");
}

fn problems(source: &Source) -> Vec<String> {
    let mut found = words_of_the_unfinished(source);
    if source.is_rust() {
        let code = blank_comments_and_strings(&source.text);
        found.extend(shape(source));
        found.extend(layers(source, &code));
        found.extend(threads(source, &code));
    }
    if source.path == "config.toml" || source.path.starts_with("src/config/") {
        found.extend(feature_settings(source));
    }
    found
}

/// Length, width, the opening doc and the bans of the real-time files.
fn shape(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let wide = MAY_BE_WIDE.iter().find(|(path, ..)| *path == source.path);
    let columns_max = wide.map_or(COLUMNS_MAX, |(_, columns, _)| *columns);
    for (index, line) in source.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > columns_max {
            found.push(source.at(index, &format!("{columns} columns, allowed are {columns_max}")));
        }
    }
    if source.text.lines().count() > LINES_MAX {
        let text = format!("longer than {LINES_MAX} lines: look for the second noun");
        found.push(source.at(LINES_MAX, &text));
    }
    if !source.text.starts_with("//!") {
        found.push(source.at(0, "opens without `//!`: say what the file is for"));
    }
    if REAL_TIME.contains(&source.path.as_str()) && !source.text.contains(BANS) {
        found.push(source.at(0, &format!("runs on the audio thread, so it needs {BANS}")));
    }
    found
}

fn layers(source: &Source, code: &str) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let mut found = Vec::new();
    let known = MAY_NAME.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
    let knows_all = MAY_NAME_ALL.contains(&module);
    if known.is_none() && !knows_all {
        found.push(source.at(0, &format!("{module} has no place in the map: add it to MAY_NAME")));
    }
    for (index, named) in names_after_crate(code) {
        let allowed = knows_all || named == module || known.is_some_and(|k| k.contains(&named));
        if !allowed {
            found.push(source.at(line_of(code, index), &format!("{module} may not name {named}")));
        }
    }
    for (index, _) in code.match_indices("super::") {
        if !code[..index].ends_with("use ") || !code[index..].starts_with("super::*") {
            let text = "super is for `use super::*` in tests; write crate::";
            found.push(source.at(line_of(code, index), text));
        }
    }
    for index in words(code, |word| word == "burn" || word.starts_with("burn_")) {
        let after = code[index..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        if after.starts_with("::") && !knows_all && !MAY_NAME_BURN.contains(&module) {
            let text = format!("only {} name burn", MAY_NAME_BURN.join(", "));
            found.push(source.at(line_of(code, index), &text));
        }
    }
    found
}

fn threads(source: &Source, code: &str) -> Vec<String> {
    let excepted = MAY_START_THREADS.iter().any(|(path, _)| *path == source.path);
    if source.path == "src/daemon.rs" || excepted || source.is_test() {
        return Vec::new();
    }
    let own = code.rsplit_once("#[cfg(test)]\n").map_or(code, |(own, _tests)| own);
    let starts = ["thread::spawn", "thread::Builder", "thread::scope", "thread::{"];
    let at = |index| {
        source.at(line_of(code, index), "only src/daemon.rs starts threads, and it joins each")
    };
    starts.iter().flat_map(|start| own.match_indices(start)).map(|(index, _)| at(index)).collect()
}

fn feature_settings(source: &Source) -> Vec<String> {
    let at = |index| {
        let word: String = source.text[index..].chars().take_while(|&c| is_word(c)).collect();
        let text = format!("{word} is a setting of the features: it belongs to the model's card");
        source.at(line_of(&source.text, index), &text)
    };
    words(&source.text, |word| FEATURE_WORDS.contains(&word)).into_iter().map(at).collect()
}

fn words_of_the_unfinished(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for word in NOT_DONE.iter().filter(|word| line.contains(*word)) {
            let text = format!("{word}: finish it, or say in a sentence why it is as it is");
            found.push(source.at(index, &text));
        }
        for place in ELSEWHERE.iter().filter(|place| names_place(line, place)) {
            found.push(source.at(index, &format!("names a place outside the project: {place}")));
        }
    }
    found
}

/// The place stands at the start of a path or a host, not in the middle of one.
fn names_place(line: &str, place: &str) -> bool {
    let starts = |(index, _)| {
        let before = line[..index].chars().next_back();
        !before.is_some_and(|c| is_word(c) || c == '/' && place.starts_with('/'))
    };
    line.match_indices(place).any(starts)
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_test(&self) -> bool {
        let in_folder = ["tests/", "benches/"].iter().any(|folder| self.path.starts_with(folder));
        in_folder || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Top level of src/: the folder's name, or the file's.
    fn module(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split(['/', '.']).next()
    }

    fn at(&self, line_index: usize, text: &str) -> String {
        format!("{}:{}: {text}", self.path, line_index + 1)
    }
}

/// What people of the project wrote: code, scripts, settings. No data, no build output.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for name in ["src", "tests", "benches", "examples", ".ci", ".cargo"] {
        collect(root, &root.join(name), &mut sources);
    }
    for name in ["Cargo.toml", "Makefile", "build.rs", "config.toml", ".clippy.toml"] {
        collect(root, &root.join(name), &mut sources);
    }
    sources
}

/// A path that is not there adds nothing; text that is not UTF-8 is data.
fn collect(root: &Path, path: &Path, sources: &mut Vec<Source>) {
    if let Ok(entries) = fs::read_dir(path) {
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| collect(root, path, sources));
    } else if let Ok(text) = fs::read_to_string(path) {
        let path = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        sources.push(Source { path, text });
    }
}
