//! Mixup: every example of a batch becomes a sum of itself and another one.

use rand::Rng;
use rand::rngs::StdRng;

use crate::messages::Dimensions;
use crate::train::batch::Batch;

/// Mixup (Zhang et al., ICLR 2018): every example becomes a sum of itself and another one; their
/// coordinates are mixed alike.
pub fn mix(batch: &mut Batch, labels: usize, rng: &mut StdRng) {
    let own: f32 = rng.random_range(0.5..1.0);
    let other = batch.clone();
    let shift = rng.random_range(1..batch.size.max(2));
    let rows = batch.features.len() / batch.size;
    for index in 0..batch.size {
        let partner = (index + shift) % batch.size;
        let blend = |out: &mut [f32], with: &[f32]| {
            for (value, with) in out.iter_mut().zip(with) {
                *value = own * *value + (1.0 - own) * with;
            }
        };
        blend(
            &mut batch.features[index * rows..][..rows],
            &other.features[partner * rows..][..rows],
        );
        blend(
            &mut batch.targets[index * labels..][..labels],
            &other.targets[partner * labels..][..labels],
        );
        batch.dimensions[index] =
            other.dimensions[index].zip(other.dimensions[partner]).map(|(a, b)| Dimensions {
                arousal: own * a.arousal + (1.0 - own) * b.arousal,
                valence: own * a.valence + (1.0 - own) * b.valence,
                dominance: own * a.dominance + (1.0 - own) * b.dominance,
            });
    }
}
