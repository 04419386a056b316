//! What is done to the clips: one change a row of the card, the same for each model. Everything is
//! seeded, so that a clip meets the same noise at each level and in each run.

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::eval::robustness::marks::{self, Mark};
use crate::eval::robustness::noises::Noise;
use crate::eval::robustness::takes::Take;
use crate::train::channel::{self, Phone, power};
use crate::train::convolver::Convolver;
use crate::train::rooms::Room;
use crate::units::{ANALYSIS_RATE_HZ, to_f32};

/// Signal-to-noise ratios over the speech.
pub const SNRS_DB: [f32; 4] = [20.0, 10.0, 5.0, 0.0];

/// Reverberation times of the rooms that nobody built, and how many rooms of each.
const T60S_S: [f64; 3] = [0.3, 0.6, 1.0];
const ROOMS: usize = 3;

/// Seed of these rooms and of the noise; training draws from the seed of its run, 1 and up.
const SEED: u64 = 0x7e57;

const GAINS_DB: [f32; 5] = [-20.0, -10.0, -2.0, 2.0, 6.0];
const CLIPPED: [f64; 2] = [0.003, 0.01];
const SILENCE_MS: usize = 60;
const LOST_PACKETS: [f64; 2] = [0.02, 0.05];

/// One way of spoiling a clip.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Index of the noise.
    Noise(usize, f32),
    /// Index of the rooms.
    Rooms(usize),
    Phone,
    GainDb(f32),
    /// Share of the samples.
    Clip(f64),
    SilenceMs(usize),
    LosePackets(f64),
}

/// Responses of rooms that belong together.
pub struct Rooms {
    pub kind: &'static str,
    pub level: String,
    pub responses: Vec<Vec<f32>>,
}

impl Rooms {
    /// The rooms of each reverberation time.
    pub fn drawn() -> Vec<Self> {
        let mut rng = StdRng::seed_from_u64(SEED);
        let of = |t60_s: &f64| {
            let responses = (0..ROOMS).map(|_| Room::draw(&mut rng).response(*t60_s)).collect();
            Self { kind: marks::ROOM, level: format!("T60 {t60_s:.1} s"), responses }
        };
        T60S_S.iter().map(of).collect()
    }
}

/// Noises and rooms at hand, and what spoils clips with them.
pub struct Rig {
    noises: Vec<Noise>,
    rooms: Vec<Rooms>,
    phone: Phone,
    convolver: Convolver,
}

impl Rig {
    pub fn new(noises: Vec<Noise>, rooms: Vec<Rooms>) -> Self {
        Self { noises, rooms, phone: Phone::default(), convolver: Convolver::default() }
    }

    pub fn noises(&self) -> &[Noise] {
        &self.noises
    }

    /// All changes, in the order of the card.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for noise in 0..self.noises.len() {
            changes.extend(SNRS_DB.map(|snr_db| Change::Noise(noise, snr_db)));
        }
        changes.extend((0..self.rooms.len()).map(Change::Rooms));
        changes.push(Change::Phone);
        changes.extend(GAINS_DB.map(Change::GainDb));
        changes.extend(CLIPPED.map(Change::Clip));
        changes.push(Change::SilenceMs(SILENCE_MS));
        changes.extend(LOST_PACKETS.map(Change::LosePackets));
        changes
    }

    /// Kind and level, as the card has them.
    pub fn name(&self, change: &Change) -> (&'static str, String) {
        let percent = |share: &f64| format!("{} %", 100.0 * share);
        match change {
            Change::Noise(noise, snr_db) => (self.noises[*noise].name, format!("{snr_db} dB")),
            Change::Rooms(rooms) => (self.rooms[*rooms].kind, self.rooms[*rooms].level.clone()),
            Change::Phone => ("phone", "300 to 3400 Hz, µ-law".to_owned()),
            Change::GainDb(db) => ("gain", format!("{db:+} dB")),
            Change::Clip(share) => ("clipping", percent(share)),
            Change::SilenceMs(ms) => ("silence before", format!("{ms} ms")),
            Change::LosePackets(share) => ("lost packets", percent(share)),
        }
    }

    /// What is published for the change, and what we want of it.
    pub fn marks(&self, change: &Change) -> Vec<Mark> {
        match change {
            Change::Noise(noise, snr_db) => marks::of_noise(self.noises[*noise].name, *snr_db),
            Change::Rooms(rooms) => marks::of_rooms(self.rooms[*rooms].kind),
            Change::Phone => marks::of_phone(),
            Change::GainDb(db) => marks::of_gain(*db),
            Change::Clip(share) => marks::of_clipping(*share),
            Change::SilenceMs(_) => marks::of_silence(),
            Change::LosePackets(_) => Vec::new(),
        }
    }

    /// The take, spoiled; `index` is its place on the card. What would go beyond full scale is
    /// turned down as a whole, as anybody would do at a microphone; the gain's rows clip instead.
    pub fn spoil(&mut self, take: &Take, index: usize, change: &Change) -> Vec<f32> {
        let mut samples = self.change(take, index, change);
        let peak = samples.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
        if 1.0 < peak {
            samples.iter_mut().for_each(|sample| *sample /= peak);
        }
        samples
    }

    fn change(&mut self, take: &Take, index: usize, change: &Change) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(SEED.wrapping_add(index as u64));
        let mut samples = take.samples.clone();
        match change {
            Change::Noise(noise, snr_db) => {
                let noise = self.noises[*noise].piece(samples.len(), &take.span, &mut rng);
                channel::add_noise(&mut samples, &noise, take.span.clone(), *snr_db);
            }
            Change::Rooms(rooms) => {
                let responses = &self.rooms[*rooms].responses;
                let response = &responses[index % responses.len()];
                return in_room(&mut self.convolver, &samples, response);
            }
            Change::Phone => return self.phone.pass(&samples),
            Change::GainDb(db) => channel::gain(&mut samples, *db),
            Change::Clip(share) => channel::clip(&mut samples, *share),
            Change::SilenceMs(ms) => {
                let silence = ANALYSIS_RATE_HZ as usize * ms / 1000;
                samples.splice(0..0, std::iter::repeat_n(0.0, silence));
            }
            Change::LosePackets(share) => channel::lose_packets(&mut samples, *share, &mut rng),
        }
        samples
    }
}

/// As long and as loud as without the room, and in time with it: the row is about the echoes.
fn in_room(convolver: &mut Convolver, samples: &[f32], response: &[f32]) -> Vec<f32> {
    let loudest = (0..response.len())
        .max_by(|&a, &b| response[a].abs().total_cmp(&response[b].abs()))
        .unwrap_or(0);
    let mut heard = convolver.convolve(samples, response);
    heard.drain(..loudest.min(heard.len()));
    heard.resize(samples.len(), 0.0);
    let (before, after) = (power(samples), power(&heard));
    if 0.0 < after {
        let factor = to_f32((before / after).sqrt());
        heard.iter_mut().for_each(|sample| *sample *= factor);
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rig() -> Rig {
        let noise = Noise { name: "rain", tracks: vec![vec![1.0, -1.0, 0.5]] };
        let rooms = Rooms {
            kind: "room",
            level: "two".to_owned(),
            responses: vec![vec![0.0, 0.0, 0.5], vec![0.0, 0.5, 0.5]],
        };
        Rig::new(vec![noise], vec![rooms])
    }

    fn take() -> Take {
        let samples = [vec![0.0; 400], vec![0.25; 800], vec![0.0; 400]].concat();
        Take { speaker: String::new(), label: 0, samples, span: 400..1200 }
    }

    #[test]
    fn each_change_keeps_the_length_or_says_that_it_is_silence() {
        let mut rig = rig();
        for change in rig.changes() {
            let expected = if change == Change::SilenceMs(60) { 1600 + 960 } else { 1600 };
            assert_eq!(rig.spoil(&take(), 3, &change).len(), expected, "{change:?}");
            let (kind, level) = rig.name(&change);
            assert!(!kind.is_empty() && !level.is_empty(), "{change:?}");
        }
    }

    #[test]
    fn a_clip_meets_the_same_noise_at_each_level() {
        let mut rig = rig();
        let take = take();
        let mut noise = |snr_db| -> Vec<f32> {
            let spoiled = rig.spoil(&take, 5, &Change::Noise(0, snr_db));
            spoiled.iter().zip(&take.samples).map(|(spoiled, clean)| spoiled - clean).collect()
        };
        let (soft, loud) = (noise(20.0), noise(0.0));
        assert!(soft.iter().zip(&loud).all(|(soft, loud)| (10.0 * soft - loud).abs() < 1e-5));
        let level = |samples: &[f32]| power(&samples[400..1200]);
        assert!((level(&loud) / level(&take.samples) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn a_mixture_that_would_clip_is_turned_down() {
        let loud = Take { samples: vec![0.9; 1600], ..take() };
        let heard = rig().spoil(&loud, 0, &Change::Noise(0, 0.0));
        // Noise of ±1 and ½ has a power of ¾: at 0 dB the peak is 0.9 · (1 + 1 / sqrt(¾)) = 1.94
        // and the lowest 0.9 · (1 - 1 / sqrt(¾)) = -0.139, after division -0.0718.
        let ends = heard.iter().fold([1.0f32, -1.0], |[low, high], s| [low.min(*s), high.max(*s)]);
        assert!((ends[0] + 0.0718).abs() < 1e-3 && ends[1] == 1.0, "{ends:?}");
    }

    #[test]
    fn a_room_that_only_delays_and_softens_changes_nothing() {
        let mut rig = rig();
        let (take, room) = (take(), Change::Rooms(0));
        let heard = rig.spoil(&take, 0, &room);
        assert!(heard.iter().zip(&take.samples).all(|(a, b)| (a - b).abs() < 1e-5));
        let echo = rig.spoil(&take, 1, &room);
        assert!((power(&echo) / power(&take.samples) - 1.0).abs() < 1e-4);
        assert!(echo.iter().zip(&take.samples).any(|(a, b)| 0.01 < (a - b).abs()));
    }
}
