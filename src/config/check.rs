//! The step from what was typed to what holds: [`Typed::check`]. Reads no file; asks the system
//! only to resolve host names (which may take seconds) and whether an address is its own.

mod addresses;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

pub(crate) use crate::config::check::addresses::{is_heard_by, root};
use crate::config::check::addresses::{listen, network, receivers, token};
use crate::config::checked::{
    Backend, Config, Hold, HoldPolicy, Input, Model, Osc, Output, Privacy, Smooth, SmoothMode,
    Source, Through, ThroughTo, Voice,
};
use crate::config::error::Problem;
use crate::config::map::settled;
use crate::config::routes;
use crate::config::rule::check_rules;
use crate::config::typed::{self, Typed};

const SOURCES: &str = "auto, jack, cpal, cpal:ID, file:PATH, demo";
const OUTPUTS: &str = "off, on, cpal:ID";

impl Typed {
    /// Every wrong value at once, in the order of the keys. May wait for host names.
    pub fn check(&self) -> Result<Config, Vec<Problem>> {
        let mut problems = Problems(Vec::new());
        let osc = check_osc(&self.osc, &mut problems);
        self.check_rest(osc, problems)
    }

    /// The same where `[osc]` is as it was checked before: names no host, waits for nothing.
    pub fn check_with(&self, osc: Osc) -> Result<Config, Vec<Problem>> {
        self.check_rest(Some(osc), Problems(Vec::new()))
    }

    fn check_rest(&self, osc: Option<Osc>, mut problems: Problems) -> Result<Config, Vec<Problem>> {
        let input = check_input(&self.input, &self.through, &mut problems);
        let through = check_through(&self.through, &mut problems);
        let voice = check_voice(&self.voice, &mut problems);
        let hold = check_hold(&self.hold, &mut problems);
        let smooth = check_smooth(&self.smooth, &mut problems);
        let model = check_model(&self.model, &mut problems);
        let lead = problems.keep(number("output.lead", self.output.lead, 0.0..=1.0));
        let output = lead.map(|lead| Output { mask: self.output.mask.clone(), lead });
        let privacy = Privacy { consent: self.privacy.consent };
        let personal = problems.keep(self.personal.check(self.input.channels));
        let plugins = problems.keep_all(self.plugins.check(self.input.channels));
        let maps = problems.keep_all(check_rules(&self.map));
        let triggers = problems.keep_all(check_rules(&self.trigger));
        let sound = input.zip(through).zip(output);
        let rules = maps.zip(triggers).and_then(|(m, t)| problems.keep_all(settled(m, t)));
        let moved = plugins.zip(rules).zip(personal);
        match (sound, osc, voice, hold, smooth, model, moved) {
            (
                Some(((input, through), output)),
                Some(osc),
                Some(voice),
                Some(hold),
                Some(smooth),
                Some(model),
                Some(((plugins, (maps, triggers)), personal)),
            ) => {
                let config = Config {
                    input,
                    through,
                    osc,
                    voice,
                    hold,
                    smooth,
                    output,
                    model,
                    privacy,
                    personal,
                    plugins,
                    maps,
                    triggers,
                };
                let problems = routes::check(&config);
                if problems.is_empty() { Ok(config) } else { Err(problems) }
            }
            _ => Err(problems.0),
        }
    }
}

fn check_input(
    typed: &typed::Input,
    through: &typed::Through,
    problems: &mut Problems,
) -> Option<Input> {
    let source = problems.keep(source(&typed.source));
    let channels = problems.keep(whole("input.channels", typed.channels, 1..=8));
    let ring_s = problems.keep(number("input.ring_s", typed.ring_s, 0.5..=30.0));
    let count = usize::try_from(typed.channels).unwrap_or(0);
    let map = problems.keep(map(&typed.map, count));
    let names = problems.keep(names(&typed.names, count));
    let through = problems.keep(through_to(&through.to));
    Some(Input {
        source: source?,
        channels: channels?,
        map: map?,
        names: names?,
        ring_s: ring_s?,
        follow_default: typed.follow_default,
        paced: typed.paced,
        through: through?,
    })
}

fn check_through(typed: &typed::Through, problems: &mut Problems) -> Option<Through> {
    let gain_db = problems.keep(number("through.gain_db", typed.gain_db, -60.0..=12.0));
    Some(Through { gain_db: gain_db?, mute: typed.mute })
}

/// Counted from 0 from here on.
fn map(typed: &[i64], channels: usize) -> Result<Vec<usize>, Problem> {
    if typed.is_empty() {
        return Ok((0..channels).collect());
    }
    let refusal = || {
        let allowed = format!("[] or {channels} numbers 1..64, one for each of input.channels");
        wrong("input.map", format!("{typed:?}"), allowed)
    };
    if typed.len() != channels || typed.iter().any(|channel| !(1..=64).contains(channel)) {
        return Err(refusal());
    }
    typed.iter().map(|channel| usize::try_from(channel - 1).map_err(|_| refusal())).collect()
}

fn names(typed: &[String], channels: usize) -> Result<Vec<String>, Problem> {
    let is_good = |name: &String| {
        (1..=32).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    if typed.is_empty() || typed.len() == channels && typed.iter().all(is_good) {
        return Ok(typed.to_vec());
    }
    let allowed = format!("[] or {channels} names of 1 to 32 characters");
    Err(wrong("input.names", format!("{typed:?}"), allowed))
}

fn check_osc(typed: &typed::Osc, problems: &mut Problems) -> Option<Osc> {
    let listen = problems.keep(listen(&typed.listen));
    let root = problems.keep(root("osc.root", &typed.root));
    let allow: Vec<_> = typed.allow.iter().map(|text| problems.keep(network(text))).collect();
    let token = problems.keep(token(&typed.token));
    let listen = listen?; // a receiver can be judged only beside the address that we listen on
    let send = receivers(&typed.send, listen, problems);
    let allow: Option<Vec<IpNet>> = allow.into_iter().collect();
    Some(Osc { listen, send: send?, root: root?, allow: allow?, token: token? })
}

fn check_voice(typed: &typed::Voice, problems: &mut Problems) -> Option<Voice> {
    let threshold = problems.keep(number("voice.threshold", typed.threshold, 0.0..=1.0));
    let floor_db = problems.keep(number("voice.floor_db", typed.floor_db, -120.0..=0.0));
    let on_ms = problems.keep(whole("voice.on_ms", typed.on_ms, 0..=10_000));
    let off_ms = problems.keep(whole("voice.off_ms", typed.off_ms, 0..=10_000));
    let margin_db = problems.keep(number("voice.margin_db", typed.margin_db, 0.0..=60.0));
    let min_ms = problems.keep(whole("voice.min_ms", typed.min_ms, 0..=10_000));
    let max_s = problems.keep(number("voice.max_s", typed.max_s, 1.0..=3600.0));
    Some(Voice {
        threshold: threshold?,
        floor_db: floor_db?,
        margin_db: margin_db?,
        on_ms: on_ms?,
        off_ms: off_ms?,
        min_ms: min_ms?,
        max_s: max_s?,
    })
}

fn check_hold(typed: &typed::Hold, problems: &mut Problems) -> Option<Hold> {
    let policies =
        [("hold", HoldPolicy::Hold), ("decay", HoldPolicy::Decay), ("zero", HoldPolicy::Zero)];
    let policy = problems.keep(choice("hold.policy", &typed.policy, &policies));
    let time_s = problems.keep(number("hold.time_s", typed.time_s, 0.1..=600.0));
    let unknown_max = problems.keep(number("hold.unknown_max", typed.unknown_max, 0.0..=1.0));
    Some(Hold { policy: policy?, time_s: time_s?, unknown_max: unknown_max? })
}

fn check_smooth(typed: &typed::Smooth, problems: &mut Problems) -> Option<Smooth> {
    let attack_s = problems.keep(number("smooth.attack_s", typed.attack_s, 0.0..=60.0));
    let release_s = problems.keep(number("smooth.release_s", typed.release_s, 0.0..=60.0));
    let modes = [
        ("off", SmoothMode::Off),
        ("release", SmoothMode::Release),
        ("one_euro", SmoothMode::OneEuro),
        ("hmm", SmoothMode::Hmm),
    ];
    let mode = problems.keep(choice("smooth.mode", &typed.mode, &modes));
    let min_cutoff = problems.keep(number("smooth.min_cutoff", typed.min_cutoff, 0.0..=50.0));
    let beta = problems.keep(number("smooth.beta", typed.beta, 0.0..=100.0));
    let stay_s = problems.keep(number("smooth.stay_s", typed.stay_s, 0.1..=600.0));
    Some(Smooth {
        mode: mode?,
        attack_s: attack_s?,
        release_s: release_s?,
        min_cutoff: min_cutoff?,
        beta: beta?,
        stay_s: stay_s?,
    })
}

fn check_model(typed: &typed::Model, problems: &mut Problems) -> Option<Model> {
    let backends = [
        ("auto", Backend::Auto),
        ("cpu", Backend::Cpu),
        ("gpu", Backend::Wgpu),
        ("wgpu", Backend::Wgpu),
    ];
    let folder = problems.keep(folder(&typed.folder));
    let backend = problems.keep(choice("model.backend", &typed.backend, &backends));
    let mut or_the_models = |key, value: Option<f32>, range| match value {
        Some(value) => problems.keep(number(key, value, range)).map(Some),
        None => Some(None),
    };
    let window_s = or_the_models("model.window_s", typed.window_s, 0.5..=10.0);
    let hop_s = or_the_models("model.hop_s", typed.hop_s, 0.02..=1.0);
    Some(Model { folder: folder?, backend: backend?, window_s: window_s?, hop_s: hop_s? })
}

struct Problems(Vec<Problem>);

impl Problems {
    fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }

    fn keep_all<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.0.extend(problems)).ok()
    }
}

/// NaN is in no range.
fn number(key: &'static str, value: f32, range: RangeInclusive<f32>) -> Result<f32, Problem> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(wrong(key, value, format!("{}..{}", range.start(), range.end())))
}

fn whole<T: TryFrom<i64>>(
    key: &'static str,
    value: i64,
    range: RangeInclusive<i64>,
) -> Result<T, Problem> {
    let refusal = || wrong(key, value, format!("{}..{}", range.start(), range.end()));
    if !range.contains(&value) {
        return Err(refusal());
    }
    T::try_from(value).map_err(|_| refusal())
}

fn choice<T: Copy>(key: &'static str, value: &str, known: &[(&str, T)]) -> Result<T, Problem> {
    if let Some((_, choice)) = known.iter().find(|(name, _)| *name == value) {
        return Ok(*choice);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    Err(wrong(key, quoted(value), names.join(", ")))
}

fn source(value: &str) -> Result<Source, Problem> {
    match value {
        "auto" => return Ok(Source::Auto),
        "jack" => return Ok(Source::Jack),
        "cpal" => return Ok(Source::Cpal(None)),
        "demo" => return Ok(Source::Demo),
        _ => {}
    }
    match value.split_once(':') {
        Some(("cpal", id)) if !id.is_empty() => Ok(Source::Cpal(Some(id.to_owned()))),
        Some(("file", path)) if !path.is_empty() => Ok(Source::File(PathBuf::from(path))),
        _ => Err(wrong("input.source", quoted(value), SOURCES)),
    }
}

fn through_to(value: &str) -> Result<ThroughTo, Problem> {
    match (value, value.split_once(':')) {
        ("off", _) => Ok(ThroughTo::Nothing),
        ("on", _) => Ok(ThroughTo::Default),
        (_, Some(("cpal", id))) if !id.is_empty() => Ok(ThroughTo::Device(id.to_owned())),
        _ => Err(wrong("through.to", quoted(value), OUTPUTS)),
    }
}

fn folder(value: &Path) -> Result<PathBuf, Problem> {
    // One that is no UTF-8 could be neither told by OSC nor saved.
    if value.as_os_str().is_empty() || value.to_str().is_none() {
        let allowed = "a folder with model.toml, its name in UTF-8";
        return Err(wrong("model.folder", format!("{value:?}"), allowed));
    }
    Ok(value.to_owned())
}

fn quoted(value: &str) -> String {
    format!("{value:?}")
}

fn wrong(key: &'static str, value: impl ToString, allowed: impl Into<String>) -> Problem {
    Problem::Value { key, value: value.to_string(), allowed: allowed.into() }
}
