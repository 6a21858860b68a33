//! One relay with live shares, driven in made-up time: what a node does per record, without its sockets.

use super::page::Page;
use std::time::{Duration, Instant};
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::{ShareId, ViewerId};
use tillside_cobrowse::{CHUNK_BYTES_MAX, FLAG_FRAMED, FLAG_MORE, Relay};

/// Time between two records of one share. Longer than the relay's allowance asks for.
const STEP: Duration = Duration::from_millis(10);

/// A relay and its clock.
pub(super) struct Live {
    pub(super) relay: Relay,
    now: Instant,
    viewers: u64,
}

impl Live {
    #[allow(clippy::disallowed_methods, reason = "the harness owns the clock; from here on time is made up")]
    pub(super) fn new(viewers: u64) -> Self {
        Self { relay: Relay::default(), now: Instant::now(), viewers }
    }

    /// Opens a share that waits for its first page.
    pub(super) fn consent(&mut self, share: ShareId) {
        self.relay.request(self.now, share, Policy::default()).expect("ids are used once");
        self.relay.consent(share).expect("the share was just requested");
        for viewer in 0..self.viewers {
            self.relay.add_viewer(share, ViewerId(viewer)).expect("a handful of viewers");
        }
    }

    /// Opens a share that shows this page to its viewers.
    pub(super) fn open(&mut self, share: ShareId, page: &Page) {
        self.consent(share);
        for mut message in messages(&page.snapshot) {
            self.handle(share, &mut message);
        }
        self.poll(share);
    }

    /// Takes in one message.
    pub(super) fn handle(&mut self, share: ShareId, message: &mut [u8]) {
        self.now += STEP;
        self.relay.handle_record(self.now, share, message);
    }

    /// Gives all viewers of a share what there is; the bytes of it, all viewers together.
    pub(super) fn poll(&mut self, share: ShareId) -> usize {
        while self.relay.poll_event().is_some() {}
        (0..self.viewers)
            .map(|viewer| {
                let messages = std::iter::from_fn(|| self.relay.poll_viewer(share, ViewerId(viewer)));
                messages.map(|message| message.len()).sum::<usize>()
            })
            .sum()
    }
}

/// A record as the SDK sends it: whole if it is small, in chunks if not.
pub(super) fn messages(record: &[u8]) -> Vec<Vec<u8>> {
    if record.len() <= CHUNK_BYTES_MAX {
        return vec![record.to_vec()];
    }
    let chunks: Vec<&[u8]> = record.chunks(CHUNK_BYTES_MAX - 1).collect();
    let last = chunks.len() - 1;
    let framed = |(place, chunk): (usize, &&[u8])| {
        let more = if place < last { FLAG_MORE } else { 0 };
        [&[FLAG_FRAMED | more], *chunk].concat()
    };
    chunks.iter().enumerate().map(framed).collect()
}
