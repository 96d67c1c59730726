//! The allocator that counts what is held. A block that grows counts by what it grows: large ones do so in place.

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
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static COPIED: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(change: isize) {
    LIVE.set(LIVE.get() + change);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: everything is handed on to the system's allocator as it came; counting touches no memory of the callers, and
// cells without a destructor can be used at any time in the life of a thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller keeps the rules of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        COPIED.set(COPIED.get() + layout.size() as isize);
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller keeps the rules of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What the heap of this thread did in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Held more than before.
    pub(crate) live: isize,
    /// The most that was held at any time.
    pub(crate) peak: isize,
    /// What blocks that grew held before they did: the most that was copied for it.
    pub(crate) copied: isize,
    /// How often some was taken.
    pub(crate) calls: usize,
}

pub(crate) fn measured<T>(run: impl FnOnce() -> T) -> (T, Usage) {
    let (live, copied, calls) = (LIVE.get(), COPIED.get(), CALLS.get());
    PEAK.set(live);
    let output = run();
    let usage = Usage {
        live: LIVE.get() - live,
        peak: PEAK.get() - live,
        copied: COPIED.get() - copied,
        calls: CALLS.get() - calls,
    };
    (output, usage)
}

/// What is held now, to compare with later.
pub(crate) fn held() -> isize {
    LIVE.get()
}
