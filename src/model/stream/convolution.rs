//! One convolution of the network with its normalisation, rectifier and, maybe, pooling. A row of a
//! window is computed once and kept; only what a zero beyond the window's ends reaches is computed
//! again as the window goes on. No allocation after construction.

use std::ops::Range;

use crate::model::stream::matrix::{Finish, Given, Matrix};
use crate::model::stream::track::{Changed, Track};

/// The layer.
#[derive(Debug)]
pub struct Convolution {
    /// Inputs are the taps of the kernel, the earliest first, each with all channels.
    pub taps: Matrix,
    /// Numbers in a row of the input.
    pub width: usize,
    /// Rows to each side that an output looks at.
    pub reach: usize,
    /// The larger of each two outputs is kept.
    pub is_pooled: bool,
    /// First numbers of an input's row that are added to its output; 0 of a layer that adds none.
    pub added: usize,
}

/// What is kept of its outputs.
#[derive(Debug)]
pub struct Kept {
    pub track: Track,
    /// Before the pooling.
    outputs: Vec<f32>,
}

impl Convolution {
    /// Rows that come out for so many that go in.
    pub fn rows_out(&self, rows: usize) -> usize {
        if self.is_pooled { rows / 2 } else { rows }
    }

    /// For windows of up to so many rows.
    pub fn keep(&self, rows_max: usize) -> Kept {
        let track = Track::new(self.taps.outputs(), self.rows_out(rows_max));
        let outputs = if self.is_pooled { rows_max * self.taps.outputs() } else { 0 };
        Kept { track, outputs: vec![0.0; outputs] }
    }

    /// Computes what has changed, given all rows of the window and which of them have; says which
    /// rows of the output have.
    pub fn update(&self, input: &[f32], changed: Changed, kept: &mut Kept) -> Changed {
        let changed = changed.convolved(self.reach);
        let rows = input.len() / self.width;
        if !self.is_pooled {
            for range in changed.ranges(rows) {
                self.compute(input, range.clone(), kept.track.rows_mut(range));
            }
            return changed;
        }
        let changed = changed.halved();
        let width = self.taps.outputs();
        for range in changed.ranges(rows / 2) {
            let outputs = &mut kept.outputs[..2 * range.len() * width];
            self.compute(input, 2 * range.start..2 * range.end, outputs);
            let pairs = outputs.chunks_exact(2 * width);
            for (kept, pair) in kept.track.rows_mut(range).chunks_exact_mut(width).zip(pairs) {
                let (one, other) = pair.split_at(width);
                for ((kept, one), other) in kept.iter_mut().zip(one).zip(other) {
                    *kept = if *one > *other || one.is_nan() { *one } else { *other };
                }
            }
        }
        changed
    }

    /// Writes the outputs of these rows; beyond the ends of the input are zeros.
    fn compute(&self, input: &[f32], range: Range<usize>, mut output: &mut [f32]) {
        let rows = input.len() / self.width;
        let mut row = range.start;
        while row < range.end {
            // All taps are there for a stretch of rows; near the ends it is one row at a time.
            let whole = self.reach..rows.saturating_sub(self.reach);
            let count = if whole.contains(&row) { whole.end.min(range.end) - row } else { 1 };
            let first = row.saturating_sub(self.reach);
            let last = (row + self.reach + 1).min(rows);
            let tap = |input_row: usize| (input_row + self.reach - row) * self.width;
            let given = Given {
                rows: &input[first * self.width..(last + count - 1) * self.width],
                stride: self.width,
                taken: tap(first)..tap(last),
            };
            let (now, later) = output.split_at_mut(count * self.taps.outputs());
            self.taps.product(given, Finish::Relu, now);
            if 0 < self.added {
                let rows = input[row * self.width..].chunks(self.width);
                for (out, own) in now.chunks_exact_mut(self.taps.outputs()).zip(rows) {
                    out.iter_mut().zip(&own[..self.added]).for_each(|(out, own)| *out += own);
                }
            }
            output = later;
            row += count;
        }
    }
}
