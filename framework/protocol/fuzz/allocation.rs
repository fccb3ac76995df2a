//! Measures how much memory a function uses.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    /// The bytes that this thread allocated and did not free.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // An ending thread may free memory after its counters are gone.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        MOST.set(MOST.get().max(live.get()));
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// The most bytes that a function had allocated at one time.
pub fn peak(function: impl FnOnce()) -> usize {
    let before = LIVE.get();
    MOST.set(before);
    function();
    usize::try_from(MOST.get() - before).unwrap_or_default()
}

#[test]
fn memory_is_counted_while_it_is_used() {
    let used = peak(|| {
        drop(Vec::<u8>::with_capacity(1000));
        let mut grown = vec![0u8; 500];
        grown.reserve_exact(1500);
        drop(vec![0u8; 1000]);
    });
    assert_eq!(used, 3000);
    let claimed = peak(|| drop(Vec::<u8>::with_capacity(1 << 30)));
    assert_eq!(claimed, 1 << 30);
}
