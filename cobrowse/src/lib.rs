//! The co-browse core of Tillside: takes what a shopper's page records, keeps a masked mirror of it, and writes what
//! agents may see. Sans-IO: bytes and time in, bytes, events and deadlines out.
//!
//! The promise it keeps: payment data never reaches a viewer, whatever the page's own SDK does. Three things make it:
//! an allow-list at the door (`record`, `admit`), a tree whose levels only rise (`mirror`, `classify`, `scan`, `vault`),
//! and output that is written from that tree alone (`serialise`).
//!
//! [`relay::Relay`] is the way in. Must not know rooms, sessions, sockets, clocks.

mod admit;
mod classify;
pub mod control;
pub mod counters;
mod css;
pub mod desync;
pub mod grant;
pub mod limits;
pub mod mask;
mod mirror;
pub mod policy;
mod record;
pub mod relay;
mod runs;
mod scan;
pub mod score;
mod serialise;
mod share;
mod url;
mod vault;
mod viewer;
mod wipe;

pub use record::{CHUNK_BYTES_MAX, FLAG_DEFLATE, FLAG_FRAMED, FLAG_MORE};
pub use relay::Relay;
pub use viewer::{QUEUE_BYTES_MAX, QUEUE_MESSAGES_MAX};
