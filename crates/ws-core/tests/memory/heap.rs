//! The allocator that counts.

#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// Counts what each thread takes and gives; a test runs on a thread of its own.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    pub(crate) static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(change: isize) {
    LIVE.set(LIVE.get() + change);
    PEAK.set(PEAK.get().max(LIVE.get()));
    if change > 0 {
        TOTAL.set(TOTAL.get() + change);
        CALLS.set(CALLS.get() + 1);
    }
}

// SAFETY: everything is handed on to the system's allocator as it came; counting touches no memory of the callers, and
// cells without a destructor can be used at any time in the life of a thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the rules of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it moves, both are there.
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the rules of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What the heap of this thread did in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// More than before.
    pub(crate) live: isize,
    /// The most at any time.
    pub(crate) peak: isize,
    /// The sum of all that was taken.
    pub(crate) total: isize,
    /// How often some was taken.
    pub(crate) calls: usize,
}

pub(crate) fn measured<T>(run: impl FnOnce() -> T) -> (T, Usage) {
    let (live, total, calls) = (LIVE.get(), TOTAL.get(), CALLS.get());
    PEAK.set(live);
    let output = run();
    let usage = Usage {
        live: LIVE.get() - live,
        peak: PEAK.get() - live,
        total: TOTAL.get() - total,
        calls: CALLS.get() - calls,
    };
    (output, usage)
}
