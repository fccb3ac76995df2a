//! The memory of one call: arguments, and what the host allocates for the result.

use std::{
    alloc::{Layout, alloc, dealloc},
    cell::RefCell,
    ptr, slice,
};

use spin_mcp_values::{MAX_ARGUMENTS, Memory};

/// What most calls need.
const CHUNK: usize = 16 << 10;
/// The alignment of chunks; no value has a greater one.
const ALIGN: usize = 8;

struct Chunk {
    start: *mut u8,
    size: usize,
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::from_size_align(self.size, ALIGN) {
            // SAFETY: `chunk` allocated it with the same layout.
            unsafe { dealloc(self.start, layout) };
        }
    }
}

pub struct Arena {
    /// The first one stays for the next call, if it is of the usual size. The last one has room.
    chunks: Vec<Chunk>,
    used: usize,
    total: usize,
}

thread_local! {
    static ARENA: RefCell<Arena> = const {
        RefCell::new(Arena { chunks: Vec::new(), used: 0, total: 0 })
    };
}

/// Works with the arena. The host allocates results while no one does.
pub fn with<T>(work: impl FnOnce(&mut Arena) -> T) -> T {
    ARENA.with_borrow_mut(work)
}

impl Arena {
    /// Forgets what a call left behind.
    pub fn clear(&mut self) {
        self.chunks.truncate(1);
        self.chunks.retain(|chunk| chunk.size == CHUNK);
        (self.used, self.total) = (0, 0);
    }

    fn place(&mut self, size: usize, align: usize) -> Option<*mut u8> {
        let start = self.used.next_multiple_of(align);
        if let Some(chunk) = self.chunks.last()
            && start.checked_add(size)? <= chunk.size
        {
            self.used = start + size;
            // SAFETY: it is within the chunk.
            return Some(unsafe { chunk.start.add(start) });
        }
        let room = size.max(CHUNK);
        // SAFETY: the size is not zero.
        let start = unsafe { alloc(Layout::from_size_align(room, ALIGN).ok()?) };
        if start.is_null() {
            return None;
        }
        self.chunks.push(Chunk { start, size: room });
        self.used = size;
        Some(start)
    }
}

impl Memory for Arena {
    fn allocate(&mut self, size: u32, align: u32) -> Option<u32> {
        self.total += size as usize;
        if self.total > MAX_ARGUMENTS as usize {
            return None;
        }
        Some(self.place(size as usize, align as usize)? as u32)
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        // SAFETY: the arena allocated this much at the address.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), at as *mut u8, bytes.len()) };
    }

    fn read(&self, at: u32, length: u32) -> &[u8] {
        if length == 0 {
            return &[];
        }
        // SAFETY: the arena, or the host in it, wrote this much at the address.
        unsafe { slice::from_raw_parts(at as *const u8, length as usize) }
    }
}

/// Allocates results of the component's functions, and moves those whose size the host did not know.
/// Without room it traps, as any `realloc`.
#[unsafe(no_mangle)]
extern "C" fn cabi_import_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    size: usize,
) -> *mut u8 {
    let Some(new) = with(|arena| arena.place(size, align)) else {
        std::process::abort();
    };
    if old_size > 0 {
        // SAFETY: the host has both, and they are apart.
        unsafe { ptr::copy_nonoverlapping(old, new, old_size.min(size)) };
    }
    new
}
