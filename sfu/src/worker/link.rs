//! One direction of a link between two workers: a ring without a lock, whose packets travel in parcels that come back.
//!
//! The sender copies a packet into a parcel and puts the parcel into the ring; the receiver hands the packet to its core
//! and returns the parcel through a second ring. So there is a bounded number of parcels, made as the load first asks
//! for them, and once warm nothing is allocated. When all are under way the receiver is behind: pictures are refused
//! first, then sound. What is not a packet has places of its own in the ring and waits when they are taken.

use crate::id::RoomId;
use crate::link::{LinkControl, LinkMessage, LinkedId, LinkedPacket};
use crate::sdp::MediaKind;
use crate::stream::packet::PacketFacts;
use crate::stream::ring::STORED_MAX;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;

/// Parcels of a link, of 1.7 KiB each. At 300 packets a second and picture these are 100 pictures for 30 ms, the
/// longest that a worker is busy with one turn before it looks here again.
pub const PARCELS_MAX: usize = 1_024;
/// Of these, parcels that carry no pictures: sound must go on while a keyframe of everybody is under way.
const SOUND_PARCELS: usize = 128;
/// Places in the ring for what is not a packet: joins and wishes of one turn.
const CONTROLS_MAX: usize = 256;
/// Controls that wait for such a place. They may not be lost; a worker that is so far behind has stopped.
const WAITING_MAX: usize = 65_536;

/// The sending end.
pub struct LinkSender {
    filled: Producer<Item>,
    returned: Consumer<Box<Parcel>>,
    /// Parcels made so far.
    made: usize,
    waiting: VecDeque<(RoomId, LinkControl)>,
}

/// The receiving end.
pub struct LinkReceiver {
    filled: Consumer<Item>,
    returned: Producer<Box<Parcel>>,
}

enum Item {
    Packet(Box<Parcel>),
    Control(Box<(RoomId, LinkControl)>),
}

/// A packet with the bytes it borrows elsewhere.
struct Parcel {
    label: Label,
    extensions_len: u16,
    payload_len: u16,
    bytes: [u8; STORED_MAX],
}

/// All of a [`LinkedPacket`] but its bytes.
#[derive(Clone, Copy)]
struct Label {
    room: RoomId,
    publication: LinkedId,
    kind: MediaKind,
    encoding: u8,
    generation: u32,
    sequence: u64,
    height: Option<u16>,
    facts: PacketFacts,
}

/// A new link.
#[must_use]
pub fn link() -> (LinkSender, LinkReceiver) {
    let (filled, from_sender) = RingBuffer::new(PARCELS_MAX + CONTROLS_MAX);
    let (to_sender, returned) = RingBuffer::new(PARCELS_MAX);
    let sender = LinkSender { filled, returned, made: 0, waiting: VecDeque::new() };
    (sender, LinkReceiver { filled: from_sender, returned: to_sender })
}

impl LinkSender {
    /// Sends a copy of a packet. False if the receiver is behind, and nothing was sent.
    pub fn send_packet(&mut self, packet: &LinkedPacket<'_>) -> bool {
        let free = self.returned.slots() + PARCELS_MAX - self.made;
        let reserved = if packet.kind == MediaKind::Video { SOUND_PARCELS } else { 0 };
        if free <= reserved {
            return false;
        }
        let mut parcel = self.returned.pop().unwrap_or_else(|_| {
            self.made += 1;
            Box::new(Parcel::empty(packet))
        });
        parcel.fill(packet);
        // The ring has a place for every parcel, unless the receiver has ended and takes none out any more.
        self.filled.push(Item::Packet(parcel)).is_ok()
    }

    /// Sends what is not a packet, at once or as soon as there is room; see [`LinkSender::flush`].
    pub fn send_control(&mut self, room: RoomId, control: LinkControl) {
        if self.waiting.len() >= WAITING_MAX {
            tracing::error!("a media worker has stopped reading its links: restart this node");
            return;
        }
        self.waiting.push_back((room, control));
        self.flush();
    }

    /// Sends controls that wait for room. True when none waits any more.
    pub fn flush(&mut self) -> bool {
        while !self.waiting.is_empty() && !self.filled.is_full() {
            let Some(control) = self.waiting.pop_front() else { break };
            if self.filled.push(Item::Control(Box::new(control))).is_err() {
                break;
            }
        }
        self.waiting.is_empty()
    }
}

impl LinkReceiver {
    /// Hands the next message to `handle`. False if there is none.
    pub fn receive(&mut self, handle: impl FnOnce(LinkMessage<'_>)) -> bool {
        match self.filled.pop() {
            Ok(Item::Packet(parcel)) => {
                handle(LinkMessage::Packet(parcel.packet()));
                // There is a place for every parcel; if the sender has ended, the parcel ends with it.
                let _ = self.returned.push(parcel);
            }
            Ok(Item::Control(control)) => handle(LinkMessage::Control(control.0, control.1)),
            Err(rtrb::PopError::Empty) => return false,
        }
        true
    }

    /// Whether there is a message.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.filled.is_empty()
    }
}

impl Parcel {
    fn empty(packet: &LinkedPacket<'_>) -> Self {
        Self { label: Label::of(packet), extensions_len: 0, payload_len: 0, bytes: [0; STORED_MAX] }
    }

    fn fill(&mut self, packet: &LinkedPacket<'_>) {
        let (middle, end) = (packet.extensions.len(), packet.extensions.len() + packet.payload.len());
        self.label = Label::of(packet);
        (self.extensions_len, self.payload_len) = (middle as u16, packet.payload.len() as u16);
        self.bytes[..middle].copy_from_slice(packet.extensions);
        self.bytes[middle..end].copy_from_slice(packet.payload);
    }

    fn packet(&self) -> LinkedPacket<'_> {
        let Label { room, publication, kind, encoding, generation, sequence, height, facts } = self.label;
        let (extensions, rest) = self.bytes.split_at(usize::from(self.extensions_len));
        let payload = &rest[..usize::from(self.payload_len)];
        LinkedPacket { room, publication, kind, encoding, generation, sequence, height, facts, extensions, payload }
    }
}

impl Label {
    fn of(packet: &LinkedPacket<'_>) -> Self {
        let LinkedPacket { room, publication, kind, encoding, generation, sequence, height, facts, .. } = *packet;
        Self { room, publication, kind, encoding, generation, sequence, height, facts }
    }
}

#[cfg(test)]
mod tests;
