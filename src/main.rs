//! The command line's table of contents: parse, dispatch, print the error once, choose the exit
//! code once.
#![recursion_limit = "256"]

mod heap;

#[path = "main/models.rs"]
mod models;

#[path = "main/people.rs"]
mod people;

use std::io::{IsTerminal, Write, stdout};
use std::process::ExitCode;

use affectd::analyze::{self, Layout};
use affectd::audio::{self, AudioError};
use affectd::bench;
use affectd::cli::{
    AnalyzeArgs, BenchArgs, Cli, Command, Format, PluginsArgs, PluginsCommand, RunArgs, SetupArgs,
};
use affectd::config::{self, ConfigError, Overrides};
use affectd::daemon::{self, PortError};
use affectd::model::backend::BackendError;
use affectd::model::card::ModelError;
use affectd::osc::address::markdown;
use affectd::{plugins, wav};
use anyhow::Result;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
    let command = cli.into_command().unwrap_or_else(|error| error.exit());
    let result = match command {
        Command::Run(args) => run(args),
        Command::Analyze(args) => analyze(&args),
        Command::Devices => devices(),
        Command::Check(args) => check(args),
        Command::Train(args) => models::train(args),
        Command::Eval(args) => models::eval(args),
        Command::Model(args) => models::model(args),
        Command::Calibrate(args) => people::calibrate(&args),
        Command::Teach(args) => people::teach(&args),
        Command::Profile(args) => people::profile(&args),
        Command::Bench(args) => bench(args),
        Command::PluginHost => plugins::isolated::child::run().map_err(Into::into),
        Command::PluginScan => plugins::catalogue::tell().map_err(Into::into),
        Command::Plugins(args) => plugins(args),
        Command::OscReference => osc_reference(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// As the long help says.
fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<ConfigError>() {
            return 3;
        }
        if cause.is::<AudioError>() {
            return 4;
        }
        if cause.is::<PortError>() {
            return 5;
        }
        if cause.is::<ModelError>() {
            return 6;
        }
        match cause.downcast_ref() {
            Some(BackendError::Model(_)) => return 6,
            Some(BackendError::NoGpu { .. } | BackendError::NoCuda) => return 7,
            Some(BackendError::Unknown { .. }) => return 2,
            None => {}
        }
    }
    1
}

/// `affectd analyze … | head` is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = match error.downcast_ref::<csv::Error>().map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(io)) => Some(io),
        _ => error.downcast_ref::<std::io::Error>(),
    };
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Our own words from `info` on, others' from `warn` on; RUST_LOG has the last word. On a terminal
/// each line wipes the status line.
fn start_log(verbose: u8) {
    let level = ["info", "debug", "trace"][usize::from(verbose.min(2))];
    // These two report an ordinary close as an error, and the loading of libjack as news.
    let default = format!("warn,affectd={level},pulseaudio=off,jack_sys=warn");
    let env = env_logger::Env::default().default_filter_or(default);
    let wipe = if std::io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    env_logger::Builder::from_env(env)
        .format(move |out, record| {
            let time = out.timestamp_seconds();
            writeln!(out, "{wipe}{time} {:5} {}", record.level(), record.args())
        })
        .init();
}

fn run(args: RunArgs) -> Result<()> {
    let overrides = Overrides {
        input: args.input,
        listen: args.listen,
        lan: args.lan,
        send: args.osc,
        model: args.model,
        backend: args.backend,
    };
    let running = config::load_running(args.config.as_deref(), &overrides)?;
    let listen = running.config().osc.listen;
    if !listen.ip().is_loopback() {
        log::info!("commands are heard from the whole network on {listen}");
    }
    daemon::run(running)
}

fn analyze(args: &AnalyzeArgs) -> Result<()> {
    let SetupArgs { config, model } = args.setup.clone();
    let is_found = config.is_none();
    let mut config = config::load(config.as_deref(), &Overrides { model, ..Overrides::default() })?;
    if is_found {
        config.input.channels = 1;
    }
    let layout = match args.format {
        Format::Csv => Layout::Csv,
        Format::Json => Layout::Json,
        Format::Table => Layout::Table,
    };
    let mut loaded = daemon::load_model(&config.model)?;
    analyze::run(&args.files, layout, &mut loaded.predictor, &config, &mut stdout().lock())
}

fn devices() -> Result<()> {
    let mut out = stdout().lock();
    let (inputs, outputs) = (audio::list_inputs(), audio::list_outputs());
    writeln!(out, "inputs, for input.source and --input (* the default):")?;
    write_devices(&mut out, &inputs)?;
    writeln!(out, "  demo\n    the voice that comes with affectd")?;
    writeln!(out, "{}\n", audio::auto_choice(&inputs))?;
    writeln!(out, "outputs, for through.to (* the default):")?;
    write_devices(&mut out, &outputs)?;
    Ok(())
}

fn write_devices(out: &mut impl Write, lines: &[audio::DeviceLine]) -> Result<()> {
    for line in lines {
        let mark = if line.is_default { "*" } else { " " };
        let name = if line.id == "jack" { line.id.clone() } else { format!("cpal:{}", line.id) };
        writeln!(
            out,
            "{mark} {name}\n    {} ({}), {} channels, {} Hz",
            line.name, line.host, line.channels, line.rate_hz
        )?;
    }
    if lines.is_empty() {
        writeln!(out, "  none")?;
    }
    Ok(())
}

fn check(args: SetupArgs) -> Result<()> {
    let overrides = Overrides { model: args.model, ..Overrides::default() };
    let config = config::load(args.config.as_deref(), &overrides)?;
    let loaded = daemon::load_model(&config.model)?;
    let mut out = stdout().lock();
    writeln!(out, "configuration: ok")?;
    for (key, value) in loaded.predictor.card().items() {
        writeln!(out, "model {key}: {value}")?;
    }
    Ok(())
}

fn plugins(args: PluginsArgs) -> Result<()> {
    let mut out = stdout().lock();
    let Some(command) = args.command else {
        return Ok(write!(out, "{}", plugins::show::list()?)?);
    };
    match command {
        PluginsCommand::Show { uri } => write!(out, "{}", plugins::show::show(&uri)?)?,
        PluginsCommand::Check { uri, file, frames, set } => {
            let sound = match file {
                Some(file) => wav::read_file(&file)?,
                None => {
                    // At 16 kHz; the cost is wanted at the rate of a sound card.
                    let voice = audio::file::demo_voice()?;
                    let samples = plugins::check::upsampled(&voice.samples, voice.channels, 3);
                    wav::Sound { rate_hz: 3 * voice.rate_hz, samples, ..voice }
                }
            };
            let report = plugins::check::check(&plugins::check::Check {
                uri: &uri,
                set: &set,
                samples: &sound.samples,
                channels: sound.channels,
                rate_hz: sound.rate_hz,
                block_frames: usize::try_from(frames)?,
                count_heap: &heap::count,
            })?;
            write!(out, "{report}")?;
        }
    }
    Ok(())
}

fn osc_reference() -> Result<()> {
    write!(stdout(), "{}", markdown("/ser"))?;
    Ok(())
}

fn bench(args: BenchArgs) -> Result<()> {
    if let Some(daemon) = args.flood {
        return bench::osc::pour(daemon);
    }
    if args.plugins {
        return bench::plugins::write_rows(&mut stdout().lock());
    }
    if args.busy {
        bench::endurance::be_busy();
        return Ok(());
    }
    if let Some(channels) = args.voice {
        return bench::jack::play(&audio::file::demo_voice()?, channels);
    }
    let overrides = Overrides { model: args.model, backend: args.backend, ..Overrides::default() };
    let mut config = config::load(None, &overrides)?;
    config.input.channels = 1;
    let mut loaded = daemon::load_model(&config.model)?;
    let backend = if loaded.gpu { "wgpu" } else { "cpu" };
    if let Some(minutes) = args.endurance {
        drop(loaded);
        return bench::endurance::run(minutes, backend, &mut stdout().lock());
    }
    let voice = audio::file::demo_voice()?;
    if args.network {
        let measured = bench::network::measure(&mut loaded.predictor, &config, &voice)?;
        return measured.write_json(&mut stdout().lock());
    }
    bench::run(&mut loaded.predictor, backend, &config, &voice, &mut stdout().lock())
}
