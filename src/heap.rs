//! Counts the calls to the heap of a piece of work, for `affectd plugins check`: ours, those of the
//! C library and those of plug-ins, all by stepping between the program and glibc. Part of the
//! program, not of the library, so that no test and no benchmark runs through it. Counts for each
//! thread apart; every thread runs through it, and never waits there.

use affectd::plugins::check::Calls;

/// Runs `work` and gives its calls on this thread; `None` where they cannot be counted.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(feature = "rtsan")
))]
pub fn count(work: &mut dyn FnMut()) -> Option<Calls> {
    let before = glibc::calls();
    work();
    let after = glibc::calls();
    Some(Calls {
        allocations: after.allocations - before.allocations,
        frees: after.frees - before.frees,
    })
}

/// Runs `work`. The real-time sanitizer steps between by itself, and other systems differ.
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(feature = "rtsan")
)))]
pub fn count(work: &mut dyn FnMut()) -> Option<Calls> {
    work();
    None
}

/// The names that glibc lets a program define ("Replacing malloc" in its manual), each handed on to
/// glibc's own. As libc.so has these names too, the linker exports ours, and whatever is loaded
/// later finds ours first.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(feature = "rtsan")
))]
mod glibc {
    use std::cell::Cell;
    use std::ffi::{c_int, c_void};
    use std::thread::LocalKey;

    use affectd::plugins::check::Calls;

    /// Of posix_memalign, on Linux: a boundary that is no power of two, and no memory.
    const EINVAL: c_int = 22;
    const ENOMEM: c_int = 12;

    thread_local! {
        // Constant at start and without an end, so that to look at them calls nothing.
        static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
        static FREES: Cell<u64> = const { Cell::new(0) };
    }

    #[expect(unsafe_code, reason = "foreign functions")]
    // SAFETY: glibc has exported these since 2.2.5, with the types of those without `__libc_`.
    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(memory: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_free(memory: *mut c_void);
        fn __libc_memalign(boundary: usize, size: usize) -> *mut c_void;
    }

    /// Of this thread, since it began.
    pub fn calls() -> Calls {
        Calls { allocations: ALLOCATIONS.get(), frees: FREES.get() }
    }

    fn add_to(counter: &'static LocalKey<Cell<u64>>) {
        counter.set(counter.get().wrapping_add(1));
    }

    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    extern "C" fn malloc(size: usize) -> *mut c_void {
        add_to(&ALLOCATIONS);
        // SAFETY: any size may be asked for.
        unsafe { __libc_malloc(size) }
    }

    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        add_to(&ALLOCATIONS);
        // SAFETY: any sizes may be asked for.
        unsafe { __libc_calloc(count, size) }
    }

    /// More of it counts as one allocation.
    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(memory: *mut c_void, size: usize) -> *mut c_void {
        add_to(&ALLOCATIONS);
        // SAFETY: the caller keeps the contract of realloc, and all memory is glibc's.
        unsafe { __libc_realloc(memory, size) }
    }

    /// To free nothing is no call.
    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(memory: *mut c_void) {
        if !memory.is_null() {
            add_to(&FREES);
        }
        // SAFETY: the caller keeps the contract of free, and all memory is glibc's.
        unsafe { __libc_free(memory) }
    }

    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    extern "C" fn memalign(boundary: usize, size: usize) -> *mut c_void {
        add_to(&ALLOCATIONS);
        // SAFETY: any boundary and any size may be asked for.
        unsafe { __libc_memalign(boundary, size) }
    }

    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    extern "C" fn aligned_alloc(boundary: usize, size: usize) -> *mut c_void {
        memalign(boundary, size)
    }

    #[expect(unsafe_code, reason = "the C library's name")]
    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(
        place: *mut *mut c_void,
        boundary: usize,
        size: usize,
    ) -> c_int {
        if !boundary.is_power_of_two() || boundary < size_of::<*mut c_void>() {
            return EINVAL;
        }
        let memory = memalign(boundary, size);
        if memory.is_null() {
            return ENOMEM;
        }
        // SAFETY: the caller gives a place for a pointer.
        unsafe { place.write(memory) };
        0
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::hint::black_box;

        fn counted(mut work: impl FnMut()) -> (u64, u64) {
            let calls = crate::heap::count(&mut work).unwrap();
            (calls.allocations, calls.frees)
        }

        #[test]
        fn an_allocation_its_growth_and_its_end_are_counted() {
            let work = || {
                let mut bytes = black_box(vec![0_u8; 10]);
                bytes.reserve_exact(1000);
                drop(black_box(bytes));
            };
            assert_eq!(counted(work), (2, 1));
            assert_eq!(counted(|| {}), (0, 0));
        }

        #[test]
        fn memory_on_a_boundary_is_counted_and_lies_on_it() {
            #[repr(align(4096))]
            struct Page([u8; 4096]);
            let work = || {
                let page = black_box(Box::new(Page([1; 4096])));
                assert_eq!((&raw const *page).addr() % 4096, 0);
                assert_eq!(page.0[4095], 1);
            };
            assert_eq!(counted(work), (1, 1));
        }

        #[test]
        fn what_the_c_library_asks_for_is_counted() {
            let mut path = std::path::PathBuf::new();
            // realpath allocates a text, which Rust copies and frees; the copy stays.
            assert_eq!(counted(|| path = std::fs::canonicalize("/").unwrap()), (2, 1));
            assert_eq!(path.as_os_str(), "/");
        }

        #[test]
        fn what_a_plug_in_asks_for_is_counted() {
            use affectd::plugins::check::{Check, check};
            let test = std::env::current_exe().unwrap();
            let folder = test.parent().unwrap().parent().unwrap().join("examples");
            // In this mode it allocates and frees once a block.
            let report = check(&Check {
                uri: &format!("clap:{}/libclap_naughty.so", folder.display()),
                set: &["mode=4".to_owned()],
                samples: &[0.5; 8000],
                channels: 1,
                rate_hz: 8000,
                block_frames: 80,
                count_heap: &crate::heap::count,
            });
            let pass = report.unwrap().still;
            // A hundred blocks in each of 11 seconds.
            assert_eq!((pass.blocks, pass.heap_blocks), (1100, 1100));
            assert_eq!(pass.heap, Some(Calls { allocations: 1100, frees: 1100 }));
        }

        #[test]
        fn other_threads_are_not_counted() {
            let work = || black_box(vec![0_u8; 1000]);
            let mut theirs = (0, 0);
            let thread = || theirs = counted(|| drop(work()));
            std::thread::scope(|scope| {
                let thread = scope.spawn(thread);
                let ours = counted(|| while !thread.is_finished() {});
                assert_eq!(ours, (0, 0));
            });
            assert_eq!(theirs, (1, 1));
        }

        #[test]
        fn a_boundary_that_is_none_is_refused() {
            let mut place = std::ptr::null_mut();
            for boundary in [0, 3, 4, 24] {
                #[expect(unsafe_code, reason = "a foreign function")]
                // SAFETY: the place is there.
                let code = unsafe { posix_memalign(&raw mut place, boundary, 100) };
                assert_eq!(code, EINVAL, "{boundary}");
            }
            assert!(place.is_null());
        }
    }
}
