//! What one viewer still has to get: a bounded queue, and a fresh snapshot instead when it runs over.
//!
//! A viewer that does not read harms nobody: its queue never holds more than [`QUEUE_BYTES_MAX`], and catching up
//! costs one snapshot from the mirror when it reads again, not before.

use crate::record::NodeId;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most bytes that wait for one viewer: half a second of a busy page.
pub const QUEUE_BYTES_MAX: usize = 256 * 1024;

/// Most messages that wait for one viewer.
pub const QUEUE_MESSAGES_MAX: usize = 1_024;

/// What a message is about, as far as coalescing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Must arrive, in order.
    State,
    /// Only the last one counts.
    Pointer,
    /// Only the last one of each node counts.
    Scroll(NodeId),
}

/// The queue of one viewer.
pub(crate) struct Viewer {
    queue: VecDeque<(Class, Arc<[u8]>)>,
    bytes: usize,
    behind: bool,
}

/// What is next for a viewer.
pub(crate) enum Next {
    /// This message.
    Message(Arc<[u8]>),
    /// A fresh snapshot.
    Snapshot,
    /// Nothing.
    Nothing,
}

impl Viewer {
    /// A viewer that has nothing yet.
    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::new(), bytes: 0, behind: true }
    }

    /// Queues a message; gives whether the queue ran over by it. A viewer that waits for a snapshot needs no
    /// message: the snapshot will hold what it says.
    pub(crate) fn push(&mut self, class: Class, message: &Arc<[u8]>) -> bool {
        if self.behind {
            return false;
        }
        if class != Class::State
            && let Some(place) = self.queue.iter().position(|(queued, _)| *queued == class)
            && let Some((_, old)) = self.queue.remove(place)
        {
            self.bytes -= old.len();
        }
        self.bytes += message.len();
        self.queue.push_back((class, message.clone()));
        let over = self.bytes > QUEUE_BYTES_MAX || self.queue.len() > QUEUE_MESSAGES_MAX;
        if over {
            self.fall_behind();
        }
        over
    }

    /// Forgets the queue; the next thing this viewer gets is a snapshot.
    pub(crate) fn fall_behind(&mut self) {
        self.queue.clear();
        self.bytes = 0;
        self.behind = true;
    }

    /// Takes what is next. After [`Next::Snapshot`] the viewer counts as up to date.
    pub(crate) fn poll(&mut self) -> Next {
        if std::mem::take(&mut self.behind) {
            return Next::Snapshot;
        }
        match self.queue.pop_front() {
            Some((_, message)) => {
                self.bytes -= message.len();
                Next::Message(message)
            }
            None => Next::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Arc<[u8]> {
        vec![b' '; length].into()
    }

    fn live() -> Viewer {
        let mut viewer = Viewer::new();
        assert!(matches!(viewer.poll(), Next::Snapshot));
        viewer
    }

    #[test]
    fn pointers_and_scrolls_coalesce() {
        let mut viewer = live();
        for length in [1, 2, 3] {
            viewer.push(Class::Pointer, &message(length));
            viewer.push(Class::Scroll(NodeId(1)), &message(length));
            viewer.push(Class::Scroll(NodeId(2)), &message(length));
        }
        assert_eq!(viewer.queue.len(), 3);
        assert_eq!(viewer.bytes, 9);
    }

    #[test]
    fn a_slow_viewer_gets_a_snapshot_and_no_backlog() {
        let mut viewer = live();
        assert!(!viewer.push(Class::State, &message(QUEUE_BYTES_MAX)));
        assert!(viewer.push(Class::State, &message(1)));
        assert!(!viewer.push(Class::State, &message(1)), "nothing is queued behind a snapshot");
        assert!(matches!(viewer.poll(), Next::Snapshot));
        assert!(matches!(viewer.poll(), Next::Nothing));
    }

    #[test]
    fn many_small_messages_run_over_too() {
        let mut viewer = live();
        let over = (0..=QUEUE_MESSAGES_MAX).filter(|_| viewer.push(Class::State, &message(1))).count();
        assert_eq!(over, 1);
    }
}
