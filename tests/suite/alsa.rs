//! cpal on ALSA without a card: a plug-in that reads a pipe is a paced tape, and one that asks
//! PulseAudio is a card that can be pulled.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use affectd::audio::file::demo_voice;

use crate::harness::{
    Daemon, Running, check_outage, free_address, outcome, project, wait_for_anger,
};
use crate::pulseaudio::Server;

/// A folder with an ALSA configuration, besides the system's own.
fn configured(folder: &Path, device: &str) {
    let text = format!("</usr/share/alsa/alsa.conf>\n{device}");
    std::fs::write(folder.join("asound.conf"), text).expect("the folder is ours");
}

fn daemon(folder: &Path, device: &str) -> Daemon {
    let input = format!("cpal:alsa:{device}");
    let mut daemon = Daemon::start_with(&["--input", &input, "--backend", "cpu"], |command| {
        command.env("ALSA_CONFIG_PATH", folder.join("asound.conf"));
        command.env_remove("PULSE_SERVER").env("XDG_RUNTIME_DIR", folder).env("HOME", folder);
    });
    daemon.wait_for_streams();
    daemon
}

/// Writes the demo voice into a pipe in real time, again and again, as stereo of 16 bits at 48 kHz.
struct Tape {
    folder: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Tape {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "every Unix has mkfifo");
        configured(
            folder.path(),
            &format!(
                "pcm.tape {{ type plug slave {{ pcm {{ type file slave.pcm {{ type null }} \
                 file \"/dev/null\" infile {pipe:?} format \"raw\" }} \
                 format S16_LE rate 48000 channels 2 }} }}"
            ),
        );
        let mut tape = Self { folder, stop: Arc::default(), writer: None };
        tape.start();
        tape
    }

    fn pipe(&self) -> PathBuf {
        self.folder.path().join("pipe")
    }

    fn start(&mut self) {
        // For reading too, so that opening waits for nobody.
        let pipe = OpenOptions::new().read(true).write(true).open(self.pipe());
        let pipe = pipe.expect("it was made");
        self.stop = Arc::default();
        let stop = Arc::clone(&self.stop);
        self.writer = Some(std::thread::spawn(move || play(pipe, &stop)));
    }

    /// The pipe ends, and with it all that paces ALSA.
    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.writer.take().into_iter().for_each(|writer| writer.join().expect("it does not panic"));
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn play(mut pipe: File, stop: &AtomicBool) {
    const BLOCKS_PER_S: usize = 100;
    let voice = demo_voice().expect("it is built in").samples;
    let start = Instant::now();
    for (number, block) in (1_u32..).zip(voice.chunks(16_000 / BLOCKS_PER_S).cycle()) {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let due = start + Duration::from_millis(10) * number;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // Each sample for three, on both sides.
        let bytes = block.iter().flat_map(|sample| [to_pcm16(*sample); 6]).flatten();
        pipe.write_all(&bytes.collect::<Vec<u8>>()).expect("we read it ourselves");
    }
}

fn to_pcm16(sample: f32) -> [u8; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    let value = (sample * 32_767.0) as i16;
    value.to_le_bytes()
}

#[test]
fn a_tape_that_ends_runs_away_and_is_told_and_found_again_although_opening_hangs_meanwhile() {
    let mut tape = Tape::new();
    let mut daemon = daemon(tape.folder.path(), "tape");
    wait_for_anger(&mut daemon);
    check_outage(&mut daemon, "alsa:tape", &mut tape, Tape::end, Tape::start);
}

/// A card that is a stream of PulseAudio's.
struct Card {
    server: Server,
    /// Keeps the sink at work: an idle one gives blocks of 2 s.
    recorder: Option<Running>,
}

impl Card {
    fn new() -> Option<Self> {
        let server = Server::new()?;
        configured(
            server.folder(),
            &format!(
                "pcm.mic {{ type pulse server {:?} device \"room.monitor\" }}",
                server.socket()
            ),
        );
        let mut card = Self { server, recorder: None };
        card.record();
        Some(card)
    }

    fn record(&mut self) {
        let mut parec = Command::new("parec");
        self.server.point(&mut parec);
        parec.args(["--latency-msec=10", "--device=room.monitor"]);
        parec.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.recorder = Some(Running::start(&mut parec));
    }

    fn pull(&mut self) {
        self.server.kill();
        self.recorder = None;
    }

    fn give_back(&mut self) {
        self.server.start();
        self.record();
    }
}

#[test]
fn a_card_that_goes_floods_with_errors_and_is_told_once_and_found_again() {
    let Some(mut card) = Card::new() else { return };
    let mut daemon = daemon(card.server.folder(), "mic");
    let _voice = card.server.play(&project().join("examples/demo_voice.flac"));
    wait_for_anger(&mut daemon);
    check_outage(&mut daemon, "alsa:mic", &mut card, Card::pull, Card::give_back);
}

#[test]
fn the_null_device_takes_a_whole_core_and_is_refused_as_input_and_as_output() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let through = folder.path().join("through.toml");
    std::fs::write(&through, "[through]\nto = \"cpal:alsa:null\"\n").expect("it is ours");
    let through = through.to_str().expect("a plain path");
    let listen = free_address().to_string();
    let run = ["run", "--backend", "cpu", "--listen", &listen];
    for how in [["--input", "cpal:alsa:null"].as_slice(), &["--input", "demo", "--config", through]]
    {
        let (code, _, text) = outcome(&[run.as_slice(), how].concat());
        assert_eq!(code, 4, "{text}");
        assert!(text.contains("alsa:null gives or takes sound without end"), "{text}");
    }
}
