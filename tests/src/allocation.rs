//! Counts what a piece of code allocates.
//!
//! A test binary that wants to count installs [`Counting`] as its global allocator; in all others everything counts 0.
//! Counts are of one thread, so tests may run side by side.
#![allow(unsafe_code)] // GlobalAlloc is an unsafe trait: these methods pass everything on and add to two numbers

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::AddAssign;

thread_local! {
    // Constant and without a destructor: reading them allocates nothing and works until the thread's last moment.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
pub struct Counting;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that took memory or moved it; freeing is not among them.
    pub allocations: u64,
    /// Bytes taken and not given back.
    pub kept: i64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.allocations += other.allocations;
        self.kept += other.kept;
    }
}

/// Runs `code` and counts what it allocates on this thread.
pub fn count<R>(code: impl FnOnce() -> R) -> (R, Tally) {
    let before = (ALLOCATIONS.get(), BYTES.get());
    let result = code();
    (result, Tally { allocations: ALLOCATIONS.get() - before.0, kept: BYTES.get() - before.1 })
}

fn note(allocations: u64, bytes: i64) {
    ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
    BYTES.set(BYTES.get() + bytes);
}

// SAFETY: every call goes to the system's allocator unchanged, which keeps the trait's promises; `note` neither
// allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller keeps the promises of this very method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}
