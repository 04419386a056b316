//! One direction of the LSTM over a window whose input projections are there. No allocation after
//! construction.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::model::stream::activation::{Gates, lstm_step};
use crate::model::stream::matrix::{Matrix, PANEL, load, store, sums_of_row};
use crate::model::stream::vector::{Processor, padded};

/// Which way it walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// The layer.
#[derive(Debug)]
pub struct Recurrent {
    pub processor: Processor,
    pub direction: Direction,
    /// Units, without filling.
    pub hidden: usize,
    /// From the state to the gates input, forget, output, candidate, each filled up by itself.
    pub matrix: Matrix,
}

/// Where it stands.
#[derive(Debug)]
pub struct Standing {
    state: Vec<f32>,
    cell: Vec<f32>,
    gates: Vec<f32>,
    /// Cells after each step, kept to go on from.
    cells: Vec<f32>,
}

impl Recurrent {
    /// For windows of up to so many steps.
    pub fn stand(&self, steps_max: usize) -> Standing {
        let width = padded(self.hidden);
        Standing {
            state: vec![0.0; width],
            cell: vec![0.0; width],
            gates: vec![0.0; 4 * width],
            cells: vec![0.0; steps_max * width],
        }
    }

    /// Walks over the steps of `projected`, `[steps, 4·padded(hidden)]`, and writes its states into
    /// `states`, rows of `stride` that begin with `[2, padded(hidden)]`. Those before `from` are
    /// there already: forward the walk begins with `from`, backward with the last all the same.
    pub fn walk(
        &self,
        standing: &mut Standing,
        projected: &[f32],
        from: usize,
        stride: usize,
        states: &mut [f32],
    ) {
        let width = padded(self.hidden);
        standing.state.fill(0.0);
        standing.cell.fill(0.0);
        if self.direction == Direction::Forward && 0 < from {
            standing.state.copy_from_slice(&states[(from - 1) * stride..][..width]);
            standing.cell.copy_from_slice(&standing.cells[(from - 1) * width..][..width]);
        }
        let steps = projected.len() / (4 * width);
        self.processor.run(Walk {
            layer: self,
            standing,
            projected,
            steps: from..steps,
            stride,
            states,
        });
    }
}

struct Walk<'a> {
    layer: &'a Recurrent,
    standing: &'a mut Standing,
    projected: &'a [f32],
    steps: Range<usize>,
    stride: usize,
    states: &'a mut [f32],
}

impl WithSimd for Walk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.layer.direction {
            Direction::Forward => {
                for step in self.steps.clone() {
                    self.step(simd, step);
                }
            }
            Direction::Backward => {
                for step in (0..self.steps.end).rev() {
                    self.step(simd, step);
                }
            }
        }
    }
}

impl Walk<'_> {
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, step: usize) {
        let width = padded(self.layer.hidden);
        let vectors = 4 * width / S::F32_LANES;
        let panels = vectors / PANEL;
        for index in 0..panels {
            // To and fro, so that a step begins with the weights that the one before ended with:
            // they are still in the cache nearest by.
            let index = if step.is_multiple_of(2) { index } else { panels - 1 - index };
            self.gates::<S>(simd, step, PANEL * index);
        }
        let standing = &mut *self.standing;
        let (gates, _) = S::as_simd_f32s(&standing.gates);
        let (cells, _) = S::as_mut_simd_f32s(&mut standing.cell);
        let (states, _) = S::as_mut_simd_f32s(&mut standing.state);
        let count = cells.len();
        let [input, forget, output, candidate] =
            [0, 1, 2, 3].map(|gate| &gates[gate * count..][..count]);
        for (index, (cell, state)) in cells.iter_mut().zip(states).enumerate() {
            let gates = Gates::<S> {
                input: input[index],
                forget: forget[index],
                output: output[index],
                candidate: candidate[index],
            };
            [*cell, *state] = lstm_step(simd, gates, *cell);
        }
        let begin = match self.layer.direction {
            Direction::Forward => step * self.stride,
            Direction::Backward => step * self.stride + width,
        };
        self.states[begin..][..width].copy_from_slice(&standing.state);
        standing.cells[step * width..][..width].copy_from_slice(&standing.cell);
    }

    /// The sums of one panel. There are whole panels only: four gates of 16 units or a multiple.
    #[inline(always)]
    fn gates<S: Simd>(&mut self, simd: S, step: usize, first: usize) {
        let begin = first * S::F32_LANES;
        let row = &self.projected[4 * step * padded(self.layer.hidden)..];
        let state = &self.standing.state[..self.layer.hidden];
        let weights = self.layer.matrix.panel::<S, PANEL>(first);
        let sums = sums_of_row(simd, weights, state, load::<S, PANEL>(&row[begin..]));
        store::<S, PANEL>(sums, &mut self.standing.gates[begin..]);
    }
}
