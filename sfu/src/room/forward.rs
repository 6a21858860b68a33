//! Packets out: subscriber by subscriber, so that what one subscriber gets lies side by side in the send slab.

use super::participant::Participant;
use super::slot::Egress;
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
        for (index, participant) in participants.iter_mut().skip_while(|(index, _)| index < cursor) {
            let Participant { transport, downlink, slots, playing, slots_changed, .. } = participant;
            if !participant.ready || playing.is_empty() {
                continue;
            }
            if !context.sends.has_room_for(room_needed) && !context.sends.is_empty() {
                *cursor = index;
                return Forwarded::SlabFull;
            }
            let Some((path, sealer)) = transport.sending() else { continue };
            let mut egress = Egress { now: context.now, path, sealer, twcc: &mut downlink.twcc };
            let bytes_before = context.sends.total_bytes();
            for &slot in &*playing {
                let slot = &mut slots[slot];
                let Some(bound) = slot.publication() else { continue };
                let publication = &mut publications[bound.0];
                for arrival in arrivals.iter().filter(|arrival| arrival.publication == bound) {
                    let encoding_before = slot.encoding();
                    let written =
                        slot.forward(&mut egress, publication, arrival.encoding, arrival.sequence, context.sends);
                    context.counters.rtp_out += u64::from(written);
                    *slots_changed |= slot.encoding() != encoding_before;
                }
            }
            context.counters.rtp_bytes_out += (context.sends.total_bytes() - bytes_before) as u64;
        }
        *cursor = 0;
        arrivals.clear();
        links.forwarded();
        Forwarded::All
    }
}
