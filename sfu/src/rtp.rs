//! RTP on the wire: which protocol a datagram speaks, packet headers and their extensions, and what the first bytes
//! of a payload tell about the frame.
//!
//! Owns views over bytes that somebody else holds and writers into buffers that somebody else owns. Nothing here
//! allocates, keeps packets, or knows who sent them.

pub mod audio;
pub mod av1;
mod bits;
pub mod codec;
pub mod demux;
pub mod dependency;
pub mod extension;
pub mod h264;
pub mod header;
pub mod number;
pub mod packet;
pub mod red;
pub mod vp8;
pub mod vp9;

pub use codec::{Codec, FrameInspector, FrameMarks};
pub use demux::{DatagramKind, classify};
pub use extension::{Extension, Extensions};
pub use header::{HeaderFields, RtpHeader, write_header};
pub use number::{ExtendedSequence, PayloadType, SequenceNumber, Ssrc, Unwrapper};
pub use packet::RtpPacket;
