//! A model whose time is taken, for the health that the worker tells. Runs on the worker.

use std::time::{Duration, Instant};

use crate::model::predictor::{Batch, Predict, Prediction, Predictor, Window};
use crate::model::stream::Stream;

/// A predictor whose time is taken.
pub struct Timed {
    pub predictor: Predictor,
    pub spent: Duration,
    pub count: u32,
}

impl Timed {
    pub fn new(predictor: Predictor) -> Self {
        Self { predictor, spent: Duration::ZERO, count: 0 }
    }
}

impl Predict for Timed {
    fn open(&self) -> Option<Stream> {
        self.predictor.open()
    }

    fn follow(&mut self, stream: &mut Stream, window: Window) -> Prediction {
        let begun = Instant::now();
        let prediction = self.predictor.follow(stream, window);
        self.spent += begun.elapsed();
        self.count += 1;
        prediction
    }

    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        let begun = Instant::now();
        let prediction = self.predictor.predict(features, frames);
        self.spent += begun.elapsed();
        self.count += 1;
        prediction
    }

    fn embedding(&mut self, features: &[f32], frames: usize) -> Vec<f32> {
        self.predictor.embedding(features, frames)
    }

    fn predict_batch(&mut self, batch: Batch, answers: &mut Vec<Prediction>) {
        let begun = Instant::now();
        self.predictor.predict_batch(batch, answers);
        self.spent += begun.elapsed();
        self.count += 1;
    }
}
