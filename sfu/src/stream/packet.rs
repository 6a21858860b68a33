//! What the packet path knows of one packet without looking at its bytes again.
//!
//! Filled once, when a publisher's packet is opened; read by the ring, the rewriter and the layer choice.

use crate::stream::picture::Picture;
use crate::stream::worker_time::WorkerTime;

/// Facts of one opened packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFacts {
    /// RTP timestamp as the publisher sent it, in ticks of its codec's clock.
    pub timestamp: u32,
    /// When the datagram arrived.
    pub arrival: WorkerTime,
    /// RTP marker: the last packet of a video frame, the first of a talk spurt.
    pub marker: bool,
    /// The first packet of a frame. Always true for audio, where a packet is a frame.
    pub starts_frame: bool,
    /// Belongs to a frame that decodes without earlier ones. Always true for audio.
    pub keyframe: bool,
    /// Temporal layer of the frame, 0 when the codec has none.
    pub temporal: u8,
    /// Payload type as the publisher sent it.
    pub payload_type: u8,
    /// VP8 frame numbers (RFC 7741 §4.2), when the payload carries them.
    pub picture: Option<Picture>,
}

impl PacketFacts {
    /// Whether forwarding may begin or switch encodings here.
    #[must_use]
    pub fn is_switch_point(&self) -> bool {
        self.starts_frame && self.keyframe
    }
}
