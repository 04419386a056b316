//! Rooms that nobody built: the way from a mouth to a microphone between six walls, by the image
//! method (Allen and Berkley, JASA 65, 1979), and the reverberation time of any such way. Sound
//! through a room is left to `convolver`. Pure functions; the same seed gives the same room.

use rand::Rng;
use rand::rngs::StdRng;

use crate::units::{ANALYSIS_RATE_HZ, to_count, to_f32};

/// Speed of sound in air of 20 °C.
pub const SOUND_M_PER_S: f64 = 343.0;

/// Samples per second of a response.
const RATE_HZ: f64 = ANALYSIS_RATE_HZ as f64;

/// What rooms are drawn from: from a small office to a rehearsal room.
mod range {
    use std::ops::RangeInclusive;
    pub const LENGTH_M: RangeInclusive<f64> = 4.0..=9.0;
    pub const WIDTH_M: RangeInclusive<f64> = 3.0..=7.0;
    pub const HEIGHT_M: RangeInclusive<f64> = 2.4..=3.6;
    /// Of mouth and microphone, over the floor.
    pub const LEVEL_M: RangeInclusive<f64> = 1.0..=1.8;
    pub const WALL_DISTANCE_M: f64 = 0.5;
    /// Between mouth and microphone: a headset needs no room.
    pub const DISTANCE_M: RangeInclusive<f64> = 0.5..=3.0;
}

/// An empty box with a mouth and a microphone in it; coordinates from one of its corners.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    pub size_m: [f64; 3],
    pub source_m: [f64; 3],
    pub microphone_m: [f64; 3],
}

impl Room {
    pub fn draw(rng: &mut StdRng) -> Self {
        let size_m = [
            rng.random_range(range::LENGTH_M),
            rng.random_range(range::WIDTH_M),
            rng.random_range(range::HEIGHT_M),
        ];
        let place = |rng: &mut StdRng| {
            let wall = range::WALL_DISTANCE_M;
            [
                rng.random_range(wall..=size_m[0] - wall),
                rng.random_range(wall..=size_m[1] - wall),
                rng.random_range(range::LEVEL_M),
            ]
        };
        // About every second draw lies within reach, in the longest room every fifth.
        loop {
            let room = Self { size_m, source_m: place(rng), microphone_m: place(rng) };
            if range::DISTANCE_M.contains(&room.distance_m()) {
                return room;
            }
        }
    }

    /// From mouth to microphone.
    pub fn distance_m(&self) -> f64 {
        let axes = self.source_m.iter().zip(&self.microphone_m);
        axes.map(|(source, microphone)| (source - microphone).powi(2)).sum::<f64>().sqrt()
    }

    /// What the microphone hears of an impulse, until it has decayed by 60 dB: the direct sound
    /// comes after the time that its way takes, with an amplitude of 1 / (4 π distance).
    pub fn response(&self, t60_s: f64) -> Vec<f32> {
        self.reflected(self.reflection(t60_s), t60_s)
    }

    /// Share of the amplitude that each wall sends back, so that reflections decay by 60 dB in
    /// `t60_s`. Eyring's formula says 1 - α = exp(-0.161 V / (S T60)), but holds in diffuse fields;
    /// images of a long room decay more slowly, so the share is searched for that fits them.
    pub fn reflection(&self, t60_s: f64) -> f64 {
        const STEP_S: f64 = 0.002;
        const HALVINGS: usize = 30;
        let steps = to_count(t60_s / STEP_S);
        // Energy in each step of time of the images that were reflected so many times.
        let mut energy: Vec<Vec<f64>> = vec![Vec::new(); steps];
        self.each_image(t60_s * SOUND_M_PER_S, |distance_m, reflections| {
            let Some(step) = energy.get_mut(floor(distance_m / SOUND_M_PER_S / STEP_S)) else {
                return;
            };
            if step.len() <= reflections {
                step.resize(reflections + 1, 0.0);
            }
            // The direct sound is no reflection.
            step[reflections] += if reflections == 0 { 0.0 } else { distance_m.powi(-2) };
        });
        let decays_too_slowly = |reflection: f64| {
            let square = reflection * reflection;
            // Horner's scheme: the sum over orders of energy · square^order.
            let of_step = |orders: &Vec<f64>| orders.iter().rev().fold(0.0, |s, e| s * square + e);
            let energies: Vec<f64> = energy.iter().map(of_step).collect();
            decay_time(&energies, STEP_S).is_none_or(|decay_s| t60_s < decay_s)
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if decays_too_slowly(middle) { high = middle } else { low = middle }
        }
        low
    }

    /// The response of a room whose walls send `reflection` of the amplitude back.
    fn reflected(&self, reflection: f64, length_s: f64) -> Vec<f32> {
        let delays = FractionalDelays::new();
        let mut response = vec![0.0; to_count(length_s * RATE_HZ) + 1];
        let powers: Vec<f64> = std::iter::successors(Some(1.0), |power| Some(power * reflection))
            .take_while(|power| POWER_MIN < *power)
            .collect();
        self.each_image(length_s * SOUND_M_PER_S, |distance_m, reflections| {
            let Some(power) = powers.get(reflections) else { return };
            let amplitude = power / (4.0 * std::f64::consts::PI * distance_m);
            delays.add(&mut response, distance_m / SOUND_M_PER_S * RATE_HZ, to_f32(amplitude));
        });
        high_pass(&mut response);
        response
    }

    /// Tells distance and number of reflections of each image of the source within reach.
    fn each_image(&self, reach_m: f64, mut tell: impl FnMut(f64, usize)) {
        let axis = |axis: usize| {
            axis_images(self.size_m[axis], self.source_m[axis], self.microphone_m[axis], reach_m)
        };
        let (xs, ys, zs) = (axis(0), axis(1), axis(2));
        let reach = reach_m * reach_m;
        for (x, x_reflections) in &xs {
            for (y, y_reflections) in ys.iter().filter(|(y, _)| x + y < reach) {
                for (z, z_reflections) in zs.iter().filter(|(z, _)| x + y + z < reach) {
                    let distance_m = (x + y + z).sqrt().max(DISTANCE_MIN_M);
                    tell(distance_m, x_reflections + y_reflections + z_reflections);
                }
            }
        }
    }
}

/// A microphone in the mouth would divide by 0.
const DISTANCE_MIN_M: f64 = 0.01;

/// 120 dB down; nothing that is quieter is added.
const POWER_MIN: f64 = 1e-6;

/// Squared distance along one axis, and reflections, of the images of a source between two walls.
fn axis_images(length: f64, source: f64, microphone: f64, reach: f64) -> Vec<(f64, usize)> {
    let turns = floor(reach / (2.0 * length)) + 1;
    let mut images = Vec::with_capacity(4 * turns + 2);
    for turn in 0..=turns {
        let shift = 2.0 * length * turn as f64;
        // 2nL + s after 2|n| reflections; 2nL - s after |2n - 1|.
        images.push((shift + source - microphone, 2 * turn));
        images.push((-shift - source - microphone, 2 * turn + 1));
        if 0 < turn {
            images.push((-shift + source - microphone, 2 * turn));
            images.push((shift - source - microphone, 2 * turn - 1));
        }
    }
    images.iter().map(|(offset, reflections)| (offset * offset, *reflections)).collect()
}

/// The whole part of a number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and distances are never negative; the cast saturates and makes NaN 0"
)]
fn floor(value: f64) -> usize {
    value as usize
}

/// Impulses between two samples: sinc under a Hann window (Peterson, JASA 80, 1986), in tables of
/// so many places between samples.
struct FractionalDelays {
    tables: Vec<[f32; TAPS]>,
}

const TAPS: usize = 33;
const PLACES: usize = 32;

impl FractionalDelays {
    fn new() -> Self {
        let table = |place: usize| {
            std::array::from_fn(|tap| {
                let time = tap as f64 - (TAPS / 2) as f64 - place as f64 / PLACES as f64;
                let turn = std::f64::consts::PI * time;
                let sinc = if time == 0.0 { 1.0 } else { turn.sin() / turn };
                let window = (turn / (TAPS + 1) as f64).cos().powi(2);
                to_f32(sinc * window)
            })
        };
        Self { tables: (0..PLACES).map(table).collect() }
    }

    /// Adds an impulse at the time `delay`, in samples; what lies outside of `response` is lost.
    fn add(&self, response: &mut [f32], delay: f64, amplitude: f32) {
        let ticks = to_count(delay * PLACES as f64);
        let first = ticks / PLACES; // of the tap TAPS / 2 samples before the centre
        for (tap, weight) in self.tables[ticks % PLACES].iter().enumerate() {
            let Some(index) = (first + tap).checked_sub(TAPS / 2) else { continue };
            if let Some(sample) = response.get_mut(index) {
                *sample += amplitude * weight;
            }
        }
    }
}

/// Takes out what is below 100 Hz: images add up there without end, as in no real room. The filter
/// of Allen and Berkley's own program.
fn high_pass(samples: &mut [f32]) {
    const CORNER_HZ: f64 = 100.0;
    let turn = std::f64::consts::TAU * CORNER_HZ / RATE_HZ;
    let radius = (-turn).exp();
    let (b1, b2) = (2.0 * radius * turn.cos(), -radius * radius);
    let (mut y1, mut y2) = (0.0, 0.0);
    for sample in samples {
        let y0 = b1 * y1 + b2 * y2 + f64::from(*sample);
        *sample = to_f32(y0 - (1.0 + radius) * y1 + radius * y2);
        (y2, y1) = (y1, y0);
    }
}

/// Reverberation time of a response of `rate_hz` from its loudest sample on: the time in which
/// the sound decays by 60 dB. None if the response ends before it has decayed by 35 dB.
pub fn reverberation_time(response: &[f32], rate_hz: f64) -> Option<f64> {
    let loudest =
        (0..response.len()).max_by(|&a, &b| response[a].abs().total_cmp(&response[b].abs()))?;
    let energies: Vec<f64> =
        response[loudest..].iter().map(|sample| f64::from(*sample).powi(2)).collect();
    decay_time(&energies, 1.0 / rate_hz)
}

/// T30 of ISO 3382-1: the slope of the backward integral (Schroeder, JASA 37, 1965) between -5
/// and -35 dB, extended to -60. 0 if it falls through there at once, none if it never does.
fn decay_time(energies: &[f64], step_s: f64) -> Option<f64> {
    const FROM_DB: f64 = -5.0;
    const TO_DB: f64 = -35.0;
    let mut left: Vec<f64> = energies
        .iter()
        .rev()
        .scan(0.0, |sum, energy| {
            *sum += energy;
            Some(*sum)
        })
        .collect();
    left.reverse();
    let total = *left.first().filter(|total| 0.0 < **total)?;
    let db = |left: f64| 10.0 * (left / total).log10();
    let end = left.iter().position(|&left| db(left) < TO_DB)?;
    let points: Vec<(f64, f64)> = (0..end)
        .map(|step| (step as f64 * step_s, db(left[step])))
        .filter(|(_, db)| *db <= FROM_DB)
        .collect();
    let count = points.len() as f64;
    let mean_s = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_db = points.iter().map(|point| point.1).sum::<f64>() / count;
    let along = points.iter().map(|(s, db)| (s - mean_s) * (db - mean_db)).sum::<f64>();
    let across = points.iter().map(|(s, _)| (s - mean_s).powi(2)).sum::<f64>();
    if points.len() < 2 { Some(0.0) } else { Some(-60.0 * across / along) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rooms(seed: u64) -> impl Iterator<Item = Room> {
        let mut rng = StdRng::seed_from_u64(seed);
        std::iter::repeat_with(move || Room::draw(&mut rng))
    }

    /// 10 × 8 × 6 m; from mouth to microphone 3 m along the first axis.
    fn hall() -> Room {
        Room { size_m: [10.0, 8.0, 6.0], source_m: [3.0, 4.0, 2.0], microphone_m: [6.0, 4.0, 2.0] }
    }

    fn loudest(response: &[f32], samples: std::ops::Range<usize>) -> usize {
        samples.max_by(|&a, &b| response[a].abs().total_cmp(&response[b].abs())).unwrap()
    }

    #[test]
    fn direct_sound_takes_its_time_and_fades_with_distance() {
        for room in rooms(1).take(5) {
            let response = room.reflected(0.0, 0.1);
            let peak = loudest(&response, 0..response.len());
            let expected = room.distance_m() / 343.0 * 16_000.0;
            assert!((peak as f64 - expected).abs() <= 0.5 + 1e-9, "{peak} is not {expected}");
            // The energy of a sinc is its squared amplitude; the high-pass takes less than 4 %.
            let energy: f32 = response.iter().map(|sample| sample * sample).sum();
            let amplitude = 1.0 / (4.0 * std::f64::consts::PI * room.distance_m());
            let ratio = f64::from(energy.sqrt()) / amplitude;
            assert!((0.95..1.02).contains(&ratio), "{ratio}");
        }
    }

    #[test]
    fn the_floor_reflects_after_the_way_over_its_image() {
        // Over the floor 2 m below: sqrt(3² + 4²) = 5 m, sample 233.2, amplitude β / (4π · 5);
        // the direct sound after 3 m is at sample 139.9 with 1 / (4π · 3): a ratio of 0.6 β.
        let response = hall().reflected(0.5, 0.1);
        let (direct, floor) = (loudest(&response, 100..200), loudest(&response, 200..300));
        assert_eq!((direct, floor), (140, 233));
        let ratio = response[floor] / response[direct];
        assert!((ratio - 0.3).abs() < 0.03, "{ratio}");
    }

    #[test]
    fn an_axis_has_the_images_of_both_walls() {
        // Length 10, mouth at 3, microphone at 6: by hand, nearest first.
        let mut images: Vec<(f64, usize)> = axis_images(10.0, 3.0, 6.0, 20.0);
        images.sort_by(|a, b| a.0.total_cmp(&b.0));
        let expected = [
            (9.0, 0),   // itself at 3
            (81.0, 1),  // at -3, over the wall at 0
            (121.0, 1), // at 17, over the wall at 10
            (289.0, 2), // at 23, over 0 and 10
            (529.0, 2), // at -17, over 10 and 0
        ];
        assert_eq!(images[..5], expected);
    }

    #[test]
    fn sound_decays_in_the_time_asked_for() {
        // Fitted to the images' energies; that they also interfere moves it by some per cent.
        let ratios: Vec<f64> = [0.3, 0.6, 1.0]
            .into_iter()
            .flat_map(|t60_s| rooms(2).take(3).map(move |room| (t60_s, room.response(t60_s))))
            .map(|(t60_s, response)| reverberation_time(&response, RATE_HZ).unwrap() / t60_s)
            .collect();
        assert!(ratios.iter().all(|ratio| (0.85..1.15).contains(ratio)), "{ratios:?}");
    }

    #[test]
    fn walls_near_those_of_eyring_are_found() {
        // The cube with a side of 4 m is as diffuse as boxes get. 0.4 s: 1 - α =
        // exp(-0.161 · 64 / (96 · 0.4)) = 0.765, of the amplitude sqrt(0.765) = 0.874.
        let cube =
            Room { size_m: [4.0; 3], source_m: [1.1, 2.3, 1.4], microphone_m: [2.9, 1.3, 1.7] };
        let reflection = cube.reflection(0.4);
        assert!((reflection - 0.874).abs() < 0.04, "{reflection}");
    }

    #[test]
    fn a_known_decay_is_measured() {
        // 10^(-3 t / T) in amplitude is 60 dB in T.
        let decay: Vec<f32> =
            (0..16_000u16).map(|n| 10f32.powf(-3.0 * f32::from(n) / 16_000.0 / 0.5)).collect();
        let found = reverberation_time(&decay, RATE_HZ).unwrap();
        assert!((found - 0.5).abs() < 0.002, "{found}");
        assert_eq!(reverberation_time(&[1.0; 100], RATE_HZ), None);
        assert_eq!(reverberation_time(&[], RATE_HZ), None);
        assert_eq!(reverberation_time(&[0.0; 100], RATE_HZ), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_room_and_another_seed_another() {
        assert_eq!(rooms(3).next(), rooms(3).next());
        assert_ne!(rooms(3).next(), rooms(4).next());
        for room in rooms(5).take(200) {
            assert!((0.5..=3.0).contains(&room.distance_m()), "{room:?}");
        }
    }
}
