//! The raw material of prosody, for those who want more than an emotion: pitch and its range,
//! speech rate, jitter, shimmer, harmonicity, spectral tilt and loudness. Held against openSMILE's
//! eGeMAPS (Eyben et al. 2016) on real speech in tests/suite/prosody.rs. No allocation after
//! construction.

pub mod cycles;

pub mod track;

use ebur128::{EbuR128, Mode};

use crate::features::FeatureSpec;
use crate::features::pitch::Pitch;
use crate::features::prosody::cycles::Cycles;
use crate::features::prosody::track::{CANDIDATES, Candidate, Tracker};
use crate::features::tilt::Tilt;
use crate::messages::Prosody;
use crate::units::{SILENCE_DB, one_pole_step, to_f32};

/// Time constant of what is a mean over cycles or frames, counted in voiced time.
const MEAN_S: f32 = 1.0;

/// Over how much voiced time the range is taken, and over how much speech the rate.
const RANGE_S: f32 = 3.0;
const RATE_S: f32 = 3.0;

/// Share of the pitches below, as eGeMAPS' pctlrange0-2.
const RANGE_PERCENTILES: [f32; 2] = [0.2, 0.8];

/// A syllable's nucleus stands this far out of the dips before and behind it (de Jong and Wempe
/// 2009).
const DIP_DB: f32 = 2.0;

/// Smoothing of the level in which nuclei are looked for.
const LEVEL_S: f32 = 0.03;

/// Syllables kept; nobody speaks more in `RATE_S`.
const SYLLABLES_MAX: usize = 64;

/// A frame so far below the loudest of late is no voice but the hum of the room; Praat has 30 dB.
const QUIET_DB: f32 = 25.0;

/// Means are taken over frames that are not so far below: fainter ones are half noise.
const FAINT_DB: f32 = 15.0;

/// How quickly the loudest is forgotten, in dB a second.
const FORGOTTEN_DB: f32 = 3.0;

/// Harmonicity of a perfect correlation would be infinite.
const STRENGTH_MAX: f32 = 0.9999;

/// One channel's.
pub struct ProsodyMeter {
    frame_s: f32,
    rate_hz: f32,
    /// None where the front end finds it for the network.
    pitch: Option<Pitch>,
    tracker: Tracker,
    cycles: Cycles,
    tilt: Tilt,
    loudness: EbuR128,
    candidates: [Candidate; CANDIDATES],
    /// Semitones above 1 Hz of the last voiced frames, in a ring.
    semitones: Vec<f32>,
    next_semitone: usize,
    sorted: Vec<f32>,
    syllables: Syllables,
    loudest_db: f32,
    values: Prosody,
    /// How much a voiced frame moves a mean.
    step: f32,
    has_means: bool,
}

impl ProsodyMeter {
    /// Finds the pitch itself.
    pub fn new(spec: &FeatureSpec) -> Self {
        Self { pitch: Some(Pitch::new(spec)), ..Self::beside(spec) }
    }

    /// Is told the pitch with every hop, see [`FrontEnd::pitch`].
    ///
    /// [`FrontEnd::pitch`]: crate::features::front_end::FrontEnd::pitch
    fn beside(spec: &FeatureSpec) -> Self {
        let frame_s = 1.0 / spec.frames_per_s();
        let kept = crate::units::to_count(f64::from(RANGE_S / frame_s));
        Self {
            frame_s,
            rate_hz: spec.rate_hz as f32,
            pitch: None,
            tracker: Tracker::default(),
            cycles: Cycles::default(),
            tilt: Tilt::new(spec),
            loudness: EbuR128::new(1, spec.rate_hz, Mode::M)
                .expect("one channel at the rate of the analysis is within its limits"),
            candidates: [Candidate::default(); CANDIDATES],
            semitones: Vec::with_capacity(kept),
            next_semitone: 0,
            sorted: Vec::with_capacity(kept),
            syllables: Syllables::new(frame_s),
            loudest_db: SILENCE_DB,
            values: Prosody::NOTHING,
            step: one_pole_step(frame_s, MEAN_S),
            has_means: false,
        }
    }

    /// With a front end of this setting.
    pub fn for_front_end(spec: &FeatureSpec) -> Self {
        if spec.pitch { Self::beside(spec) } else { Self::new(spec) }
    }

    /// Takes one hop of features, and what the front end has found of its pitch. `is_on`: within a
    /// voice; else what was measured holds.
    pub fn process(&mut self, hop: &[f32], level_db: f32, is_on: bool, found: Option<&Pitch>) {
        self.cycles.listen(hop);
        self.tilt.listen(hop);
        // Only a wrong number of channels is an error.
        self.loudness.add_frames_f32(hop).unwrap_or_default();
        if !is_on {
            self.pitch.iter_mut().for_each(|pitch| pitch.listen(hop));
            self.tracker = Tracker::default();
            self.cycles.stop();
            return;
        }
        self.pitch.iter_mut().for_each(|pitch| {
            pitch.process(hop);
        });
        let pitch = self.pitch.as_ref().or(found);
        let count = pitch.map_or(0, |pitch| pitch.candidates(&mut self.candidates));
        self.loudest_db = level_db.max(self.loudest_db - FORGOTTEN_DB * self.frame_s);
        let is_loud = self.loudest_db - QUIET_DB <= level_db;
        let voiced = self.tracker.step(&self.candidates[..count]).filter(|_| is_loud);
        self.syllables.step(level_db, voiced.is_some());
        match voiced {
            Some(candidate) => self.voiced(candidate, self.loudest_db - FAINT_DB <= level_db),
            None => self.cycles.stop(),
        }
    }

    fn voiced(&mut self, candidate: Candidate, is_clear: bool) {
        let semitone = 12.0 * candidate.hz.log2();
        if self.semitones.len() < self.semitones.capacity() {
            self.semitones.push(semitone);
        } else {
            self.semitones[self.next_semitone] = semitone;
        }
        self.next_semitone = (self.next_semitone + 1) % self.semitones.capacity();

        let strength = candidate.strength.clamp(1.0 - STRENGTH_MAX, STRENGTH_MAX);
        let hnr_db = 10.0 * (strength / (1.0 - strength)).log10();
        let tilt_db = self.tilt.ratio_db();
        let step = if self.has_means { self.step } else { 1.0 };
        let glide = |value: &mut f32, target: f32, step: f32| *value += (target - *value) * step;
        let values = &mut self.values;
        values.f0_hz = candidate.hz;
        if is_clear {
            glide(&mut values.hnr_db, hnr_db, step);
            glide(&mut values.tilt_db, tilt_db, step);
            self.has_means = true;
        }
        let period = self.rate_hz / candidate.hz;
        // A cycle counts as long as it lasts.
        let step = one_pole_step(1.0 / candidate.hz, MEAN_S);
        self.cycles.follow(period, &mut |difference| {
            glide(&mut values.jitter, 100.0 * difference.length, step);
            glide(&mut values.shimmer_db, difference.height_db, step);
        });
    }

    /// The values now.
    pub fn values(&mut self) -> Prosody {
        self.sorted.clone_from(&self.semitones);
        self.sorted.sort_unstable_by(f32::total_cmp);
        if let Some(last) = self.sorted.len().checked_sub(1) {
            let at =
                |share: f32| self.sorted[crate::units::to_count(f64::from(share * last as f32))];
            self.values.f0_range = at(RANGE_PERCENTILES[1]) - at(RANGE_PERCENTILES[0]);
        }
        self.values.rate = self.syllables.rate();
        let loudness = self.loudness.loudness_momentary().unwrap_or(f64::NEG_INFINITY);
        self.values.loudness = to_f32(loudness).max(SILENCE_DB);
        self.values
    }

    /// The source is another one.
    pub fn reset(&mut self) {
        self.pitch.iter_mut().for_each(Pitch::reset);
        self.loudness.reset();
        self.cycles.stop();
        self.tracker = Tracker::default();
        self.loudest_db = SILENCE_DB;
    }
}

/// Nuclei of syllables: voiced peaks of the level with a dip before and behind.
#[derive(Clone, Debug)]
struct Syllables {
    frame_s: f32,
    step: f32,
    level_db: Option<f32>,
    /// Lowest since the last nucleus, highest since that dip, and whether that was voiced.
    dip_db: f32,
    peak_db: f32,
    is_peak_voiced: bool,
    is_rising: bool,
    /// Speech heard so far, and where in it nuclei were; in a ring.
    heard_s: f64,
    places_s: [f64; SYLLABLES_MAX],
    next: usize,
}

impl Syllables {
    fn new(frame_s: f32) -> Self {
        Self {
            frame_s,
            step: one_pole_step(frame_s, LEVEL_S),
            level_db: None,
            dip_db: f32::INFINITY,
            peak_db: f32::NEG_INFINITY,
            is_peak_voiced: false,
            is_rising: false,
            heard_s: 0.0,
            places_s: [f64::NEG_INFINITY; SYLLABLES_MAX],
            next: 0,
        }
    }

    fn step(&mut self, level_db: f32, is_voiced: bool) {
        self.heard_s += f64::from(self.frame_s);
        let before = self.level_db.unwrap_or(level_db);
        let level_db = before + (level_db - before) * self.step;
        self.level_db = Some(level_db);
        if self.is_rising {
            if self.peak_db < level_db {
                (self.peak_db, self.is_peak_voiced) = (level_db, is_voiced);
            } else if level_db <= self.peak_db - DIP_DB {
                if self.is_peak_voiced {
                    self.places_s[self.next] = self.heard_s;
                    self.next = (self.next + 1) % SYLLABLES_MAX;
                }
                (self.is_rising, self.dip_db) = (false, level_db);
            }
        } else if level_db < self.dip_db {
            self.dip_db = level_db;
        } else if self.dip_db + DIP_DB <= level_db {
            self.is_rising = true;
            (self.peak_db, self.is_peak_voiced) = (level_db, is_voiced);
        }
    }

    /// A second.
    fn rate(&self) -> f32 {
        let span_s = self.heard_s.min(f64::from(RATE_S));
        let from_s = self.heard_s - span_s;
        let count = self.places_s.iter().filter(|place_s| from_s < **place_s).count();
        // Half a second tells nothing yet.
        if span_s < 0.5 { 0.0 } else { to_f32(count as f64 / span_s) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::amplitude_to_db;

    /// What is said of a sound after it.
    fn heard(sound: &[f32]) -> Prosody {
        let spec = FeatureSpec::default();
        let mut meter = ProsodyMeter::new(&spec);
        for hop in sound.chunks_exact(spec.hop) {
            let squares: f32 = hop.iter().map(|x| x * x).sum();
            meter.process(hop, amplitude_to_db((squares / hop.len() as f32).sqrt()), true, None);
        }
        meter.values()
    }

    /// Twelve harmonics at this pitch, four bursts a second, for two seconds.
    fn syllables(hz: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut phase = 0.0_f32;
        let sample = |index: u16| {
            let time_s = f32::from(index) / 16_000.0;
            phase += hz(time_s) / 16_000.0;
            let wave = |n: u8| (std::f32::consts::TAU * phase * f32::from(n)).sin() / f32::from(n);
            let burst = (0.5 - 0.5 * (std::f32::consts::TAU * 4.0 * time_s).cos()).max(0.01);
            0.1 * burst * (1..=12).map(wave).sum::<f32>()
        };
        (0..32_000).map(sample).collect()
    }

    #[test]
    fn a_steady_voice_has_its_pitch_and_its_syllables() {
        let found = heard(&syllables(|_| 140.0));
        assert!((found.f0_hz - 140.0).abs() < 1.5, "{found:?}");
        assert!(found.f0_range < 0.3 && 15.0 < found.hnr_db, "{found:?}");
        assert!((found.rate - 4.0).abs() <= 0.5, "{found:?}");
        assert!(found.jitter < 1.0, "{found:?}");
    }

    #[test]
    fn a_glide_of_an_octave_has_a_range_of_three_fifths_of_it() {
        let found = heard(&syllables(|time_s| 120.0 * 2f32.powf(time_s / 2.0)));
        assert!((found.f0_range - 7.2).abs() < 1.0, "{found:?}");
        assert!((found.f0_hz - 240.0).abs() < 12.0, "{found:?}");
    }

    #[test]
    fn loudness_is_that_of_the_standard() {
        // EBU Tech 3341, case 1, for one channel instead of two: 1 kHz at -23 dBFS (peak) reads
        // 3 dB less than -23 LUFS.
        let tone = |index: u16| 0.0708 * (std::f32::consts::TAU * f32::from(index) / 16.0).sin();
        let found = heard(&(0..16_000).map(tone).collect::<Vec<f32>>());
        assert!((found.loudness + 26.0).abs() < 0.2, "{found:?}");
    }

    #[test]
    fn nothing_leaves_that_is_no_number() {
        for sound in [vec![0.0; 8000], vec![1.0; 8000], vec![f32::NAN; 8000]] {
            let found = heard(&sound);
            assert!(found.all().iter().all(|value| value.is_finite()), "{found:?}");
        }
    }
}
