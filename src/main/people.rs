//! `affectd calibrate`, `teach` and `profile`: people as files beside the configuration. Runs on
//! the main thread.

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use affectd::cli::{CalibrateArgs, ProfileArgs, ProfileCommand, SetupArgs, TeachArgs};
use affectd::config::checked::Config;
use affectd::config::personal::{NAMES, is_name, profile_file, profile_names};
use affectd::config::running::Running;
use affectd::config::{self, Overrides, file};
use affectd::daemon;
use affectd::engine::person::Person;
use affectd::engine::step::Engine;
use affectd::model::card::Card;
use affectd::model::predictor::Predictor;
use affectd::personal::calibration::Calibration;
use affectd::personal::enrolment::Enrolment;
use affectd::personal::head;
use affectd::personal::lesson::Kind;
use affectd::personal::profile::Profile;
use affectd::wav::{self, Sound};
use anyhow::{Context, Result, bail};

/// Silence after each file, in seconds: its last speech is finished.
const TAIL_S: usize = 1;

/// Of the one channel that the files have.
const CHANNEL: u16 = 1;

/// Files through the same engine as a live voice.
struct Listening {
    predictor: Predictor,
    card: Card,
    engine: Engine,
}

impl Listening {
    fn new(config: &Config) -> Result<Self> {
        let mut config = config.clone();
        config.input.channels = 1;
        let predictor = daemon::load_model(&config.model)?.predictor;
        let card = predictor.card().clone();
        let engine = Engine::new(card.features.rate_hz, &card, &config)?;
        Ok(Self { predictor, card, engine })
    }

    fn person(&mut self) -> Result<&mut Person> {
        self.engine.person(CHANNEL).context("the engine has no channel")
    }

    fn hear(&mut self, sound: &Sound) -> Result<()> {
        let mono = sound.clone().mono();
        self.engine.reopen(mono.rate_hz)?;
        let silence = vec![0.0; TAIL_S * mono.rate_hz as usize];
        for samples in [&mono.samples, &silence] {
            self.engine.step(samples, &mut self.predictor, &mut |_| {});
        }
        Ok(())
    }
}

fn running(setup: &SetupArgs) -> Result<Running> {
    let overrides = Overrides { model: setup.model.clone(), ..Overrides::default() };
    Ok(config::load_running(setup.config.as_deref(), &overrides)?)
}

/// The files' neutral voice becomes the baseline of a profile; what it was taught stays.
pub fn calibrate(args: &CalibrateArgs) -> Result<()> {
    let running = running(&args.setup)?;
    let path = named(running.folder(), &args.name)?;
    let sounds = args.files.iter().map(|file| wav::read_file(file));
    let sounds = sounds.collect::<Result<Vec<_>, _>>()?;
    let mut listening = Listening::new(running.config())?;
    let lesson = known(&path, &args.name, &listening.card)?.map(|profile| profile.lesson);
    let seconds: f64 = sounds.iter().map(Sound::duration_s).sum();
    let calibration = Calibration::new(&listening.card, affectd::units::to_f32(seconds));
    listening.person()?.calibrate(calibration);
    sounds.iter().try_for_each(|sound| listening.hear(sound))?;
    let Listening { mut predictor, card, mut engine } = listening;
    let person = engine.person(CHANNEL).context("the engine has no channel")?;
    let nothing = "nothing was collected";
    let heard_s = person.calibration().context(nothing)?.heard_s();
    let baseline = person.finish_calibration(&card, &mut predictor).context(nothing)??;
    let profile = Profile::new(&card, Some(baseline), lesson.unwrap_or_default());
    write(&path, &profile.text())?;
    let mut out = stdout().lock();
    writeln!(out, "{}: {heard_s:.1} s of speech, for {}", path.display(), card.name)?;
    use_it(&mut out, &args.name)
}

/// Labels shown in files, heard against the baseline if the profile has one.
pub fn teach(args: &TeachArgs) -> Result<()> {
    let running = running(&args.setup)?;
    let path = named(running.folder(), &args.name)?;
    let mut shown = Vec::new();
    for one in &args.shown {
        let split = one.split_once('=');
        let (label, place) = split.with_context(|| format!("{one:?} is not LABEL=PATH"))?;
        for file in sound_files(Path::new(place))? {
            shown.push((label, wav::read_file(&file)?, file));
        }
    }
    let mut listening = Listening::new(running.config())?;
    let profile = known(&path, &args.name, &listening.card)?;
    let (baseline, lesson) = profile.map(|one| (one.baseline, one.lesson)).unwrap_or_default();
    listening.person()?.set_lesson(lesson);
    for (label, sound, file) in &shown {
        listening.engine.enrol(CHANNEL, baseline.clone());
        listening.person()?.show(label, Kind::Label, 1.0)?;
        listening.hear(sound)?;
        let shown = listening.person()?.shown(label).map_or(0, |shown| shown.examples);
        if shown == 0 {
            log::warn!("{}: no speech, or all of it is clipped", file.display());
        }
    }
    let mut lesson = listening.person()?.lesson().clone();
    lesson.enrols |= args.enrol;
    if args.enrol && Enrolment::learn(&lesson, &listening.card.labels).is_none() {
        bail!("to enrol, two of {} have to be shown", listening.card.labels.join(", "));
    }
    let score = head::score(&lesson)?;
    let profile = Profile::new(&listening.card, baseline, lesson);
    write(&path, &profile.text())?;
    let mut out = stdout().lock();
    write!(out, "{}: {profile}", path.display())?;
    let of = if score.is_of_halves { "halves of recordings" } else { "recordings" };
    writeln!(out, "{:.0} % right on {of} left out", 100.0 * score.share)?;
    use_it(&mut out, &args.name)
}

/// The file, or those of a folder, by name.
fn sound_files(place: &Path) -> Result<Vec<PathBuf>> {
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let entries = fs::read_dir(place).with_context(|| unread(place))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

/// The profile of that name, if there is one; it has to be of this model.
fn known(path: &Path, name: &str, card: &Card) -> Result<Option<Profile>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).with_context(|| unread(path))?;
    Ok(Some(Profile::parse(name, &text, card)?))
}

fn use_it(out: &mut impl Write, name: &str) -> Result<()> {
    writeln!(out, "use it: [personal] profiles = [{name:?}], or /ser/ch/1/teach/load {name}")?;
    Ok(())
}

pub fn profile(args: &ProfileArgs) -> Result<()> {
    let running = config::load_running(args.config.as_deref(), &Overrides::default())?;
    let folder = running.folder();
    let mut out = stdout().lock();
    match &args.command {
        ProfileCommand::List => {
            for name in profile_names(folder).with_context(|| unread(folder))? {
                let text = fs::read_to_string(profile_file(folder, &name)).unwrap_or_default();
                let model = Profile::model_of(&text).unwrap_or_else(|| "no profile".to_owned());
                writeln!(out, "{name:<24} {model}")?;
            }
        }
        ProfileCommand::Show { name } => {
            write!(out, "{}", Profile::read(name, &read(folder, name)?)?)?
        }
        ProfileCommand::Export { name } => write!(out, "{}", read(folder, name)?)?,
        ProfileCommand::Rename { name, new } => {
            let (path, to) = (there(folder, name)?, named(folder, new)?);
            if to.exists() {
                bail!("there is a profile {new:?} already");
            }
            fs::rename(&path, &to).with_context(|| format!("cannot rename {}", path.display()))?;
            writeln!(out, "{name} is {new} from now on")?;
        }
        ProfileCommand::Delete { name } => {
            let path = there(folder, name)?;
            fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
            writeln!(out, "{} is gone", path.display())?;
        }
    }
    Ok(())
}

fn named(folder: &Path, name: &str) -> Result<PathBuf> {
    if !is_name(name) {
        bail!("profile is {name:?}, allowed are {NAMES}");
    }
    Ok(profile_file(folder, name))
}

fn there(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = named(folder, name)?;
    if !path.exists() {
        let names = profile_names(folder).with_context(|| unread(folder))?.join(", ");
        bail!("there is no profile {name:?} in {}; there is {names}", folder.display());
    }
    Ok(path)
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let path = there(folder, name)?;
    fs::read_to_string(&path).with_context(|| unread(&path))
}

fn unread(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn write(path: &Path, text: &str) -> Result<()> {
    file::write_whole(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
