//! Conversions between the units that this project speaks: decibels, seconds, samples.
//! Names nothing else of the crate; pure functions, safe on every thread.

/// The rate that the analysis runs at. Every corpus of the field is distributed at 16 kHz or above,
/// and speech above 8 kHz carries little of what the features see.
pub const ANALYSIS_RATE_HZ: u32 = 16_000;

/// Rates that any source may have, in Hz.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=768_000;

/// Whether sound of this rate can be brought to [`ANALYSIS_RATE_HZ`] in blocks of at most 50 ms.
/// All usual rates can; 44101 Hz would need blocks of a second.
pub fn is_usual_rate(rate_hz: u32) -> bool {
    const BLOCKS_PER_S_MIN: u32 = 20;
    RATES_HZ.contains(&rate_hz) && BLOCKS_PER_S_MIN <= common_divisor(rate_hz, ANALYSIS_RATE_HZ)
}

/// The greatest one, by Euclid.
fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// Level reported for digital silence; 24-bit audio has its floor at -144 dBFS, 16-bit at -96.
pub const SILENCE_DB: f32 = -120.0;

/// Amplitude (1 = full scale) to dBFS, never below [`SILENCE_DB`]. NaN reads as silence.
pub fn amplitude_to_db(amplitude: f32) -> f32 {
    let db = 20.0 * amplitude.abs().log10();
    if db > SILENCE_DB { db } else { SILENCE_DB }
}

/// dB to a factor on the amplitude.
pub fn db_to_amplitude(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// Level in dBFS mapped to 0..1 for receivers that want no decibels: -60 dBFS and below is 0.
pub fn level_to_norm(level_db: f32) -> f32 {
    const QUIET_DB: f32 = -60.0;
    ((level_db - QUIET_DB) / -QUIET_DB).clamp(0.0, 1.0)
}

/// How far a one-pole smoother moves towards its target within `step_s`, for a time constant in
/// seconds. A time constant of 0 follows at once.
pub fn one_pole_step(step_s: f32, time_constant_s: f32) -> f32 {
    if time_constant_s <= 0.0 {
        return 1.0;
    }
    1.0 - (-step_s / time_constant_s).exp()
}

/// Rounds to f32, for tables that are computed in f64 and kept in f32.
#[expect(clippy::cast_possible_truncation, reason = "the rounding is what is asked for")]
pub fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Nearest whole number of frames or samples; 0 for what is negative or NaN.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates at both ends and makes NaN 0"
)]
pub fn to_count(value: f64) -> usize {
    value.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_of_sound_cards_are_usual_and_others_are_not() {
        for rate_hz in [8000, 11_025, 22_050, 37_800, 44_100, 48_000, 88_200, 96_000, 384_000] {
            assert!(is_usual_rate(rate_hz), "{rate_hz}");
        }
        for rate_hz in [0, 1, 3999, 44_101, 47_999, 768_001, u32::MAX] {
            assert!(!is_usual_rate(rate_hz), "{rate_hz}");
        }
    }

    #[test]
    fn full_scale_is_zero_db_and_half_is_six_below() {
        assert_eq!(amplitude_to_db(1.0), 0.0);
        assert!((amplitude_to_db(0.5) + 6.0206).abs() < 1e-4); // 20 log10 0.5
    }

    #[test]
    fn silence_and_nan_read_as_the_floor() {
        assert_eq!(amplitude_to_db(0.0), SILENCE_DB);
        assert_eq!(amplitude_to_db(f32::NAN), SILENCE_DB);
    }

    #[test]
    fn decibels_survive_the_way_there_and_back() {
        for db in [-60.0, -6.0, 0.0] {
            assert!((amplitude_to_db(db_to_amplitude(db)) - db).abs() < 1e-4);
        }
    }

    #[test]
    fn a_count_is_rounded_and_never_negative() {
        let counts = [0.4, 0.5, 79.999_999, -3.0, f64::NAN].map(to_count);
        assert_eq!(counts, [0, 1, 80, 0, 0]);
    }

    #[test]
    fn one_time_constant_covers_63_percent() {
        assert!((one_pole_step(0.3, 0.3) - 0.632_12).abs() < 1e-4); // 1 - 1/e
        assert_eq!(one_pole_step(0.1, 0.0), 1.0);
    }
}
