//! What tells a voice from other sounds: learnt by command, kept in the card, and heard live.

use std::path::Path;

use affectd::config::{self, Overrides};
use affectd::engine::step::Engine;
use affectd::model::backend::{self, Choice};
use affectd::model::card::Card;
use affectd::model::outlier::OutlierSpec;
use affectd::train::melody::melody;
use affectd::wav::{self, Sound};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::harness::{copy_of_the_model, project};
use crate::models::{check, write};
use crate::training::{Corpus, DemoClip, demo_clips};

const RATE_HZ: u32 = 16_000;

/// Seeds and lengths that no training has.
fn tune(seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(1_000_000 + seed);
    let mut sound = melody(6 * RATE_HZ as usize, &mut rng);
    let peak = sound.iter().fold(f32::MIN_POSITIVE, |peak: f32, sample| peak.max(sample.abs()));
    sound.iter_mut().for_each(|sample| *sample *= 0.5 / peak);
    sound
}

/// How many of the sounds the live engine takes for a voice that it knows.
fn known(model: &Path, sounds: &[Vec<f32>]) -> usize {
    let mut model = backend::load(model, Choice::Cpu).expect("the model is whole").predictor;
    let card = model.card().clone();
    let config = config::parse("a.toml".as_ref(), "", &Overrides::default()).expect("defaults");
    let mut count = 0;
    for sound in sounds {
        let mut engine = Engine::new(RATE_HZ, &card, &config).expect("the rate is usual");
        let mut is_known = false;
        engine.step(sound, &mut model, &mut |update| is_known |= update.voice_known);
        count += usize::from(is_known);
    }
    count
}

/// Several of the demo voice's sentences at once, one of them begun anew as it ends.
fn crowd() -> Vec<f32> {
    let mut sum = vec![0.0; 8 * RATE_HZ as usize];
    for DemoClip { sound, .. } in demo_clips() {
        let level = sound.samples.iter().map(|sample| sample * sample).sum::<f32>();
        let factor = 0.05 / (level / sound.samples.len() as f32).sqrt();
        assert_eq!(sound.rate_hz, RATE_HZ);
        let samples = sound.samples.iter().cycle();
        sum.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += factor * sample);
    }
    sum
}

#[test]
fn the_shipped_model_knows_a_voice_from_a_crowd_and_music_that_it_never_heard() {
    let (_folder, without) = copy_of_the_model();
    let mut card = Card::load(&without).unwrap();
    let weights = card.read_weights(&without).unwrap();
    assert!(card.outlier.take().is_some(), "it ships with one");
    write(&without, &card, weights);
    let shipped = project().join("models/affectd-3");
    let tunes: Vec<Vec<f32>> = (0..24).map(tune).collect();
    let (before, now) = (known(&without, &tunes), known(&shipped, &tunes));
    assert!(now <= 1 && now < before, "{before} of 24 before, {now} now");
    assert_eq!((known(&without, &[crowd()]), known(&shipped, &[crowd()])), (1, 0));

    let voice = wav::read_file(&project().join("examples/demo_voice.flac")).unwrap();
    assert_eq!(voice.rate_hz, RATE_HZ);
    let voice = [voice.samples];
    assert_eq!((known(&without, &voice), known(&shipped, &voice)), (1, 1));
}

#[test]
fn one_that_is_damaged_missing_or_of_another_shape_is_refused() {
    let (_folder, model) = copy_of_the_model();
    let path = model.join("outlier.safetensors");
    let card = std::fs::read_to_string(model.join("model.toml")).unwrap();
    let told = |says: &str| {
        check(&["model", "verify", model.to_str().unwrap()], 6, &["outlier", says]);
    };
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    told("SHA-256");
    std::fs::remove_file(&path).unwrap();
    told("cannot read");
    std::fs::write(&path, whole).unwrap();
    std::fs::write(model.join("model.toml"), card.replace("lstm = 16", "lstm = 17")).unwrap();
    told("does not fit the network");
    let refused = |change: &dyn Fn(&mut OutlierSpec), says: &[&str]| {
        let mut card: Card = toml::from_str(&card).unwrap();
        change(card.outlier.as_mut().unwrap());
        std::fs::write(model.join("model.toml"), toml::to_string(&card).unwrap()).unwrap();
        check(&["model", "card", model.to_str().unwrap()], 6, says);
    };
    refused(&|outlier| outlier.network.pooled = 9, &["outlier.network.pooled is 9", "0 to 3"]);
    refused(&|outlier| outlier.moves.truncate(3), &["outlier.moves is 3 values", "87 numbers"]);
}

#[test]
fn it_is_learnt_by_command_and_entered_in_the_card() {
    let corpus = Corpus::make();
    let path = corpus.folder.path().join("band.wav");
    let sound = Sound { rate_hz: RATE_HZ, channels: 1, samples: tune(99) };
    wav::write_file(&path, &sound).unwrap();
    let manifest = corpus.path("manifest.csv");
    let rows = std::fs::read_to_string(&manifest).unwrap();
    let rows = format!("{rows}band.wav,noise:band,,,CC0,\nhole.wav,noise:hole,,,CC0,\n");
    std::fs::write(&manifest, rows).unwrap();
    let (_folder, model) = copy_of_the_model();
    let before = Card::load(&model).unwrap();
    let model_path = model.display().to_string();
    let learn = |noise: &str, melodies: &str| {
        let mut arguments = vec!["model".to_owned(), "outlier".to_owned(), model_path.clone()];
        arguments.extend(corpus.arguments("outlier").into_iter().skip(1));
        let more = ["--noise-corpora", noise, "--melodies", melodies];
        arguments.extend(["--crowds", "10", "--steps", "10"].map(str::to_owned));
        arguments.extend(more.map(str::to_owned));
        arguments
    };
    let told = |arguments: &[String], code, says: &[&str]| {
        check(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), code, says)
    };
    told(&learn("noise:hole", "20"), 1, &["nothing of noise:hole can be learnt from"]);
    told(&learn("noise:band", "0"), 2, &["--melodies"]);
    assert_eq!(Card::load(&model).unwrap(), before, "what fails changes nothing");

    let says = ["voices", "crowds", "noise:band", "melodies"].map(|k| format!("windows pass: {k}"));
    let says = says.each_ref().map(String::as_str);
    told(&learn("noise:band", "20"), 0, &says);
    let after = Card::load(&model).unwrap();
    assert_ne!(after.outlier, before.outlier);
    assert_eq!(after.sha256, before.sha256, "profiles of the model stay good");
    let command = &after.outlier.as_ref().unwrap().command;
    assert!(command.contains("MANIFEST") && command.ends_with("--steps 10"), "{command}");
    check(&["model", "card", &model_path], 0, &[command]);
    check(&["model", "verify", &model_path], 0, &[]);

    let once = after.outlier.clone();
    told(&learn("noise:band", "20"), 0, &says);
    let again = Card::load(&model).unwrap().outlier;
    assert_eq!(again.unwrap().sha256, once.unwrap().sha256, "the same sounds, the same weights");
}
