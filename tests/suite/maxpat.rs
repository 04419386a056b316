//! Max cannot run here, so its patches are read: every object is known with its inlets and outlets,
//! every cord joins two of them, no two boxes overlap, and every address, in messages, in commands
//! to the abstraction and along chains of `route`, is in the table with types that fit.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use affectd::osc::address::TABLE;
use serde_json::{Value, json};

use crate::harness::project;

/// Inlets and outlets, as Max 8 and 9 have them, of objects where they do not depend on arguments.
const OBJECTS: &[(usize, usize, &str)] = &[
    (0, 1, "r"),
    (1, 0, "s udpsend"),
    (1, 1, "fromsymbol loadmess mtof prepend udpreceive"),
    (1, 2, "patcherargs"),
    (1, 3, "change"),
    (2, 1, "!- * *~ + < > delay int metro saw~"),
    (2, 2, "line~ zl"),
    (3, 1, "lores~"),
];

/// The same of boxes of a class of their own.
const CLASSES: &[(usize, usize, &str)] = &[
    (0, 1, "inlet"),
    (1, 0, "comment outlet"),
    (1, 1, "button slider toggle"),
    (1, 2, "flonum multislider number"),
    (2, 0, "ezdac~"),
    (2, 1, "message"),
];

/// Outlets of the abstraction that words come from, and what of an address they are the rest of.
const OUTLETS: &[(usize, &[&str])] =
    &[(4, &["/ser/ch/1", "/ser/ch/1/class"]), (6, &["/ser"]), (7, &["/ser/ch/1"])];

/// What the shipped model can say.
static LABELS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let card = fs::read_to_string(project().join("models/affectd-3/model.toml"));
    let card = card.expect("the model is shipped");
    let (_, rest) = card.split_once("labels = [").expect("the card names its labels");
    let (list, _) = rest.split_once(']').expect("a list ends");
    let labels = list.split('"').skip(1).step_by(2).chain(["unknown"]);
    labels.map(str::to_owned).collect()
});

/// By name: inlets and outlets.
type Abstractions = HashMap<String, (usize, usize)>;

struct Patch {
    boxes: Vec<PatchBox>,
    /// Box and outlet, box and inlet.
    cords: Vec<[(String, usize); 2]>,
}

#[derive(Default)]
struct PatchBox {
    id: String,
    class: String,
    text: String,
    inlets: usize,
    outlets: Vec<String>,
    rect: [f64; 4],
}

impl Patch {
    fn parse(text: &str) -> Option<Self> {
        let patcher = serde_json::from_str::<Value>(text).ok()?["patcher"].take();
        let boxes = patcher["boxes"].as_array()?.iter().map(|one| PatchBox::parse(&one["box"]));
        let end = |end: &Value| Some((end[0].as_str()?.to_owned(), index(&end[1])?));
        let cord = |line: &Value| {
            let line = &line["patchline"];
            Some([end(&line["source"])?, end(&line["destination"])?])
        };
        let cords = patcher["lines"].as_array()?.iter().map(cord);
        Some(Self { boxes: boxes.collect::<Option<_>>()?, cords: cords.collect::<Option<_>>()? })
    }

    fn get(&self, id: &str) -> Option<&PatchBox> {
        self.boxes.iter().find(|one| one.id == id)
    }

    /// Boxes and inlets that an outlet leads to.
    fn after(&self, id: &str, outlet: usize) -> Vec<(&PatchBox, usize)> {
        let from = self.cords.iter().filter(|[from, _]| from.0 == id && from.1 == outlet);
        from.filter_map(|[_, (to, inlet)]| Some((self.get(to)?, *inlet))).collect()
    }
}

impl PatchBox {
    fn parse(one: &Value) -> Option<Self> {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let types = one["outlettype"].as_array().into_iter().flatten();
        let outlets: Vec<_> = types.filter_map(|kind| Some(kind.as_str()?.to_owned())).collect();
        (index(&one["numoutlets"])? == outlets.len()).then_some(())?;
        let side = |number: usize| one["patching_rect"][number].as_f64();
        let rect = [side(0)?, side(1)?, side(2)?, side(3)?];
        let (id, class, text) = (text("id"), text("maxclass"), text("text"));
        Some(Self { id, class, text, inlets: index(&one["numinlets"])?, outlets, rect })
    }

    /// Name and arguments, without attributes.
    fn words(&self) -> Vec<String> {
        let words = words(&self.text).into_iter().take_while(|word| !word.starts_with('@'));
        if self.class == "newobj" { words.collect() } else { Vec::new() }
    }

    fn name(&self) -> String {
        self.words().first().unwrap_or(&self.class).clone()
    }

    /// Inlets and outlets that Max gives it; `None` if it does not know it.
    fn ports(&self, abstractions: &Abstractions) -> Option<(usize, usize)> {
        let known = |list: &[(usize, usize, &str)], name: &str| {
            let row = list.iter().find(|row| row.2.split(' ').any(|known| known == name));
            row.map(|row| (row.0, row.1))
        };
        if self.class != "newobj" {
            return known(CLASSES, &self.class);
        }
        let words = self.words();
        let count = words.len().saturating_sub(1);
        Some(match self.name().as_str() {
            "route" | "sel" => (count + 1, count + 1),
            "t" | "unpack" => (1, count),
            "pack" => (count, 1),
            "sprintf" => (self.text.matches('%').count().max(1), 1),
            "gate" => (2, words.get(1).map_or(Some(1), |word| word.parse().ok())?),
            "sfplay~" => (2, 1 + words.get(1).map_or(Some(1), |word| word.parse().ok())?),
            name => return known(OBJECTS, name).or_else(|| abstractions.get(name).copied()),
        })
    }
}

fn index(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// Words of a text; what stands in quotes is one, and keeps its first quote.
fn words(text: &str) -> Vec<String> {
    let parts = text.split('"').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![format!("\"{part}")],
    });
    words.collect()
}

/// Everything that is wrong with a patch.
fn faults(text: &str, abstractions: &Abstractions) -> Vec<String> {
    let Some(patch) = Patch::parse(text) else { return vec!["it is no patch".to_owned()] };
    let mut found = Vec::new();
    for one in &patch.boxes {
        let ports = (one.inlets, one.outlets.len());
        if one.ports(abstractions) != Some(ports) {
            found.push(format!("[{}] is not known with {ports:?} inlets and outlets", one.name()));
        }
        found.extend(box_addresses(&patch, one));
    }
    found.extend(patch.cords.iter().filter_map(|cord| broken(&patch, cord)));
    found.extend(layout(&patch));
    let names = |start| patch.boxes.iter().filter_map(move |one| one.text.strip_prefix(start));
    let dead = names("r ").filter(|name| names("s ").all(|sent| sent != *name));
    found.extend(dead.map(|name| format!("nothing is sent to {name}")));
    for one in &patch.boxes {
        if one.name() == "udpreceive" {
            walk(&patch, (one, 0), &[String::new()], &mut found);
        }
        for (outlet, bases) in OUTLETS.iter().filter(|_| one.name() == "affectd") {
            let bases: Vec<_> = bases.iter().map(|base| (*base).to_owned()).collect();
            walk(&patch, (one, *outlet), &bases, &mut found);
        }
    }
    found
}

fn broken(patch: &Patch, [source, destination]: &[(String, usize); 2]) -> Option<String> {
    let from = patch.get(&source.0).and_then(|one| one.outlets.get(source.1));
    let to = patch.get(&destination.0).filter(|one| destination.1 < one.inlets);
    let (Some(from), Some(to)) = (from, to) else {
        return Some(format!("no cord can go from {source:?} to {destination:?}"));
    };
    let is_deaf = from == "signal" && !to.name().ends_with('~');
    is_deaf.then(|| format!("[{}] takes no signal", to.text))
}

/// Boxes that lie on one another.
fn layout(patch: &Patch) -> Vec<String> {
    let meet = |a: &[f64; 4], b: &[f64; 4]| {
        [0, 1].iter().all(|&s| a[s] < b[s] + b[s + 2] && b[s] < a[s] + a[s + 2])
    };
    let mut found = Vec::new();
    for (number, one) in patch.boxes.iter().enumerate() {
        let others = patch.boxes[number + 1..].iter().filter(|other| meet(&one.rect, &other.rect));
        found.extend(others.map(|other| format!("{} lies on {}", one.id, other.id)));
    }
    found
}

/// Addresses in the text of one box, and commands that it gives to the abstraction.
fn box_addresses(patch: &Patch, one: &PatchBox) -> Vec<String> {
    if one.class != "message" {
        let named = one.words().into_iter().skip(1).filter(|word| word.starts_with("/ser"));
        let unknown =
            named.filter(|word| !TABLE.iter().any(|row| is_of(word, &row.template("/ser"))));
        return unknown.map(|word| format!("{word} is not in the table")).collect();
    }
    let commands = patch.after(&one.id, 0).iter().any(|(to, _)| to.name() == "affectd");
    let messages = one.text.split(',').map(words).filter(|message| !message.is_empty());
    messages.filter_map(|message| message_fault(&message, commands)).collect()
}

fn message_fault(message: &[String], is_command: bool) -> Option<String> {
    let word = message[0].as_str();
    let address = match word {
        _ if word.starts_with("/ser") => word.to_owned(),
        _ if !is_command => return None,
        _ if ["calibrate/", "teach/"].iter().any(|start| word.starts_with(start)) => {
            format!("/ser/ch/1/{word}")
        }
        _ => format!("/ser/{word}"),
    };
    // Nobody asks for what was taught in a message: `teach/tarin` is a slip.
    let rows = TABLE.iter().filter(|row| !row.path.contains("<taught>"));
    let mut rows = rows.filter(|row| is_of(&address, &row.template("/ser"))).peekable();
    if rows.peek().is_none() {
        return Some(format!("{address} is not in the table"));
    }
    let arguments = &message[1..];
    // 1 may be asked, 2 run, 3 asked and set, 0 is only sent to us.
    let fits = rows.any(|row| match row.access() {
        1 => arguments.is_empty(),
        2 => fit(arguments, row.types),
        3 => arguments.is_empty() || fit(arguments, row.types),
        _ => false,
    });
    (!fits).then(|| format!("{address} does not take {arguments:?}"))
}

/// As the daemon checks arguments: what stands in brackets may be left out, `*` is anything.
fn fit(arguments: &[String], types: &str) -> bool {
    let (required, optional) = types.split_once('[').unwrap_or((types, ""));
    let optional = optional.trim_end_matches(']');
    let tags = required.chars().chain(optional.chars());
    let most = if optional == "*" { usize::MAX } else { required.len() + optional.len() };
    required.len() <= arguments.len()
        && arguments.len() <= most
        && tags.zip(arguments).all(|(tag, word)| is_a(word, tag))
}

fn is_a(word: &str, tag: char) -> bool {
    let number = word.parse::<f64>();
    match tag {
        _ if word.starts_with('$') => true,
        'i' => number.is_ok_and(|number| number.fract() == 0.0),
        'f' => number.is_ok(),
        's' => number.is_err(),
        _ => true,
    }
}

/// Follows words along `route`: each must go on at least one of the addresses so far.
fn walk(patch: &Patch, from: (&PatchBox, usize), paths: &[String], found: &mut Vec<String>) {
    for (to, inlet) in patch.after(&from.0.id, from.1) {
        match to.name().as_str() {
            "zl" | "fromsymbol" if inlet == 0 => walk(patch, (to, 0), paths, found),
            "route" if inlet == 0 => {
                let words = to.words();
                for (outlet, word) in words.iter().skip(1).enumerate() {
                    let longer = paths.iter().map(|path| format!("{path}/{word}"));
                    let known: Vec<_> = longer.filter(|path| is_start(path)).collect();
                    // `lost` is the abstraction's own word; a whole address is an argument of ok.
                    if known.is_empty() && !word.starts_with('/') && word != "lost" {
                        found.push(format!("{word} follows none of {paths:?}"));
                    }
                    walk(patch, (to, outlet), &known, found);
                }
                walk(patch, (to, words.len() - 1), paths, found);
            }
            _ => {}
        }
    }
}

/// What an address begins with.
fn is_start(path: &str) -> bool {
    let length = path.split('/').count();
    let start = |template: String| template.split('/').take(length).collect::<Vec<_>>().join("/");
    TABLE.iter().any(|row| is_of(path, &start(row.template("/ser"))))
}

/// Whether an address is one of those that a row stands for. `%ld` is a channel, and `%s` the rest.
fn is_of(address: &str, template: &str) -> bool {
    let (address, template): (Vec<_>, Vec<_>) =
        (address.split('/').collect(), template.split('/').collect());
    if address.last() == Some(&"%s") {
        let given = &address[..address.len() - 1];
        return given.len() < template.len() && given.iter().zip(&template).all(is_word);
    }
    address.len() == template.len() && address.iter().zip(&template).all(is_word)
}

fn is_word((word, template): (&&str, &&str)) -> bool {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match *template {
        "N" => is_number || *word == "%ld",
        "<id>" => is_number,
        "<label>" => LABELS.iter().any(|label| label == word),
        "<taught>" | "<trigger>" => !word.is_empty(),
        template => *word == template,
    }
}

#[test]
fn the_shipped_patches_are_whole() {
    let folder = fs::read_dir(project().join("patches/max")).expect("the folder is there");
    let paths: Vec<_> = folder.map(|entry| entry.expect("it can be listed").path()).collect();
    let ends = |kind: &'static str| {
        paths.iter().filter(move |path| path.extension().is_some_and(|end| end == kind))
    };
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a patch can be read");
    let of = |path: &PathBuf| {
        let patch = Patch::parse(&text(path)).expect("it is a patch");
        let count = |class: &str| patch.boxes.iter().filter(|one| one.class == class).count();
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        (name, (count("inlet"), count("outlet")))
    };
    let abstractions: Abstractions = ends("maxpat").map(of).collect();
    for path in ends("maxpat").chain(ends("maxhelp")) {
        assert_eq!(faults(&text(path), &abstractions), [""; 0], "{}", path.display());
    }
    assert_eq!((ends("maxpat").count(), ends("maxhelp").count()), (3, 1));
}

/// A patch of boxes, class and text, and a cord: box and outlet, box and inlet.
fn check(boxes: &[(&str, &str)], cord: [usize; 4], expected: &str) {
    let abstractions = Abstractions::from([("affectd".to_owned(), (1, 8))]);
    let one = |(number, (class, text)): (usize, &(&str, &str))| {
        let one = PatchBox { class: (*class).into(), text: (*text).into(), ..Default::default() };
        let (inlets, outlets) = one.ports(&abstractions).unwrap_or((1, 1));
        json!({"box": {
            "id": number.to_string(), "maxclass": one.class, "text": one.text,
            "numinlets": inlets, "numoutlets": outlets, "outlettype": vec![""; outlets],
            "patching_rect": [0, 30 * number, 90, 20],
        }})
    };
    let [source, destination] =
        [0, 2].map(|place| json!([cord[place].to_string(), cord[place + 1]]));
    let line = json!({"patchline": {"source": source, "destination": destination}});
    let boxes: Vec<_> = boxes.iter().enumerate().map(one).collect();
    let patch = json!({"patcher": {"boxes": boxes, "lines": [line]}});
    let found = faults(&patch.to_string(), &abstractions).join("; ");
    assert!(found.is_empty() == expected.is_empty() && found.contains(expected), "{found}");
}

#[test]
fn broken_cords_and_unknown_objects_are_found() {
    let boxes = [("newobj", "metro 20"), ("button", "")];
    check(&boxes, [0, 0, 1, 0], "");
    for cord in [[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 2, 0], [2, 0, 1, 0]] {
        check(&boxes, cord, "no cord can go from");
    }
    let unknown = |text, expected| check(&[("newobj", text), boxes[1]], [0, 0, 1, 0], expected);
    unknown("OSC-route /ser", "[OSC-route] is not known");
    unknown("affected 127.0.0.1", "[affected] is not known");
    unknown("r nobody", "nothing is sent to nobody");
    assert_eq!(faults("{}", &Abstractions::new()), ["it is no patch"]);
}

#[test]
fn misspelt_addresses_and_wrong_arguments_are_found() {
    let message = |text, to| [("message", text), ("newobj", to)];
    let sent = |text, expected| check(&message(text, "udpsend"), [0, 0, 1, 0], expected);
    sent("/ser/subscribe $1 $2 \"core text\" 0. 75. max, /ser/ch/2/teach/label calm 1", "");
    sent("/ser/subscibe", "is not in the table");
    sent("/ser/mute loud", "does not take");
    sent("/ser/mute 1 1", "does not take");
    let command = |text, expected| check(&message(text, "affectd"), [0, 0, 1, 0], expected);
    command("calibrate/begin 20", "/ser/ch/1/calibrate/begin is not in the table");
    command("teach/tarin", "/ser/ch/1/teach/tarin is not in the table");
    command("teach/label 1 calm", "does not take");
    let format = [("newobj", "sprintf /ser/sh/%ld/%s"), ("newobj", "udpsend")];
    check(&format, [0, 0, 1, 0], "is not in the table");
}

#[test]
fn misspelt_words_along_a_chain_are_found() {
    let chain = |from, outlet, words, expected| {
        check(&[("newobj", from), ("newobj", words)], [0, outlet, 1, 0], expected);
    };
    chain("udpreceive 7371", 0, "route ser", "");
    chain("udpreceive 7371", 0, "route sir", "sir follows none of");
    chain("affectd", 4, "route angry teach classes", "");
    chain("affectd", 4, "route angry joyful", "joyful follows none of");
    chain("affectd", 6, "route ok helth", "helth follows none of");
}
