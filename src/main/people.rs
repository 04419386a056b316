//! `affectd calibrate` and `affectd profile`: people as files beside the configuration. Runs on the
//! main thread.

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use affectd::cli::{CalibrateArgs, ProfileArgs, ProfileCommand, SetupArgs};
use affectd::config::personal::{NAMES, is_name, profile_file, profile_names};
use affectd::config::{self, Overrides, file};
use affectd::engine::step::Engine;
use affectd::personal::calibration::Calibration;
use affectd::personal::profile::Profile;
use affectd::{daemon, wav};
use anyhow::{Context, Result, bail};

/// Silence after each file, in seconds: its last speech is finished.
const TAIL_S: usize = 1;

/// The files' neutral voice, through the same engine as a live one, becomes a profile.
pub fn calibrate(args: &CalibrateArgs) -> Result<()> {
    let SetupArgs { config, model } = args.setup.clone();
    let running =
        config::load_running(config.as_deref(), &Overrides { model, ..Overrides::default() })?;
    let path = named(running.folder(), &args.name)?;
    let mut config = running.config().clone();
    config.input.channels = 1;
    let sounds = args.files.iter().map(|file| wav::read_file(file));
    let sounds = sounds.collect::<Result<Vec<_>, _>>()?;
    let mut predictor = daemon::load_model(&config.model)?.predictor;
    let card = predictor.card().clone();
    let mut engine = Engine::new(card.features.rate_hz, &card, &config)?;
    let seconds: f64 = sounds.iter().map(wav::Sound::duration_s).sum();
    let calibration = Calibration::new(&card, affectd::units::to_f32(seconds));
    let channel = 1;
    let missing = "the engine has one channel";
    engine.person(channel).context(missing)?.calibrate(calibration);
    for sound in sounds {
        let mono = sound.mono();
        engine.reopen(mono.rate_hz)?;
        engine.step(&mono.samples, &mut predictor, &mut |_| {});
        let silence = vec![0.0; TAIL_S * mono.rate_hz as usize];
        engine.step(&silence, &mut predictor, &mut |_| {});
    }
    let person = engine.person(channel).context(missing)?;
    let heard_s = person.calibration().context(missing)?.heard_s();
    let baseline = person.finish_calibration(&card, &mut predictor).context(missing)??;
    let text = Profile::new(&card, baseline).text();
    write(&path, &text)?;
    let mut out = stdout().lock();
    writeln!(out, "{}: {heard_s:.1} s of speech, for {}", path.display(), card.name)?;
    writeln!(
        out,
        "use it: [personal] profiles = [{:?}], or /ser/ch/1/calibrate/profile/load",
        args.name
    )?;
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
