//! The vector instructions of this processor, found at run time, and memory that suits them.
//! Which work they do is left to the files that hand it in. Names no layer of the network.

use pulp::{Simd, WithSimd};

/// Rows of numbers are filled up with zeros to a multiple of this: 16 are the widest vector.
const PAD: usize = 16;

/// Length of a row of `count` numbers with its filling.
pub fn padded(count: usize) -> usize {
    count.next_multiple_of(PAD)
}

/// What this processor can do.
#[derive(Clone, Copy, Debug)]
pub enum Processor {
    /// AVX2 and fused multiplication and addition: x86 since 2013.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// NEON on Arm; on x86 numbers one by one. AVX-512 would need a feature of the crate that all
    /// of burn would be built anew for, and has no more multipliers than AVX2 on many processors.
    Other(pulp::Arch),
}

impl Processor {
    /// The best that is there.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Self::Avx2(simd);
        }
        Self::Other(pulp::Arch::new())
    }

    /// The best that is there, and numbers one by one or NEON.
    #[cfg(test)]
    pub fn all() -> [Self; 2] {
        [Self::detect(), Self::Other(pulp::Arch::new())]
    }

    /// Does `work` with these instructions.
    #[inline(always)]
    pub fn run<Work: WithSimd>(self, work: Work) -> Work::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, work),
            Self::Other(arch) => arch.dispatch(work),
        }
    }

    /// Numbers in a vector.
    pub fn lanes(self) -> usize {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        self.run(Lanes)
    }
}

/// Numbers that begin at the beginning of a cache line, so that no vector lies across two.
#[derive(Debug)]
pub struct Aligned {
    room: Vec<f32>,
    first: usize,
}

/// Bytes of a cache line on every processor that we know of but Apple's, which have 128.
const LINE_BYTES: usize = 64;

impl Aligned {
    pub fn zeros(count: usize) -> Self {
        let room = vec![0.0; count + LINE_BYTES / size_of::<f32>()];
        // Too large where the platform cannot tell; then anywhere is right.
        let first = room.as_ptr().align_offset(LINE_BYTES).min(room.len() - count);
        Self { room, first }
    }

    pub fn as_slice(&self) -> &[f32] {
        &self.room[self.first..]
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.room[self.first..]
    }
}
