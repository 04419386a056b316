//! What `affectd plugins` and `affectd plugins show` say: all plug-ins in a table, or one with its
//! parameters. To run sound through one is left to `check`. On the main thread; to show a plug-in
//! runs its code in this process.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::plugins::clap;
use crate::plugins::error::PluginError;
use crate::plugins::formats::{Formats, is_builtin};
use crate::plugins::processor::{Built, Format, Listed, Order, Parameter, Scale};
use crate::plugins::{catalogue, processor};

/// What plug-ins are shown at: the usual rate of sound cards.
const RATE_HZ: u32 = 48_000;

/// Some plug-ins know their delay only once they have run: 21 ms.
const SILENCE_FRAMES: usize = 1024;

const BAR_STEPS: f32 = 1000.0;

/// All that is installed.
pub struct List {
    pub found: Vec<Listed>,
    pub took: Duration,
}

/// Looks at all plug-ins, with a bar on standard error if that is a terminal.
pub fn list() -> io::Result<List> {
    let begun = Instant::now();
    let bar = ProgressBar::new(crate::units::to_count(BAR_STEPS.into()) as u64);
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} % {wide_msg}");
    bar.set_style(style.expect("the template is a constant"));
    let found = catalogue::scan(&mut |share, what| {
        bar.set_position(crate::units::to_count((BAR_STEPS * share).into()) as u64);
        bar.set_message(what.to_owned());
    });
    bar.finish_and_clear();
    Ok(List { found: found?, took: begun.elapsed() })
}

/// One plug-in, as it is before anything is set.
pub struct Card {
    pub uri: String,
    pub name: String,
    pub format: Format,
    pub inputs: usize,
    pub outputs: usize,
    pub latency_frames: u32,
    /// Bytes of what it keeps beside its parameters, or why it could not say.
    pub state: Result<Option<usize>, PluginError>,
    /// Label and URI.
    pub presets: Vec<(String, String)>,
    pub parameters: Vec<Parameter>,
}

/// Builds the plug-in and runs a moment of silence through it.
pub fn show(uri: &str) -> Result<Card, PluginError> {
    let mut formats = Formats::default();
    let mut built = formats.build(&Order { uri, rate_hz: RATE_HZ, state: None, preset: None })?;
    let latency_frames = run_silence(&mut built);
    let state = match built.is_saved_at_rest {
        true => built.processor.save(),
        false => built.control.save(),
    };
    Ok(Card {
        uri: uri.to_owned(),
        name: built.name,
        format: format_of(uri),
        inputs: built.inputs,
        outputs: built.outputs,
        latency_frames,
        state: state.map(|state| state.map(|bytes| bytes.len())),
        presets: formats.presets(uri),
        parameters: built.parameters,
    })
}

/// Gives the delay that it tells then.
fn run_silence(built: &mut Built) -> u32 {
    let silence = [0.0; SILENCE_FRAMES];
    let mut heard = [[0.0; SILENCE_FRAMES]; processor::PORTS_MAX];
    let mut outputs: Vec<&mut [f32]> = heard.iter_mut().map(|plane| &mut plane[..]).collect();
    let inputs: Vec<&[f32]> = (0..built.inputs).map(|_| &silence[..]).collect();
    built.processor.start();
    built.processor.process(&inputs, &mut outputs[..built.outputs]);
    built.processor.stop();
    built.processor.latency_frames()
}

fn format_of(uri: &str) -> Format {
    if is_builtin(uri) {
        Format::BuiltIn
    } else if uri.starts_with(clap::PREFIX) {
        Format::Clap
    } else {
        Format::Lv2
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (mut rows, mut counts) = (Vec::new(), Vec::new());
        for format in [Format::BuiltIn, Format::Lv2, Format::Clap] {
            let mut group: Vec<_> = self.found.iter().filter(|one| one.format == format).collect();
            group.sort_by_cached_key(|one| (one.name.to_lowercase(), &one.uri));
            counts.push(format!("{} {}", group.len(), format.name()));
            rows.extend(group.into_iter().map(|one| {
                let ports = format!("{}>{}", one.inputs, one.outputs);
                [one.uri.clone(), one.name.clone(), format.name().to_owned(), ports]
            }));
        }
        write_table(f, ["URI", "name", "format", "in>out"], &rows)?;
        let took_s = self.took.as_secs_f64();
        writeln!(f, "\n{} plug-ins ({}) in {took_s:.1} s", rows.len(), counts.join(", "))
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        writeln!(f, "  URI         {}", self.uri)?;
        writeln!(f, "  format      {}", self.format.name())?;
        writeln!(f, "  in>out      {}>{}", self.inputs, self.outputs)?;
        let latency_ms = 1e3 * f64::from(self.latency_frames) / f64::from(RATE_HZ);
        writeln!(f, "  latency     {} frames at 48 kHz, {latency_ms:.1} ms", self.latency_frames)?;
        match &self.state {
            Ok(Some(bytes)) => writeln!(f, "  state       {bytes} bytes beside the parameters")?,
            Ok(None) => writeln!(f, "  state       none beside the parameters")?,
            Err(error) => writeln!(f, "  state       not told: {error}")?,
        }
        writeln!(f, "  presets     {}", self.presets.len())?;
        for (label, uri) in &self.presets {
            writeln!(f, "    {label}  {uri}")?;
        }
        writeln!(f, "  parameters  {}", self.parameters.len())?;
        if self.parameters.is_empty() {
            return Ok(());
        }
        let header = ["#", "symbol", "name", "unit", "range", "default", "scale", "labels"];
        let rows: Vec<_> = self.parameters.iter().enumerate().map(row).collect();
        writeln!(f)?;
        write_table(f, header, &rows)
    }
}

fn row((index, parameter): (usize, &Parameter)) -> [String; 8] {
    let label = |(value, label): &(f32, String)| format!("{} {label}", number(*value));
    let labels: Vec<_> = parameter.labels.iter().map(label).collect();
    [
        index.to_string(),
        parameter.symbol.clone(),
        parameter.name.clone(),
        parameter.unit.clone(),
        format!("{}..{}", number(parameter.min), number(parameter.max)),
        number(parameter.default),
        match parameter.scale {
            Scale::Linear => "linear".to_owned(),
            Scale::Logarithmic => "by ratio".to_owned(),
            Scale::Stepped(1) => "switch".to_owned(),
            Scale::Stepped(steps) => format!("{steps} steps"),
        },
        labels.join(", "),
    ]
}

/// As few digits as tell it from its neighbours, and none of the 39 that f32's largest has.
fn number(value: f32) -> String {
    let magnitude = value.abs();
    match magnitude == 0.0 || (1e-4..1e7).contains(&magnitude) {
        true => value.to_string(),
        false => format!("{value:e}"),
    }
}

/// Each column as wide as its widest cell; lines do not end with blanks.
fn write_table<const COLUMNS: usize>(
    f: &mut fmt::Formatter,
    header: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> fmt::Result {
    let header = [header.map(str::to_owned)];
    let all = || header.iter().chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    for row in all() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(uri: &str, name: &str, format: Format) -> Listed {
        Listed { uri: uri.into(), name: name.into(), format, inputs: 1, outputs: 2 }
    }

    #[test]
    fn plug_ins_are_listed_by_format_and_name_and_counted() {
        let found = vec![
            listed("urn:b", "Béta", Format::Lv2),
            listed("clap:c", "C", Format::Clap),
            listed("urn:a", "alpha", Format::Lv2),
            listed("affectd:gate", "Gate", Format::BuiltIn),
        ];
        let expected = "\
URI           name   format    in>out
affectd:gate  Gate   built-in  1>2
urn:a         alpha  LV2       1>2
urn:b         Béta   LV2       1>2
clap:c        C      CLAP      1>2

4 plug-ins (1 built-in, 2 LV2, 1 CLAP) in 1.5 s
";
        assert_eq!(List { found, took: Duration::from_millis(1500) }.to_string(), expected);
    }

    #[test]
    fn every_built_in_plug_in_shows_all_of_its_parameters() {
        for listed in crate::plugins::builtin::list() {
            let card = show(&listed.uri).unwrap();
            assert_eq!((&card.name, card.inputs), (&listed.name, listed.inputs));
            let text = card.to_string();
            for parameter in &card.parameters {
                assert!(text.contains(&format!("  {}  ", parameter.symbol)), "{text}");
            }
        }
    }

    #[test]
    fn the_denoiser_tells_its_delay_in_frames_and_milliseconds() {
        let card = show("affectd:denoise").unwrap();
        let ms = f64::from(card.latency_frames) / 48.0;
        let line = format!("latency     {} frames at 48 kHz, {ms:.1} ms\n", card.latency_frames);
        assert!(0 < card.latency_frames && card.to_string().contains(&line), "{card}");
    }

    #[test]
    fn a_parameter_is_one_line() {
        let parameter = Parameter {
            symbol: "mode".into(),
            name: "Mode".into(),
            unit: String::new(),
            min: 0.0,
            max: 1.0,
            default: 1.0,
            scale: Scale::Stepped(1),
            labels: vec![(0.0, "off".into()), (1.0, "on".into())],
        };
        let expected = ["3", "mode", "Mode", "", "0..1", "1", "switch", "0 off, 1 on"];
        assert_eq!(row((3, &parameter)), expected);
    }

    #[test]
    fn numbers_are_short_however_large() {
        let texts = [0.0, -0.5, 20_000.0, f32::MAX, 1e-9].map(number);
        assert_eq!(texts, ["0", "-0.5", "20000", "3.4028235e38", "1e-9"]);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let error = show("affectd:nothing").err().unwrap();
        assert!(matches!(error, PluginError::Unknown { .. }), "{error}");
    }
}
