//! Tillside's node, as a library: the binary, the bench harness and the tests start it from here.
//!
//! [`signaling::Signaling`] is the pure core: rooms and sessions. [`switchboard`] is the task that owns it, [`http`]
//! brings it sockets and questions, [`relay`] shares shoppers' pages, and [`node::Node`] puts all of it together with
//! the media workers.

pub mod bucket;
pub mod config;
pub mod directory;
pub mod hosts;
pub mod http;
pub mod metrics;
pub mod moment;
pub mod node;
pub mod outbox;
pub mod placement;
pub mod protocol;
mod random;
pub mod relay;
pub mod signaling;
pub mod switchboard;
pub mod token;
