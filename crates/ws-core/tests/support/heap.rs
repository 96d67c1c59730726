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
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static PEAK_IN_PLACE: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<isize> = const { Cell::new(0) };
    static COPIED: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static BLOCKS: Cell<isize> = const { Cell::new(0) };
}

fn take(size: usize) {
    TOTAL.set(TOTAL.get() + size as isize);
    CALLS.set(CALLS.get() + 1);
    // Of a block that moves, both are there for a while.
    PEAK.set(PEAK.get().max(LIVE.get() + size as isize));
}

fn hold(change: isize) {
    LIVE.set(LIVE.get() + change);
    PEAK_IN_PLACE.set(PEAK_IN_PLACE.get().max(LIVE.get()));
}

// SAFETY: everything is handed on to the system's allocator as it came; counting touches no memory of the callers, and
// cells without a destructor can be used at any time in the life of a thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        hold(layout.size() as isize);
        BLOCKS.set(BLOCKS.get() + 1);
        // SAFETY: the caller keeps the rules of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        BLOCKS.set(BLOCKS.get() - 1);
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        hold(size as isize - layout.size() as isize);
        COPIED.set(COPIED.get() + layout.size() as isize);
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
    /// The sum of all that was taken.
    pub(crate) total: isize,
    /// What blocks that grew held before they did: the most that was copied for it.
    pub(crate) copied: isize,
    /// How often some was taken.
    pub(crate) calls: usize,
    /// How many blocks are held more than before.
    pub(crate) blocks: isize,
}

/// Where counting began.
pub(crate) struct Mark {
    live: isize,
    total: isize,
    copied: isize,
    calls: usize,
    blocks: isize,
}

impl Mark {
    /// Begins to count. The peak of a mark that was made before begins anew, too.
    pub(crate) fn new() -> Self {
        PEAK.set(LIVE.get());
        PEAK_IN_PLACE.set(LIVE.get());
        Self {
            live: LIVE.get(),
            total: TOTAL.get(),
            copied: COPIED.get(),
            calls: CALLS.get(),
            blocks: BLOCKS.get(),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            live: LIVE.get() - self.live,
            peak: PEAK.get() - self.live,
            total: TOTAL.get() - self.total,
            copied: COPIED.get() - self.copied,
            calls: CALLS.get() - self.calls,
            blocks: BLOCKS.get() - self.blocks,
        }
    }
}

/// Counts a block that grows twice at its peak, as one that moves.
pub(crate) fn measured<T>(run: impl FnOnce() -> T) -> (T, Usage) {
    let mark = Mark::new();
    let output = run();
    (output, mark.usage())
}

/// Counts a block that grows by what it grows: large ones do so in place.
pub(crate) fn measured_in_place<T>(run: impl FnOnce() -> T) -> (T, Usage) {
    let mark = Mark::new();
    let output = run();
    (output, Usage { peak: PEAK_IN_PLACE.get() - mark.live, ..mark.usage() })
}

/// What is held now, to compare with later.
pub(crate) fn held() -> isize {
    LIVE.get()
}
