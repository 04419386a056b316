//! What may be typed after `affectd bench`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug, PartialEq, Eq)]
pub struct BenchArgs {
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Inference on: auto, cpu, wgpu
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<String>,
    /// Instead, eight channels on a JACK server for so many minutes while all cores are busy
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub endurance: Option<u32>,
    /// Instead, what plug-ins cost
    #[arg(long)]
    pub plugins: bool,
    /// Instead, what the network costs, as JSON and with an answer to hold others against
    #[arg(long)]
    pub network: bool,
    /// Only plays the demo voice into so many channels of a daemon on JACK
    #[arg(long, value_name = "CHANNELS", hide = true)]
    pub voice: Option<u16>,
    /// Only keeps a core busy
    #[arg(long, hide = true)]
    pub busy: bool,
    /// Only sends a flood of commands there: what the benchmark runs beside the daemon
    #[arg(long, value_name = "HOST:PORT", hide = true)]
    pub flood: Option<SocketAddr>,
}
