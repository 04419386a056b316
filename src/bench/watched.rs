//! A daemon of the benchmark's own, and what its receiver sees of it.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rosc::{OscMessage, OscPacket};

/// A silent daemon is broken: its slowest message comes once a second.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Ends the program in any case.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            log::warn!("a measured program did not end: {error}");
        }
    }
}

/// This program once more, quiet, to be given arguments.
pub fn ourselves() -> Result<Command> {
    let mut program = Command::new(std::env::current_exe()?);
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(program)
}

/// Body of a process that the benchmark started: works until it is ended, or alone.
#[cfg(unix)]
pub fn until_parent_ends(mut work: impl FnMut()) {
    use std::os::unix::process::parent_id;
    let parent = parent_id();
    while parent_id() == parent {
        work();
    }
}

#[cfg(not(unix))]
pub fn until_parent_ends(mut work: impl FnMut()) {
    loop {
        work();
    }
}

pub struct Watched {
    process: Ended,
    ear: UdpSocket,
    /// Where it hears commands.
    pub address: SocketAddr,
    packet: Vec<u8>,
}

impl Watched {
    /// `adjust` gives the arguments of `run`, and what else it is to be started with.
    pub fn start(adjust: impl FnOnce(&mut Command)) -> Result<Self> {
        let ear = UdpSocket::bind("127.0.0.1:0")?;
        ear.set_read_timeout(Some(SILENCE_MAX))?;
        let address = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
        let mut program = ourselves()?;
        program.arg("run");
        adjust(&mut program);
        program.args(["--osc", &ear.local_addr()?.to_string(), "--listen", &address.to_string()]);
        let process = Ended(program.spawn().context("cannot start the daemon")?);
        Ok(Self { process, ear, address, packet: vec![0; 65_536] })
    }

    /// The messages of the next packet.
    pub fn hear(&mut self) -> Result<Vec<OscMessage>> {
        let Ok(length) = self.ear.recv(&mut self.packet) else {
            bail!("the daemon said nothing for 30 s; what does `affectd run` say?")
        };
        let (_, packet) = rosc::decoder::decode_udp(&self.packet[..length])?;
        Ok(messages(packet))
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.0.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Processor time that it has used so far in seconds; `None` where the system does not tell.
    pub fn cpu_s(&self) -> Option<f64> {
        /// The kernel's unit for programs, whatever its own (man 5 proc).
        const TICKS_PER_S: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).ok()?;
        // Behind the name, which may hold spaces: state is field 3, utime 14, stime 15.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / TICKS_PER_S)
    }
}

fn messages(packet: OscPacket) -> Vec<OscMessage> {
    match packet {
        OscPacket::Message(message) => vec![message],
        OscPacket::Bundle(bundle) => bundle.content.into_iter().flat_map(messages).collect(),
    }
}
