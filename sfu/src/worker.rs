//! The media worker's shell: sockets, poll and channels around the pure core. The only place of this crate that makes
//! system calls or reads the clock.

#![allow(clippy::disallowed_methods, reason = "this is the shell that reads the clock for the cores")]

pub mod gso;
pub mod inbox;
pub mod poller;
mod syscall;
pub mod tcp;
pub mod udp;
