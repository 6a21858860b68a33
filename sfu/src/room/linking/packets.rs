//! Packets over links: those that arrived here to the workers that show them, those of other workers into the rings here.

use super::super::encoding::Encoding;
use super::super::publication::{Downstream, Publication};
use super::super::{Arrival, Context, Room, passed};
use crate::id::{RoomId, WorkerId};
use crate::link::{LinkedId, LinkedPacket};
use crate::sdp::MediaKind;
use crate::stream::level::AudioLevel;

impl Room {
    /// A packet of a publication that another worker announced.
    pub(crate) fn handle_linked_packet(
        &mut self,
        context: &mut Context<'_>,
        from: WorkerId,
        packet: &LinkedPacket<'_>,
    ) {
        let Some(key) = self.links.key_of(from, packet.publication) else { return };
        let publication = &mut self.publications[key.0];
        let Some(encoding) = publication.encodings.get_mut(usize::from(packet.encoding)) else { return };
        context.counters.link_in += 1;
        let was_live = encoding.is_live(context.time);
        if !encoding.receive_linked(context.time, packet) {
            return;
        }
        if publication.kind == MediaKind::Audio
            && !self.links.is_satellite()
            && let Some(level) = passed::audio_level(packet.extensions)
        {
            self.speakers.handle_level(context.time, key, AudioLevel::from_byte(level));
        }
        self.note(context, Arrival { publication: key, encoding: packet.encoding, sequence: packet.sequence });
        if !was_live {
            self.select_soon(context.now);
        }
    }

    /// Gives what arrived since the last call to the workers that show it. `send` says whether the link had room.
    pub(crate) fn serve_links(
        &mut self,
        context: &mut Context<'_>,
        send: &mut dyn FnMut(WorkerId, &LinkedPacket<'_>) -> bool,
    ) {
        let Self { id, publications, arrivals, links, timers, .. } = self;
        let first = if links.peers.is_empty() { arrivals.len() } else { links.handed };
        for arrival in &arrivals[first..] {
            let Publication { kind, birth, owner, encodings, downstreams, .. } =
                &mut publications[arrival.publication.0];
            let publication = LinkedId { index: arrival.publication.0 as u32, birth: *birth };
            let Some(packet) = linked_packet((*id, publication, *kind), encodings, arrival) else { continue };
            let mut dropped = 0;
            for downstream in downstreams.iter_mut().filter(|to| to.wanted != 0 || to.listens) {
                if downstream.send(packet, &mut *send) {
                    context.counters.link_out += 1;
                } else {
                    dropped += 1;
                }
            }
            context.counters.link_dropped += dropped;
            if dropped > 0 && *kind == MediaKind::Video {
                encodings[usize::from(arrival.encoding)].keyframes.request();
                timers.wake_owner(owner, context.now);
            }
        }
        links.handed = arrivals.len();
    }
}

impl Downstream {
    /// Sends a packet there. False if it is dropped: the link is full, or was and no keyframe has begun since.
    fn send(&mut self, packet: LinkedPacket<'_>, send: &mut dyn FnMut(WorkerId, &LinkedPacket<'_>) -> bool) -> bool {
        let feed = &mut self.feeds[usize::from(packet.encoding)];
        if feed.cut {
            if !packet.facts.is_switch_point() {
                return false;
            }
            feed.cuts = feed.cuts.wrapping_add(1);
        }
        // Over there the stream begins anew after a cut.
        let generation = packet.generation.wrapping_add(feed.cuts);
        feed.cut = !send(self.worker, &LinkedPacket { generation, ..packet });
        !feed.cut
    }
}

fn linked_packet<'a>(
    (room, publication, kind): (RoomId, LinkedId, MediaKind),
    encodings: &'a [Encoding],
    arrival: &Arrival,
) -> Option<LinkedPacket<'a>> {
    let encoding = &encodings[usize::from(arrival.encoding)];
    let stored = encoding.ring.packet(arrival.sequence)?;
    Some(LinkedPacket {
        room,
        publication,
        kind,
        encoding: arrival.encoding,
        generation: encoding.generation,
        sequence: arrival.sequence,
        height: encoding.height,
        facts: *stored.facts,
        extensions: stored.extensions,
        payload: stored.payload,
    })
}
