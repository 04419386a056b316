//! The pages in patches/ and the configurations in examples/: every address is in the table, every
//! `oscsend` line is accepted by a live daemon, every configuration is right.

use std::fs;
use std::path::{Path, PathBuf};

use rosc::OscType;

use crate::harness::{Daemon, outcome, project};

/// Files below a folder of the project with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no .{ending}");
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What follows each `/ser/` as far as an address goes; `…` and a last `/` mean: and so on.
fn addresses(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/_<>*…".contains(c);
    text.split("/ser/")
        .skip(1)
        .map(|rest| &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())])
        .collect()
}

/// Whether an address on a page is this one of the table, both below the root.
fn is_of(address: &str, row: &str) -> bool {
    let mut row = row.split('/');
    for part in address.split('/') {
        if part.is_empty() || part.ends_with('…') {
            return true;
        }
        let Some(known) = row.next() else { return false };
        let is_place = known == "N" && (part == "N" || part == "*" || part.parse::<u8>().is_ok());
        if part != known && !is_place && !known.starts_with('<') && part != "*" {
            return false;
        }
    }
    row.next().is_none()
}

#[test]
fn every_address_of_the_pages_is_in_the_table() {
    let (code, reference, _) = outcome(&["osc-reference"]);
    assert_eq!(code, 0);
    let rows =
        reference.lines().filter_map(|line| line.strip_prefix("| `/ser/")?.split('`').next());
    let rows: Vec<&str> = rows.collect();
    let others = [files("patches/touchdesigner", "py"), files("patches/supercollider", "scd")];
    for page in files("patches", "md").iter().chain(others.iter().flatten()) {
        for address in addresses(&text(page)) {
            let is_known = address.is_empty() || rows.iter().any(|row| is_of(address, row));
            assert!(is_known, "{}: /ser/{address} is not in the table", page.display());
        }
    }
}

#[test]
fn every_command_of_the_pages_is_accepted() {
    let state = tempfile::tempdir().expect("a folder for the test");
    let mut daemon = Daemon::start_with(&["--input", "demo", "--backend", "cpu"], |command| {
        command.env("XDG_STATE_HOME", state.path()); // permanent receivers are saved there
    });
    daemon.wait_for_streams();
    for page in files("patches", "md") {
        daemon.send("/ser/trigger/clear", vec![]); // two pages call theirs the same
        assert_eq!(daemon.reply("/ser/trigger/clear").addr, "/ser/ok");
        let page_text = text(&page);
        let lines =
            page_text.lines().filter_map(|line| line.strip_prefix("oscsend 127.0.0.1 7370 "));
        for line in lines {
            let words: Vec<&str> =
                line.split_whitespace().take_while(|word| *word != "#").collect();
            let (types, values) =
                (words.get(1).copied().unwrap_or(""), words.get(2..).unwrap_or(&[]));
            assert_eq!(types.len(), values.len(), "{line}");
            daemon.send(words[0], types.chars().zip(values).map(argument).collect());
            let reply = daemon.reply(words[0]);
            assert_eq!(reply.addr, "/ser/ok", "{}: {line}: {:?}", page.display(), reply.args);
        }
    }
}

fn argument((tag, word): (char, &&str)) -> OscType {
    let number = || word.parse::<f32>().unwrap_or_else(|error| panic!("{word}: {error}"));
    match tag {
        'f' => OscType::Float(number()),
        'i' => OscType::Int(word.parse().unwrap_or_else(|error| panic!("{word}: {error}"))),
        _ => OscType::String(word.trim_matches('"').to_owned()),
    }
}

#[test]
fn every_configuration_is_right() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut configurations = files("examples", "toml");
    for (index, page) in files("patches", "md").iter().enumerate() {
        let page = text(page);
        for (block, rest) in page.split("```toml\n").skip(1).enumerate() {
            let path = folder.path().join(format!("{index}-{block}.toml"));
            fs::write(&path, rest.split("```").next().unwrap_or(rest)).expect("it can be written");
            configurations.push(path);
        }
    }
    for path in &configurations {
        let path = path.to_str().expect("it is UTF-8");
        let (code, _, trouble) = outcome(&["check", "--config", path]);
        assert_eq!(code, 0, "{path}: {trouble}");
    }
}
