//! The allocator of this test binary: the system's, with a count per thread, so that tests run
//! side by side.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread::LocalKey;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    // Constant at start, so that the first look at them does not allocate.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static FREES: Cell<u64> = const { Cell::new(0) };
}

/// How often `work` asks this thread's allocator for memory, for more of it included.
pub fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// The same, and how often it gives memory back; the audio thread may do neither.
pub fn allocations_and_frees(work: impl FnOnce()) -> u64 {
    let before = FREES.get();
    let allocations = allocations(work);
    allocations + FREES.get() - before
}

fn count(counter: &'static LocalKey<Cell<u64>>) {
    counter.set(counter.get() + 1);
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(&ALLOCATIONS);
        // SAFETY: the caller keeps the contract of `realloc`; the memory came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(&FREES);
        // SAFETY: the caller keeps the contract of `dealloc`; the memory came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn an_allocation_its_growth_and_its_end_are_seen() {
    let work = || {
        let mut bytes = std::hint::black_box(vec![0_u8; 10]);
        bytes.reserve_exact(1000);
        drop(std::hint::black_box(bytes));
    };
    assert_eq!(allocations(work), 2);
    assert_eq!(allocations_and_frees(work), 3);
}

#[test]
fn other_threads_are_not_counted() {
    let meeting = std::sync::Arc::new(std::sync::Barrier::new(2));
    let theirs = std::sync::Arc::clone(&meeting);
    let other = std::thread::spawn(move || {
        theirs.wait();
        std::hint::black_box(vec![0_u8; 100]);
        theirs.wait();
    });
    let counted = allocations_and_frees(|| {
        meeting.wait();
        meeting.wait();
    });
    other.join().expect("it only allocates");
    assert_eq!(counted, 0);
}
