//! Numbers too near to 0 for their format's full precision count as 0 on the audio thread: a
//! filter that rings out would otherwise take up to a hundred times as long for silence.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// Runs `work` with denormal numbers flushed to 0, on processors that can.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub fn without_denormals<T>(work: impl FnOnce() -> T) -> T {
    #[expect(unsafe_code, reason = "the crate says so: Rust takes the processor's mode for fixed")]
    // SAFETY: nothing in here depends on denormals being exact, and the mode is set back behind
    // `work`. What the compiler may do, folding constants as if the mode were the usual one, only
    // keeps a denormal that the processor would have made 0.
    unsafe {
        no_denormals::no_denormals(work)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn without_denormals<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn half_of_the_smallest_normal_number_is_0_inside_and_not_outside() {
        let half = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        assert_eq!(without_denormals(half), 0.0);
        assert_ne!(half(), 0.0);
    }
}
