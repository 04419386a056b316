//! Lessons in two dimensions.

use super::*;

fn example(recording: u32, target: f32, embedding: [f32; 2]) -> Example {
    Example { recording, target, said: Vec::new(), embedding: embedding.to_vec() }
}

/// Calm along the first axis and tense along the second, in three recordings each; how loud
/// each is as a slider.
fn lesson() -> Lesson {
    let mut lesson = Lesson::default();
    for recording in 1..=3 {
        for index in 0..6_u8 {
            let along = 2.0 + 0.1 * f32::from(index) + 0.05 * recording as f32;
            lesson.add("calm", Kind::Label, example(recording, 1.0, [along, 0.1]));
            lesson.add("tense", Kind::Label, example(recording + 3, 1.0, [0.1, along]));
            let target = (along - 2.0).min(1.0);
            lesson.add("loud", Kind::Slider, example(recording + 6, target, [along, 0.1]));
        }
    }
    lesson
}

fn said(embedding: [f32; 2]) -> Vec<f32> {
    let mut head = Head::train(&lesson()).expect("enough of all");
    assert_eq!(head.names(), ["calm", "tense", "none", "loud"]);
    let mut out = vec![0.0; 4];
    head.apply(&embedding, &mut out);
    assert!((out[..3].iter().sum::<f32>() - 1.0).abs() < 1e-5, "{out:?}");
    out
}

#[test]
fn labels_sliders_and_what_is_none_of_them() {
    let calm = said([2.3, 0.1]);
    assert!(0.9 < calm[0] && calm[2] < 0.01 && (0.2..0.4).contains(&calm[3]), "{calm:?}");
    let tense = said([0.1, 2.4]);
    assert!(0.9 < tense[1] && tense[2] < 0.01, "{tense:?}");
    let far = said([9.0, 9.0]);
    assert!(0.99 < far[2], "{far:?}");
}

#[test]
fn what_is_no_number_says_nothing() {
    let mut head = Head::train(&lesson()).expect("enough of all");
    let mut out = [0.5; 4];
    head.apply(&[f32::NAN, 1.0], &mut out);
    assert_eq!(out, [0.5; 4]);
}

#[test]
fn the_score_is_of_recordings_that_were_left_out() {
    let found = score(&lesson()).expect("enough of all");
    assert_eq!((found.share, found.is_of_halves), (1.0, false));
    assert_eq!(found.confusion, [[18, 0], [0, 18]]);
    // Labels that were thrown like a coin: what was left out is found no better than that.
    let mut random = Lesson::default();
    for recording in 0..6 {
        let name = ["calm", "tense"][recording % 2];
        for index in 0..5_u8 {
            let place = [f32::from(index), [1.0, 1.3, 1.1, 0.7, 1.2, 0.9][recording]];
            let recording = u32::try_from(recording).expect("small") + 1;
            random.add(name, Kind::Label, example(recording, 1.0, place));
        }
    }
    let found = score(&random).expect("enough of all");
    assert!(found.share < 0.8, "{found:?}");
    let mut once = Lesson::default();
    for index in 0..10_u8 {
        let along = f32::from(index) / 10.0;
        once.add("calm", Kind::Label, example(1, 1.0, [2.0 + along, 0.0]));
        once.add("tense", Kind::Label, example(2, 1.0, [0.0, 2.0 + along]));
    }
    let found = score(&once).expect("enough of all");
    assert_eq!((found.share, found.is_of_halves), (1.0, true));
}

#[test]
fn labels_shown_more_often_are_no_likelier() {
    let mut lesson = Lesson::default();
    (0..60).for_each(|_| lesson.add("calm", Kind::Label, example(1, 1.0, [1.0, 0.0])));
    (0..6).for_each(|_| lesson.add("tense", Kind::Label, example(2, 1.0, [0.0, 1.0])));
    let mut head = Head::train(&lesson).expect("enough of both");
    let mut out = [0.0; 3];
    head.apply(&[0.5, 0.5], &mut out);
    assert!((out[0] - out[1]).abs() < 0.02, "{out:?}");
}

#[test]
fn too_little_is_told() {
    let check = |lesson: &Lesson, expected: &str| {
        let error = Head::train(lesson).expect_err(expected).to_string();
        assert!(error.starts_with("two labels with 5 examples each are needed"), "{error}");
        assert!(error.ends_with(expected), "{error}");
    };
    check(&Lesson::default(), "nothing was shown");
    let mut lesson = Lesson::default();
    (0..5).for_each(|_| lesson.add("calm", Kind::Label, example(1, 1.0, [1.0, 0.0])));
    check(&lesson, "there is calm alone");
    (0..3).for_each(|_| lesson.add("tense", Kind::Label, example(2, 1.0, [0.0, 1.0])));
    check(&lesson, "tense has 3");
    let mut slider = Lesson::default();
    (0..5).for_each(|_| slider.add("loud", Kind::Slider, example(1, 0.3, [1.0, 0.0])));
    check(&slider, "loud was shown at one place only");
}
