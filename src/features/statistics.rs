//! What a window is like on the whole: mean and standard deviation of each coefficient, and how far
//! it moves from frame to frame. Pure; any thread. No allocation where `out` has the room.

/// Numbers that [`add_statistics`] adds for rows of so many coefficients.
pub const fn statistics_of(coefficients: usize) -> usize {
    2 * coefficients
}

/// Adds the means over `[frames, coefficients]`, then the standard deviations.
pub fn add_statistics(rows: &[f32], coefficients: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + statistics_of(coefficients), 0.0);
    let (means, deviations) = out[start..].split_at_mut(coefficients);
    let share = 1.0 / (rows.len() / coefficients).max(1) as f32;
    for row in rows.chunks_exact(coefficients) {
        means.iter_mut().zip(row).for_each(|(mean, value)| *mean += share * value);
    }
    for row in rows.chunks_exact(coefficients) {
        for ((sum, value), mean) in deviations.iter_mut().zip(row).zip(&*means) {
            *sum += share * (value - mean) * (value - mean);
        }
    }
    deviations.iter_mut().for_each(|sum| *sum = sum.sqrt());
}

/// Adds the mean step of each coefficient from one frame to the next, up or down alike.
pub fn add_steps(rows: &[f32], coefficients: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + coefficients, 0.0);
    let next = rows.chunks_exact(coefficients).skip(1);
    let share = 1.0 / next.len().max(1) as f32;
    for (row, next) in rows.chunks_exact(coefficients).zip(next) {
        for ((sum, value), next) in out[start..].iter_mut().zip(row).zip(next) {
            *sum += share * (next - value).abs();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_down_is_as_far_as_a_step_up() {
        let mut out = vec![9.0];
        add_steps(&[1.0, 5.0, 3.0, 5.0, 2.0, 5.0], 2, &mut out);
        assert_eq!(out, [9.0, 1.5, 0.0]);
        add_steps(&[1.0], 1, &mut out);
        add_steps(&[], 1, &mut out);
        assert_eq!(out[3..], [0.0, 0.0]);
    }

    #[test]
    fn means_come_first_and_deviations_behind() {
        let mut out = vec![9.0];
        add_statistics(&[1.0, 5.0, 3.0, 5.0], 2, &mut out);
        assert_eq!(out, [9.0, 2.0, 5.0, 1.0, 0.0]);
        add_statistics(&[], 1, &mut out);
        assert_eq!(out[5..], [0.0, 0.0]);
    }
}
