//! How soon a receiver is told that the sound server died or froze, and how soon sound is back.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rosc::{OscMessage, OscType};

use crate::bench::jack::{Server, daemon, is_time};
use crate::bench::watched::Watched;

/// Outages of each kind; the worst one is told.
const ROUNDS: usize = 5;

const BLOCK_FRAMES: u32 = 256;

/// Longer than any outage may take to be told or mended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Seconds until the loss was told, and from the server's return to sound.
#[derive(Clone, Copy, Debug, Default)]
struct Outage {
    told_s: f64,
    back_s: f64,
}

/// Rows of the report; none where there is no jackd.
pub fn write_rows(backend: &str, out: &mut dyn Write) -> Result<()> {
    let Some(mut server) = Server::start(BLOCK_FRAMES) else { return Ok(()) };
    let mut daemon = daemon(&server, backend, &[])?;
    let (mut killed, mut frozen) = (Outage::default(), Outage::default());
    for _ in 0..ROUNDS {
        server.signal("-KILL")?;
        killed.told_s = killed.told_s.max(wait(&mut daemon, is_loss)?);
        drop(server);
        let Some(next) = Server::start(BLOCK_FRAMES) else { bail!("jackd is gone") };
        server = next;
        killed.back_s = killed.back_s.max(wait(&mut daemon, is_time)?);
        server.signal("-STOP")?;
        let told = wait(&mut daemon, is_loss);
        // In any case: a server that stays frozen cannot be ended.
        server.signal("-CONT")?;
        frozen.told_s = frozen.told_s.max(told?);
        frozen.back_s = frozen.back_s.max(wait(&mut daemon, is_time)?);
    }
    for (what, outage) in [("killed", killed), ("frozen", frozen)] {
        let Outage { told_s, back_s } = outage;
        writeln!(
            out,
            "| JACK {what}: told / sound after its return, worst of {ROUNDS} \
             | {told_s:.2} / {back_s:.2} s |"
        )?;
    }
    Ok(())
}

fn is_loss(message: &OscMessage) -> bool {
    message.addr == "/ser/event/device" && message.args.first() == Some(&OscType::Int(0))
}

/// Seconds until such a message comes, after what is on its way already.
fn wait(daemon: &mut Watched, is_it: fn(&OscMessage) -> bool) -> Result<f64> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if daemon.hear()?.iter().any(is_it) {
            return Ok(begun.elapsed().as_secs_f64());
        }
    }
    bail!("nothing came within {} s", PATIENCE.as_secs())
}
