//! Commands about who speaks on a channel: others have the voice, so all of them are handed on.

use std::path::PathBuf;

use crate::config::personal::{NAMES, is_name, profile_file};
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::request::{PersonRequest, Request, TeachRequest};
use crate::osc::surface::settings::flag;
use crate::osc::surface::tickets::Caller;

/// Seconds of speech that a calibration may ask for.
const CALIBRATION_S: std::ops::RangeInclusive<f32> = 5.0..=120.0;

impl Surface {
    pub(super) fn run_people(
        &self,
        caller: &Caller,
        channel: u16,
        verb: Verb,
        arguments: &Arguments,
    ) -> Result<Outcome, Fault> {
        let number = arguments.float(0).unwrap_or_default();
        let word = arguments.text(0).unwrap_or_default();
        let channel = channel.max(1); // of /ser/teach/…
        let request = match verb {
            Verb::CalibrateStart => {
                within("calibrate/start", number, CALIBRATION_S)?;
                PersonRequest::Calibrate { seconds: number }
            }
            Verb::CalibrateStop => PersonRequest::Stop,
            Verb::CalibrateReset => PersonRequest::Reset,
            Verb::CalibrateAdapt => {
                within("calibrate/adapt", number, 0.0..=1.0)?;
                PersonRequest::Adapt { rate: number }
            }
            Verb::ProfileSave | Verb::TeachSave => {
                self.only_trusted(caller, "saving a profile")?;
                PersonRequest::Save { file: self.profile_file(word)? }
            }
            Verb::ProfileLoad | Verb::TeachLoad => {
                PersonRequest::Load { file: self.profile_file(word)? }
            }
            Verb::ProfileList | Verb::TeachList => {
                PersonRequest::List { folder: self.running.folder().to_owned() }
            }
            Verb::TeachLabel => PersonRequest::Teach(show(arguments)?),
            Verb::TeachUndo => PersonRequest::Teach(TeachRequest::Undo),
            Verb::TeachDelete => {
                PersonRequest::Teach(TeachRequest::Delete { name: word.to_owned() })
            }
            Verb::TeachCount => PersonRequest::Teach(TeachRequest::Count),
            Verb::TeachEnrol => {
                let is_wanted = flag("teach/enrol", arguments.int(0).unwrap_or_default())?;
                PersonRequest::Teach(TeachRequest::Enrol { is_wanted })
            }
            Verb::TeachTrain => PersonRequest::Teach(TeachRequest::Train),
            Verb::TeachCancel => PersonRequest::Teach(TeachRequest::Cancel),
            other => return Err(Fault::new(Code::General, format!("{other:?} has no code"))),
        };
        Ok(Outcome::Later(Request::Person { channel, request }))
    }

    /// A profile's file lies beside the configuration.
    fn profile_file(&self, name: &str) -> Result<PathBuf, Fault> {
        if !is_name(name) {
            let text = format!("profile is {name:?}, allowed are {NAMES}");
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Ok(profile_file(self.running.folder(), name))
    }
}

fn show(arguments: &Arguments) -> Result<TeachRequest, Fault> {
    let name = arguments.text(0).unwrap_or_default().to_owned();
    if !flag("teach/label", arguments.int(1).unwrap_or_default())? {
        return Ok(TeachRequest::End { name });
    }
    let slider = arguments.float(2);
    if let Some(target) = slider {
        within("the slider's place", target, 0.0..=1.0)?;
    }
    Ok(TeachRequest::Show { name, slider })
}

fn within(what: &str, value: f32, allowed: std::ops::RangeInclusive<f32>) -> Result<(), Fault> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let text = format!("{what} is {value}, allowed is {}..{}", allowed.start(), allowed.end());
    Err(Fault::new(Code::OutOfRange, text))
}
