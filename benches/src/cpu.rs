//! The CPU time of a thread: on a machine that others use too, the only clock that tells what code costs.
#![allow(unsafe_code, reason = "std has no clock of a thread's CPU time: one system call")]

use std::time::Duration;

/// CPU time that this thread has taken so far, in user code and in the kernel on its behalf.
pub(crate) fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec into a live one.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "every Linux has a clock for each thread");
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is not negative");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("nanoseconds of a second"))
}

/// What `code` gives, and the CPU time it took on this thread.
pub(crate) fn timed<R>(code: impl FnOnce() -> R) -> (R, Duration) {
    let before = thread_time();
    let result = code();
    (result, thread_time() - before)
}
