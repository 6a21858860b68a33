//! Packets out: subscriber by subscriber, so that what one subscriber gets lies side by side in the send slab.

use super::passed::ExtensionBlock;
use super::{Context, Room};
use crate::sfu::Forwarded;

/// Packets that one subscriber may need beyond one per arrival: the same publication in a second slot, and packets of
/// a new frame that overtook its first one.
const EXTRA: usize = 128;

impl Room {
    /// Seals what arrived into the slab. Goes on where it stopped when the slab was full.
    pub(crate) fn forward(&mut self, context: &mut Context<'_>) -> Forwarded {
        #[cfg(test)]
        assert!(!self.defect, "a planted defect");
        let Self { participants, publications, arrivals, cursor, links, .. } = self;
        let room_needed = 2 * arrivals.len() + EXTRA;
        let blocks = ExtensionBlock::fresh(context.blocks, arrivals.len());
        for (index, participant) in participants.iter_mut().skip_while(|(index, _)| index < cursor) {
            if !participant.ready || participant.playing.is_empty() {
                continue;
            }
            if !context.sends.has_room_for(room_needed) && !context.sends.is_empty() {
                *cursor = index;
                return Forwarded::SlabFull;
            }
            let bytes_before = context.sends.total_bytes();
            let Some(mut sending) = participant.sending(context.time, context.sends) else { continue };
            for &slot in sending.playing {
                let slot = &mut sending.slots[slot];
                let Some(bound) = slot.publication() else { continue };
                let encoding_before = slot.encoding();
                let arrivals = arrivals.iter().zip(&mut *blocks).filter(|(arrival, _)| arrival.publication == bound);
                let written = slot.forward(&mut sending.egress, &mut publications[bound.0], arrivals);
                context.counters.rtp_out += u64::from(written);
                *sending.slots_changed |= slot.encoding() != encoding_before;
            }
            context.counters.rtp_bytes_out += (context.sends.total_bytes() - bytes_before) as u64;
        }
        *cursor = 0;
        arrivals.clear();
        links.forwarded();
        Forwarded::All
    }
}
