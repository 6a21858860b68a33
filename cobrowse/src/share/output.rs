//! What leaves a share: messages to its viewers, each a JSON array of rrweb events.

use super::Share;
use crate::counters::Counter;
use crate::relay::{Phase, ViewerId};
use crate::serialise::{self, Json};
use crate::viewer::{Class, Next};
use serde_json::json;
use std::sync::Arc;

/// The tag of the custom event that tells viewers why they see what they see.
const STATE_TAG: &str = "tillside.state";

impl Share {
    /// What is next for this viewer.
    pub(crate) fn poll_viewer(&mut self, viewer: ViewerId) -> Option<Arc<[u8]>> {
        match self.viewers.get_mut(&viewer)?.poll() {
            Next::Message(message) => Some(message),
            Next::Snapshot => Some(self.whole()),
            Next::Nothing => None,
        }
    }

    /// Queues one event for all viewers, while the share is live.
    pub(super) fn send(&mut self, class: Class, event: &[u8]) {
        if self.phase == Phase::Live && self.desync.is_none() {
            self.queue(class, &batch(&[event]));
        }
    }

    pub(super) fn send_all(&mut self, events: &[Json]) {
        if !events.is_empty() && self.phase == Phase::Live && self.desync.is_none() {
            self.queue(Class::State, &batch(events));
        }
    }

    /// Tells viewers whether they see the page, and why not.
    pub(crate) fn tell_state(&mut self) {
        let visible = self.is_visible();
        let message = batch(&[self.state()]);
        for viewer in self.viewers.values_mut() {
            // What was queued belongs to a page that is no longer shown, or that comes whole.
            viewer.fall_behind();
        }
        if !visible {
            self.queue(Class::State, &message);
        }
    }

    fn queue(&mut self, class: Class, message: &Arc<[u8]>) {
        for viewer in self.viewers.values_mut() {
            if viewer.push(class, message) {
                self.counters.add(Counter::ViewerOverflow);
            }
        }
    }

    fn is_visible(&self) -> bool {
        self.phase == Phase::Live && self.desync.is_none()
    }

    fn state(&self) -> Json {
        let why = match (self.phase, self.desync) {
            (Phase::Live, Some(reason)) => reason.name(),
            (phase, _) => phase.why(),
        };
        let state = match (self.phase, self.desync) {
            (Phase::Live, Some(_)) => "desynced",
            (phase, _) => phase.name(),
        };
        let payload = json!({ "state": state, "why": why, "epoch": self.epoch });
        serialise::extension(self.timestamp, STATE_TAG, &payload)
    }

    /// Everything a viewer needs that has nothing: state, and the page if it may be seen.
    fn whole(&self) -> Arc<[u8]> {
        let mut events = vec![self.state()];
        if let Some(root) = self.mirror.root().filter(|_| self.is_visible()) {
            let at = self.timestamp;
            events.push(serialise::meta(at, &self.page.href, self.page.width, self.page.height));
            events.push(serialise::snapshot(&self.mirror, root, at, self.offset));
            events.extend(serialise::frames(&self.mirror, root, at));
            events.extend(self.styles.events(at));
            let scrolls = self.scrolls.iter().filter(|(node, _)| self.shown(**node).is_some());
            events.extend(scrolls.map(|(node, (x, y))| serialise::scroll(at, *node, *x, *y)));
        }
        batch(&events)
    }
}

fn batch(events: &[impl AsRef<[u8]>]) -> Arc<[u8]> {
    let length = events.iter().map(|event| event.as_ref().len() + 1).sum::<usize>() + 1;
    let mut out = Vec::with_capacity(length);
    out.push(b'[');
    for event in events {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(event.as_ref());
    }
    out.push(b']');
    out.into()
}
