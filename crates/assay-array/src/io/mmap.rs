//! The one place of this crate where the compiler cannot check memory safety.

use std::fs::File;

pub(super) use memmap2::Mmap;

/// Maps a file's contents into memory.
///
/// memmap2 marks this unsafe because another program that shortens the file while it is mapped ends
/// ours with a signal, and one that writes to it changes bytes under a `&[u8]`. Nothing in this
/// process can rule that out; the module's documentation asks the caller to.
#[allow(unsafe_code)]
pub(super) fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this crate, which hands out decoded copies and
    // `&[u8]` whose every value is valid; callers are told not to change a file while it is open.
    unsafe { Mmap::map(file) }
}
