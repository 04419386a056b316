//! Noise that is kept for testing: no training may mix it in, or the robustness card would ask a
//! model about what it has heard. The one place that says which; training and the card both ask
//! here.

use crate::train::corpus::Clip;

/// Corpora of a manifest that are for testing as a whole: responses of real rooms.
const CORPORA: [&str; 1] = ["noise:ir"];

/// Music is for testing but for these recordings, by what their names begin with: jazz, an
/// orchestra, a trumpet, drums. Kept back are strings, a song with its singer, synthesizers, a
/// beat.
const MUSIC: &str = "noise:music";
const MUSIC_TO_TRAIN: [&str; 5] = ["Kevin_MacLeod", "sorohanro", "break12", "break28", "break29"];

/// Sounds of surroundings, cut into folds so that pieces of one recording share a fold (Piczak,
/// ESC, ACM Multimedia 2015); a file's name begins with its fold.
const ENVIRONMENT: &str = "noise:esc10";
const ENVIRONMENT_FOLDS: [&str; 2] = ["4", "5"];

/// Whether a clip of noise is for testing only.
pub fn is_test_noise(clip: &Clip) -> bool {
    let name = clip.path.file_name().unwrap_or_default().to_string_lossy();
    match clip.corpus.as_str() {
        ENVIRONMENT => {
            name.split_once('-').is_some_and(|(fold, _)| ENVIRONMENT_FOLDS.contains(&fold))
        }
        MUSIC => !MUSIC_TO_TRAIN.iter().any(|begin| name.starts_with(begin)),
        corpus => CORPORA.contains(&corpus),
    }
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
    fn most_music_and_real_rooms_are_for_testing_and_other_noise_is_for_training() {
        check("noise:music", "noise/music/webaudio/breakbeat.opus", true);
        check("noise:music", "noise/music/librosa/Karissa_Hobbs_-_Lets_Go_Fishin.opus", true);
        check("noise:music", "noise/music/webaudio/break12.opus", false);
        check("noise:ir", "noise/ir/speechbrain/rir1.flac", true);
        check("noise:kitchen", "noise/kitchen/picovoice/4-kitchen.opus", false);
    }
}
