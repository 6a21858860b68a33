//! A simulated world for the media core: the real [`tillside_sfu::sfu::Sfu`] in virtual time, lossy links from a seed,
//! and bots that send and judge marked media. Stories are told in `tests/`.

pub mod allocation;
pub mod bot;
pub mod clock;
pub mod egress;
pub mod marker;
pub mod network;
mod server;
pub mod world;
