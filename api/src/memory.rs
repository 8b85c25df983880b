//! How the C library's allocator keeps memory.

/// Bounds what freed memory stays with the process: by default each thread gets an arena of its own,
/// up to eight for each processor, and a load on two connections has six threads that allocate. With as
/// many as processors it takes a fifth less memory at its peak, and no more time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library has no other way but its environment")]
pub(crate) fn bound() {
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let arenas = libc::c_int::try_from(processors.max(2)).unwrap_or(libc::c_int::MAX);
    // SAFETY: it takes two numbers, and is called before there is another thread.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas) };
}

/// Other C libraries are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bound() {}
