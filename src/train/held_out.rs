//! Noise that is kept for testing: no training may mix it in, or the robustness card would ask a
//! model about what it has heard. The one place that says which; training and the card both ask
//! here.

use crate::train::corpus::Clip;

/// Corpora of a manifest that are for testing as a whole: music, and responses of real rooms.
const CORPORA: [&str; 2] = ["noise:music", "noise:ir"];

/// Sounds of surroundings, cut into folds so that pieces of one recording share a fold (Piczak,
/// ESC, ACM Multimedia 2015); a file's name begins with its fold.
const ENVIRONMENT: &str = "noise:esc10";
const ENVIRONMENT_FOLDS: [&str; 2] = ["4", "5"];

/// Whether a clip of noise is for testing only.
pub fn is_test_noise(clip: &Clip) -> bool {
    CORPORA.contains(&clip.corpus.as_str())
        || clip.corpus == ENVIRONMENT && fold(clip).is_some_and(|fold| is_test_fold(&fold))
}

fn fold(clip: &Clip) -> Option<String> {
    let name = clip.path.file_name()?.to_string_lossy().into_owned();
    name.split_once('-').map(|(fold, _)| fold.to_owned())
}

fn is_test_fold(fold: &str) -> bool {
    ENVIRONMENT_FOLDS.contains(&fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(corpus: &str, path: &str, expected: bool) {
        let clip = Clip {
            path: path.into(),
            corpus: corpus.to_owned(),
            speaker: String::new(),
            emotion: String::new(),
            licence: String::new(),
        };
        assert_eq!(is_test_noise(&clip), expected, "{path}");
    }

    #[test]
    fn the_last_two_folds_of_the_surroundings_are_for_testing() {
        check("noise:esc10", "noise/esc10/rain/1-17367-A.opus", false);
        check("noise:esc10", "noise/esc10/rain/3-143929-A.opus", false);
        check("noise:esc10", "noise/esc10/rain/4-180380-A.opus", true);
        check("noise:esc10", "noise/esc10/rain/5-181766-A.opus", true);
        check("noise:esc10", "noise/esc10/rain/55-181766-A.opus", false);
    }

    #[test]
    fn music_and_real_rooms_are_for_testing_and_other_noise_is_for_training() {
        check("noise:music", "noise/music/webaudio/break12.opus", true);
        check("noise:ir", "noise/ir/speechbrain/rir1.flac", true);
        check("noise:kitchen", "noise/kitchen/picovoice/4-kitchen.opus", false);
    }
}
