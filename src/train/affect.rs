//! Category-derived affect coordinates: where an emotion's name lies in pleasure, arousal and
//! dominance, and so what the second head is trained to say. Not ratings of the clips.

use crate::messages::Dimensions;

/// What the card says about the coordinates.
pub const SOURCE: &str = "category-derived affect coordinates, 0..1 with 0.5 neutral, from the \
     pleasure-arousal-dominance means of Russell and Mehrabian (1977), Journal of Research in \
     Personality 11, 273-294; not ratings of the clips";

/// Emotion, pleasure, arousal, dominance (-1..1) as in the source; `calm` is its `relaxed` and
/// `boredom` its `bored`.
const TABLE: [(&str, [f32; 3]); 9] = [
    ("angry", [-0.51, 0.59, 0.25]),
    ("boredom", [-0.65, -0.62, -0.33]),
    ("calm", [0.68, -0.46, 0.06]),
    ("disgust", [-0.60, 0.35, 0.11]),
    ("fearful", [-0.64, 0.60, -0.43]),
    ("happy", [0.81, 0.51, 0.46]),
    ("neutral", [0.0, 0.0, 0.0]),
    ("sad", [-0.63, -0.27, -0.33]),
    ("surprised", [0.40, 0.67, -0.13]),
];

/// Coordinates of an emotion as the manifests spell it.
pub fn coordinates(emotion: &str) -> Option<Dimensions> {
    let (_, [pleasure, arousal, dominance]) = TABLE.iter().find(|(name, _)| *name == emotion)?;
    let to_unit = |value: &f32| 0.5 + 0.5 * value;
    Some(Dimensions {
        arousal: to_unit(arousal),
        valence: to_unit(pleasure),
        dominance: to_unit(dominance),
    })
}

/// What the card of a model with these labels says about its coordinates.
pub fn described(labels: &[String]) -> String {
    let without: Vec<&str> =
        labels.iter().map(String::as_str).filter(|label| coordinates(label).is_none()).collect();
    match without.len() {
        0 => SOURCE.to_owned(),
        count if count == labels.len() => {
            "none: no label has coordinates, so all three stay near 0.5, neutral".to_owned()
        }
        _ => format!("{SOURCE}; {} have none and trained none", without.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anger_is_more_aroused_than_sadness_and_neutral_lies_in_the_middle() {
        let arousal = |emotion| coordinates(emotion).expect("in the table").arousal;
        assert!(arousal("sad") < 0.5 && 0.75 < arousal("angry"));
        assert_eq!(coordinates("neutral"), Some(Dimensions::NEUTRAL));
        assert_eq!(coordinates("bored"), None);
    }
    #[test]
    fn labels_without_coordinates_are_named_in_the_card() {
        let described = |labels: [&str; 2]| described(&labels.map(str::to_owned));
        assert_eq!(described(["angry", "sad"]), SOURCE);
        assert!(described(["angry", "smug"]).ends_with("; smug have none and trained none"));
        assert!(described(["coy", "smug"]).starts_with("none: "));
    }
}
