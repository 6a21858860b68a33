//! The links of one worker to all others, and who wakes whom.
//!
//! A worker rings at another after a batch, not after a packet, and only if the other may be asleep.

use super::link::{LinkReceiver, LinkSender, link};
use crate::id::{RoomId, WorkerId};
use crate::link::{LinkControl, LinkMessage, LinkedPacket};
use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Messages taken before they are forwarded: as many as fill a room's list of arrivals to the half.
const BATCH: usize = 256;

/// See the module.
pub(super) struct Links {
    /// By the number of the other worker; none to itself.
    outgoing: Vec<Option<Outgoing>>,
    incoming: Vec<(WorkerId, LinkReceiver)>,
    /// Whether this worker may be asleep.
    asleep: Arc<AtomicBool>,
    /// Which of `incoming` is asked first, each in its turn, so that a busy one takes no other's place.
    first: usize,
}

struct Outgoing {
    sender: LinkSender,
    waker: Arc<Waker>,
    asleep: Arc<AtomicBool>,
    /// Whether something was sent since the bell was last rung.
    sent: bool,
}

/// Links every worker with every other. `wakers` are theirs, in their order.
pub(super) fn mesh(wakers: &[Arc<Waker>]) -> Vec<Links> {
    let asleep: Vec<Arc<AtomicBool>> = wakers.iter().map(|_| Arc::default()).collect();
    let mut links: Vec<Links> = asleep
        .iter()
        .map(|asleep| Links { outgoing: Vec::new(), incoming: Vec::new(), asleep: Arc::clone(asleep), first: 0 })
        .collect();
    for from in 0..wakers.len() {
        for to in 0..wakers.len() {
            if from == to {
                links[from].outgoing.push(None);
                continue;
            }
            let (sender, receiver) = link();
            let (waker, asleep) = (Arc::clone(&wakers[to]), Arc::clone(&asleep[to]));
            links[from].outgoing.push(Some(Outgoing { sender, waker, asleep, sent: false }));
            links[to].incoming.push((WorkerId(from as u8), receiver));
        }
    }
    links
}

impl Links {
    /// Sends a packet to another worker. False if it is behind.
    pub(super) fn send_packet(&mut self, to: WorkerId, packet: &LinkedPacket<'_>) -> bool {
        let Some(outgoing) = self.outgoing(to) else { return false };
        outgoing.sent = true;
        outgoing.sender.send_packet(packet)
    }

    /// Sends what is not a packet to another worker.
    pub(super) fn send_control(&mut self, to: WorkerId, room: RoomId, control: LinkControl) {
        if let Some(outgoing) = self.outgoing(to) {
            outgoing.sent = true;
            outgoing.sender.send_control(room, control);
        }
    }

    /// Wakes the workers to which something was sent. False if something waits for room in a link, and this must be
    /// called again soon.
    pub(super) fn ring(&mut self) -> bool {
        let mut all_sent = true;
        for outgoing in self.outgoing.iter_mut().flatten() {
            all_sent &= outgoing.sender.flush();
            if std::mem::take(&mut outgoing.sent) {
                // Against the one in `may_sleep`: either the other sees the message or we see that it sleeps.
                fence(Ordering::SeqCst);
                if outgoing.asleep.swap(false, Ordering::Relaxed) {
                    // A wake can only fail for want of memory in the kernel; the worker then comes by within a second.
                    let _ = outgoing.waker.wake();
                }
            }
        }
        all_sent
    }

    /// Hands a batch of messages to `handle`, with the worker that sent each. Returns how many.
    pub(super) fn receive(&mut self, mut handle: impl FnMut(WorkerId, LinkMessage<'_>)) -> usize {
        let mut received = 0;
        let count = self.incoming.len();
        for index in (0..count).map(|offset| (self.first + offset) % count) {
            let (from, receiver) = &mut self.incoming[index];
            while received < BATCH && receiver.receive(|message| handle(*from, message)) {
                received += 1;
            }
        }
        self.first = (self.first + 1).checked_rem(count).unwrap_or(0);
        received
    }

    /// Called before the worker waits: from now on others ring. False if something is here already.
    pub(super) fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        !self.incoming.iter().any(|(_, receiver)| receiver.has_more())
    }

    /// Called when the worker is awake: others need not ring.
    pub(super) fn awake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    fn outgoing(&mut self, to: WorkerId) -> Option<&mut Outgoing> {
        self.outgoing.get_mut(usize::from(to.0))?.as_mut()
    }
}

#[cfg(test)]
mod tests;
