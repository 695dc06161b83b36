//! How the process holds memory: large pieces go back to the system when they are freed. Called once by each program, first of all.
//!
//! Not an allocator. The platform's own is used everywhere; only glibc needs a word, because it keeps large pieces once it has seen one freed.

/// Pieces of this size and more are mapped on their own, and given back when freed: request bodies, key derivation.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 256 << 10;
/// Heaps for threads. The gateway's own threads are few; more heaps would only hold more that is free.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: libc::c_int = 2;

/// Makes large freed memory go back to the system at once.
pub fn give_back_early() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(
        unsafe_code,
        reason = "a call of the C library that only sets a number; before any thread is started"
    )]
    // SAFETY: `mallopt` takes two numbers and is called before other threads exist.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
