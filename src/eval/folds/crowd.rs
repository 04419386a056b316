//! How close a model comes to what most listeners heard. Pure functions; the votes are read in
//! `train::votes`.

/// The label with the most votes; none where two share the first place.
pub fn plurality(shares: &[f64]) -> Option<usize> {
    let most = shares.iter().copied().fold(0.0, f64::max);
    let mut first = (0..shares.len()).filter(|&label| shares[label] == most);
    let label = first.next()?;
    first.next().is_none().then_some(label)
}

/// Jensen-Shannon divergence in bits (Lin 1991): 0 is the same, 1 nothing in common.
pub fn jensen_shannon(a: &[f64], b: &[f64]) -> f64 {
    let towards_middle = |own: f64, other: f64| match own {
        0.0 => 0.0,
        _ => own * (2.0 * own / (own + other)).log2(),
    };
    let pairs = a.iter().zip(b);
    0.5 * pairs.map(|(&a, &b)| towards_middle(a, b) + towards_middle(b, a)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[f64], b: &[f64], expected: f64) {
        let found = jensen_shannon(a, b);
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    #[test]
    fn divergence_goes_from_the_same_to_nothing_in_common() {
        check(&[0.3, 0.7], &[0.3, 0.7], 0.0);
        check(&[1.0, 0.0], &[0.0, 1.0], 1.0);
        // Middle (3/4, 1/4): ½ log2(4/3) + ½ (½ log2(2/3) + ½ log2 2) = 0.311278.
        check(&[1.0, 0.0], &[0.5, 0.5], 0.311_278);
    }

    #[test]
    fn only_a_single_winner_is_a_plurality() {
        assert_eq!(plurality(&[0.2, 0.5, 0.3]), Some(1));
        assert_eq!(plurality(&[0.4, 0.2, 0.4]), None);
    }
}
