//! The plug-in that takes noise out of a voice: J.-M. Valin, "A Hybrid DSP/Deep Learning Approach
//! to Real-Time Full-Band Speech Enhancement" (MMSP 2018), as the crate `nnnoiseless` has it. It
//! works on frames of 10 ms at 48 kHz; other rates are left to `round_trip`. Runs on the audio
//! thread, made on the plug-in thread.
//!
//! `nnnoiseless` keeps its FFT in the memory of the thread: the first frame on each thread
//! allocates, all others do not. So that one is silent and in `start`, never in `process`.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use nnnoiseless::DenoiseState;

use crate::plugins::builtin::parts::{Delay, Knob, each_sample};
use crate::plugins::builtin::round_trip::RoundTrip;
use crate::plugins::processor::Processor;
use crate::ring::finite_or_zero;

pub const KNOBS: &[Knob] = &[Knob::linear("mix", "Mix", "", [0.0, 1.0], 1.0)];

const FRAME: usize = DenoiseState::FRAME_SIZE;

/// The network knows full scale as that of 16-bit sound.
const FULL_SCALE: f32 = 32_768.0;

/// Silence that a start pushes through: the overlap is gone after 2 frames; after 4, what rings in
/// the high-pass filter before the network is below -80 dBFS (measured 2026-11, tested below).
const FRAMES_TO_SILENCE: usize = 4;

/// What is louder is clipped: 24 dB of headroom, and far from where the network's sums overflow.
const LOUDEST: f32 = 16.0;

pub struct Denoise {
    trip: RoundTrip,
    suppressor: Suppressor,
    mix: f32,
    latency_frames: usize,
    /// As late as the wet sound, so that a mix is no comb filter.
    dry: Delay,
    input: Box<[f32]>,
    wet: Box<[f32]>,
    index: usize,
}

impl Denoise {
    /// The error is the reason for a person.
    #[expect(clippy::disallowed_macros, reason = "on the plug-in thread")]
    pub fn new(rate_hz: u32) -> Result<Self, String> {
        // Each frame comes out overlapped with the next, one frame late.
        let trip = RoundTrip::new(rate_hz, FRAME)?;
        let chunk = trip.chunk();
        let latency_frames = chunk + trip.delay();
        Ok(Self {
            trip,
            suppressor: Suppressor::new(),
            mix: 1.0,
            latency_frames,
            dry: Delay::new(latency_frames),
            input: vec![0.0; chunk].into(),
            wet: vec![0.0; chunk].into(),
            index: 0,
        })
    }

    fn next(&mut self, sample: f32) -> f32 {
        let (wet, dry) = (self.wet[self.index], self.dry.next(sample));
        self.input[self.index] = sample.clamp(-LOUDEST, LOUDEST);
        self.index += 1;
        if self.index == self.input.len() {
            self.index = 0;
            let suppressor = &mut self.suppressor;
            self.trip.process(&self.input, &mut self.wet, |inner| suppressor.process(inner));
        }
        (1.0 - self.mix) * dry + self.mix * wet
    }
}

impl Processor for Denoise {
    fn start(&mut self) {
        self.suppressor.start();
        self.trip.clear();
        self.dry.clear();
        self.wet.fill(0.0);
        self.index = 0;
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        each_sample(inputs, outputs, |sample| self.next(sample));
    }

    fn set(&mut self, _parameter: usize, value: f32) {
        self.mix = value;
    }

    fn latency_frames(&self) -> u32 {
        u32::try_from(self.latency_frames).unwrap_or(u32::MAX)
    }
}

/// The network's FFT keeps its tables by thread and makes them when it first runs there: to be
/// called by an audio thread before its first block, while it may allocate.
pub fn prepare_thread() {
    Suppressor::new().start();
}

/// The network with its frames.
struct Suppressor {
    state: Box<DenoiseState<'static>>,
    frame: [f32; FRAME],
    is_first: bool,
}

impl Suppressor {
    fn new() -> Self {
        let mut suppressor =
            Self { state: DenoiseState::new(), frame: [0.0; FRAME], is_first: true };
        // Fills the tables that all threads share.
        suppressor.start();
        suppressor
    }

    /// Silence does not touch the network's memory, and uses all of the FFT.
    fn start(&mut self) {
        for _ in 0..FRAMES_TO_SILENCE {
            self.state.process_frame(&mut self.frame, &[0.0; FRAME]);
        }
        self.is_first = true;
    }

    /// Whole frames, in place; comes out one frame later.
    fn process(&mut self, samples: &mut [f32]) {
        for frame in samples.chunks_exact_mut(FRAME) {
            frame.iter_mut().for_each(|sample| *sample *= FULL_SCALE);
            self.state.process_frame(&mut self.frame, frame);
            for (sample, &suppressed) in frame.iter_mut().zip(&self.frame) {
                *sample = finite_or_zero(suppressed / FULL_SCALE);
            }
            // The first is what the overlap makes of the time before all sound: a fade-in.
            if self.is_first {
                frame.fill(0.0);
                self.is_first = false;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
mod tests {
    use super::*;
    use crate::plugins::builtin::testing::{Rig, impulse, noise, rms_db};
    use crate::units::to_f32;

    const URI: &str = "affectd:denoise";
    const RATES_HZ: [u32; 7] = [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000];

    /// Like a vowel: harmonics of a voice that glides around 120 Hz, with formants at 700, 1200
    /// and 2600 Hz, four syllables a second, at about -20 dB.
    fn voice(rate_hz: u32, seconds: u32) -> Vec<f32> {
        let mut phase = 0.0_f64;
        let sample = |frame| {
            let t = f64::from(frame) / f64::from(rate_hz);
            let pitch_hz = 120.0 + 15.0 * (std::f64::consts::TAU * 0.7 * t).sin();
            phase += std::f64::consts::TAU * pitch_hz / f64::from(rate_hz);
            let strength = |hz: f64| {
                let formant =
                    |center: f64, width: f64| 1.0 / (1.0 + ((hz - center) / width).powi(2));
                formant(700.0, 90.0) + 0.6 * formant(1200.0, 110.0) + 0.3 * formant(2600.0, 160.0)
            };
            let harmonics = (1..=25).map(f64::from);
            let vowel: f64 = harmonics.map(|n| strength(n * pitch_hz) * (n * phase).sin()).sum();
            let syllable = (std::f64::consts::PI * 4.0 * t).sin().abs().sqrt();
            to_f32(0.12 * syllable * vowel)
        };
        (0..seconds * rate_hz).map(sample).collect()
    }

    /// Level of the second half, behind against before, as late as it says.
    fn change_db(rig: &mut Rig, samples: &[f32]) -> f64 {
        let heard = rig.run(samples, 480);
        let half = samples.len() / 2;
        rms_db(&heard[half..]) - rms_db(&samples[half - rig.latency()..][..half])
    }

    /// As of traffic and ventilation: white noise through a low-pass at 76 Hz. White noise itself
    /// is no good measure: the network takes it for a hiss of speech for many seconds.
    fn rumble(rate_hz: u32, seconds: u32) -> Vec<f32> {
        let keep = to_f32((-std::f64::consts::TAU * 76.0 / f64::from(rate_hz)).exp());
        let mut low = 0.0;
        let filter = |sample| {
            low = keep * low + (1.0 - keep).sqrt() * sample;
            low
        };
        noise(0.02, (seconds * rate_hz) as usize).into_iter().map(filter).collect()
    }

    #[test]
    fn steady_noise_goes_down() {
        for rate_hz in RATES_HZ {
            let lowered_db = change_db(&mut Rig::new(URI, rate_hz), &rumble(rate_hz, 4));
            assert!(lowered_db < -20.0, "{rate_hz} Hz: {lowered_db}");
        }
    }

    #[test]
    fn noise_goes_down_between_words_and_the_words_stay() {
        let mut samples = rumble(48_000, 8);
        let words = voice(48_000, 8);
        let is_word = |frame: usize| (frame / 48_000) % 2 == 1;
        for (frame, sample) in samples.iter_mut().enumerate() {
            *sample += if is_word(frame) { words[frame] } else { 0.0 };
        }
        let mut rig = Rig::new(URI, 48_000);
        let heard = rig.run(&samples, 480);
        let change_db = |second: usize| {
            // Without the first and last quarter of the second.
            let middle = second * 48_000 + 12_000..second * 48_000 + 36_000;
            let late = middle.start + rig.latency()..middle.end + rig.latency();
            rms_db(&heard[late]) - rms_db(&samples[middle])
        };
        assert!(change_db(6) < -15.0 && change_db(5).abs() < 1.0);
    }

    #[test]
    fn at_48_khz_it_is_the_network_and_nothing_else() {
        let samples = voice(48_000, 1);
        let heard = Rig::new(URI, 48_000).run(&samples, 64);
        let (mut network, mut frame) = (DenoiseState::new(), [0.0; FRAME]);
        for (index, piece) in samples.chunks_exact(FRAME).enumerate() {
            let loud: Vec<f32> = piece.iter().map(|sample| sample * FULL_SCALE).collect();
            network.process_frame(&mut frame, &loud);
            let expected: Vec<f32> = frame.iter().map(|sample| sample / FULL_SCALE).collect();
            if (1..99).contains(&index) {
                assert!(heard[(index + 1) * FRAME..][..FRAME] == expected, "frame {index}");
            }
        }
    }

    #[test]
    fn a_voice_keeps_its_level() {
        for rate_hz in RATES_HZ {
            let changed_db = change_db(&mut Rig::new(URI, rate_hz), &voice(rate_hz, 4));
            assert!(changed_db.abs() < 0.5, "{rate_hz} Hz: {changed_db}");
        }
    }

    #[test]
    fn without_mix_an_impulse_comes_out_as_late_as_it_says() {
        for rate_hz in RATES_HZ {
            let mut rig = Rig::with(URI, rate_hz, &[("mix", 0.0)]);
            let latency = rig.latency();
            let heard = rig.run(&impulse(0.5, 2 * latency), 64);
            assert_eq!(heard.iter().position(|&sample| sample != 0.0), Some(latency));
            assert_eq!(heard[latency], 0.5);
        }
        assert_eq!(Rig::new(URI, 48_000).latency(), 960); // 10 ms to collect, 10 to overlap
    }

    /// The shift at which wet and delayed dry sound are most alike is none.
    #[test]
    fn wet_and_dry_come_at_the_same_time() {
        for rate_hz in RATES_HZ {
            let samples = voice(rate_hz, 2);
            let wet = Rig::new(URI, rate_hz).run(&samples, 480);
            let dry = Rig::with(URI, rate_hz, &[("mix", 0.0)]).run(&samples, 480);
            let start = rate_hz as usize;
            let alike = |shift: usize| -> f64 {
                let pairs = wet[start..2 * start - 20].iter().zip(&dry[start - 10 + shift..]);
                pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            let best = (0..=20).max_by(|&a, &b| alike(a).total_cmp(&alike(b)));
            assert_eq!(best, Some(10), "{rate_hz} Hz");
        }
    }

    #[test]
    fn a_start_forgets_the_sound_before_it() {
        let mut rig = Rig::new(URI, 44_100);
        rig.run(&voice(44_100, 1), 64);
        rig.built.processor.start();
        assert!(rig.run(&[0.0; 4410], 64).iter().all(|sample| sample.abs() < 1e-4));
    }
}
