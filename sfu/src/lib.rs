//! The media core of Tillside: a selective forwarding unit as a pure state machine, and the thread that runs it.
//!
//! [`sfu::Sfu`] takes datagrams, commands and the time, and gives datagrams, events and the next deadline. It never
//! reads a clock, opens a socket or draws from a global random number generator; [`worker`] is the only module that
//! does. Read `ARCHITECTURE.md` for the life of a packet.

pub mod command;
pub mod config;
mod deadlines;
mod demux;
pub mod dtls;
pub mod ice;
pub mod id;
pub mod link;
mod room;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sends;
pub mod sfu;
pub mod srtp;
pub mod stream;
pub mod stun;
pub mod transport;
pub mod worker;
