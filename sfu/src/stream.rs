//! The pure algorithms of the packet path: numbers in, numbers out.
//!
//! Each submodule holds one idea and knows nothing of rooms, transports or bytes on the wire. Sequence numbers are
//! taken as `u64` *extended* numbers ([`sequence::Unwrapper`]), RTP timestamps as the wire's `u32`, time as an
//! argument. Once warm, nothing here allocates; every table has a named bound.
//!
//! | direction | modules |
//! |---|---|
//! | from a publisher | [`activity`], [`ring`], [`nack`], [`keyframe`], [`report`], [`twcc`] (recorder), [`level`] |
//! | to a subscriber | [`rewrite`] over [`sequence`], [`timestamp`], [`picture`], [`history`]; [`twcc`] (sender), [`bandwidth`] |
//! | about both | [`clock`], [`worker_time`], [`quality`] |

pub mod activity;
pub mod bandwidth;
pub mod clock;
pub mod history;
pub mod keyframe;
pub mod level;
pub mod nack;
pub mod packet;
pub mod picture;
pub mod quality;
pub mod report;
pub mod rewrite;
pub mod ring;
pub mod sequence;
mod stretch;
pub mod timestamp;
pub mod twcc;
pub mod worker_time;

/// Encodings of one publication: three simulcast layers, as many as libwebrtc sends, and one to spare.
pub const ENCODINGS_MAX: usize = 4;
