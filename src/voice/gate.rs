//! The gate: when a voice counts as on and as off. A decision per feature frame with a threshold,
//! a level floor, a distance to the noise, an attack and a hang-over.

/// A voice is said to be there from its threshold on, but began with the first frame that reached
/// this share of it: the detector is seldom sure at once.
const ONSET_SHARE: f32 = 0.5;

/// At most so many frames before those that switched on.
const ONSET_FRAMES_MAX: u32 = 20;

/// Constants of the gate, in feature frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateSpec {
    /// Probability from which on a frame counts as speech.
    pub threshold: f32,
    /// Below this level, in dBFS over one frame, nothing counts as speech.
    pub floor_db: f32,
    /// Nor does what stands less than this above the noise.
    pub margin_db: f32,
    /// Speech frames in a row that switch the gate on.
    pub on_frames: u32,
    /// Other frames in a row that switch it off.
    pub off_frames: u32,
}

/// State of one channel's gate.
#[derive(Clone, Debug)]
pub struct Gate {
    spec: GateSpec,
    on: bool,
    /// Frames in a row that speak against the present state.
    against: u32,
    /// Frames in a row that may be speech.
    likely: u32,
}

impl Gate {
    pub fn new(spec: GateSpec) -> Self {
        Self { spec, on: false, against: 0, likely: 0 }
    }

    /// Other constants from the next frame on.
    pub fn set_spec(&mut self, spec: GateSpec) {
        self.spec = spec;
    }

    /// Takes one frame; true when this frame itself is speech.
    pub fn process(&mut self, probability: f32, level_db: f32, noise_db: f32) -> bool {
        let least_db = self.spec.floor_db.max(noise_db + self.spec.margin_db);
        let is_loud = least_db <= level_db;
        let speech = is_loud && self.spec.threshold <= probability;
        let is_likely = is_loud && ONSET_SHARE * self.spec.threshold <= probability;
        self.likely = if is_likely { self.likely.saturating_add(1) } else { 0 };
        if speech == self.on {
            self.against = 0;
        } else {
            self.against += 1;
            let limit = if self.on { self.spec.off_frames } else { self.spec.on_frames };
            if limit <= self.against {
                self.on = speech;
                self.against = 0;
                if !speech {
                    self.likely = 0; // no onset lies before the end
                }
            }
        }
        speech
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Frames since the onset, when it opens.
    pub fn onset_frames(&self) -> usize {
        let on_frames = self.spec.on_frames;
        self.likely.clamp(on_frames, on_frames + ONSET_FRAMES_MAX) as usize
    }

    pub fn close(&mut self) {
        self.on = false;
        self.against = 0;
        self.likely = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: GateSpec =
        GateSpec { threshold: 0.5, floor_db: -60.0, margin_db: 6.0, on_frames: 3, off_frames: 2 };

    /// Feeds `1` as speech and `0` as none; answers with the gate's state after each frame.
    fn check(frames: &str, expected: &str) {
        let mut gate = Gate::new(SPEC);
        let states: String = frames
            .chars()
            .map(|frame| {
                gate.process(if frame == '1' { 0.9 } else { 0.1 }, -20.0, -50.0);
                if gate.is_on() { '1' } else { '0' }
            })
            .collect();
        assert_eq!(states, expected);
    }

    #[test]
    fn speech_must_last_to_open_the_gate() {
        check("1101110", "0000011");
    }

    #[test]
    fn a_short_pause_keeps_it_open_and_a_long_one_closes_it() {
        check("1110110011", "0011111000");
    }

    #[test]
    fn the_onset_is_where_speech_became_likely() {
        let mut gate = Gate::new(SPEC);
        for (probability, level_db) in [(0.4, -20.0), (0.2, -20.0), (0.3, -90.0)] {
            gate.process(probability, level_db, -50.0);
        }
        for probability in [0.3, 0.4, 0.9, 0.9, 0.9] {
            gate.process(probability, -20.0, -50.0);
        }
        assert!(gate.is_on());
        assert_eq!(gate.onset_frames(), 5);
        gate.close();
        (0..100).for_each(|_| _ = gate.process(0.3, -20.0, -50.0));
        (0..3).for_each(|_| _ = gate.process(0.9, -20.0, -50.0));
        assert_eq!(gate.onset_frames(), 3 + 20, "no further back");
        for probability in [0.3, 0.3, 0.3, 0.9, 0.9, 0.9] {
            gate.process(probability, -20.0, -50.0);
        }
        assert!(gate.is_on());
        assert_eq!(gate.onset_frames(), 4, "not before it closed, two frames after its speech");
    }

    #[test]
    fn what_is_quieter_than_the_floor_is_no_voice() {
        let mut gate = Gate::new(SPEC);
        assert!((0..10).all(|_| !gate.process(1.0, -61.0, -120.0)));
        assert!((0..10).all(|_| !gate.process(1.0, -45.0, -50.0)), "5 dB above the noise");
        assert!(!gate.is_on());
    }
}
