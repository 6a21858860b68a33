//! A bounded queue into a worker that also wakes it. How commands and accepted TCP connections arrive.

use mio::Waker;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// The sending end; clone it for each sender.
pub struct InboxSender<T> {
    sender: SyncSender<T>,
    waker: Arc<Waker>,
}

/// Why an item could not be sent; it is given back.
#[derive(Debug, thiserror::Error)]
pub enum InboxError<T> {
    /// The worker is behind; try again later or do without.
    #[error("the worker's queue is full")]
    Full(T),
    /// The worker has ended.
    #[error("the worker has ended")]
    Closed(T),
}

/// A queue of at most `capacity` items; `waker` is that of the receiving worker's [`super::poller::Poller`].
#[must_use]
pub fn inbox<T>(capacity: usize, waker: Arc<Waker>) -> (InboxSender<T>, Receiver<T>) {
    let (sender, receiver) = sync_channel(capacity);
    (InboxSender { sender, waker }, receiver)
}

impl<T> InboxSender<T> {
    /// Queues `item` and wakes the worker. Never blocks.
    ///
    /// # Errors
    /// When the queue is full or the worker has ended.
    pub fn send(&self, item: T) -> Result<(), InboxError<T>> {
        self.sender.try_send(item).map_err(|error| match error {
            TrySendError::Full(item) => InboxError::Full(item),
            TrySendError::Disconnected(item) => InboxError::Closed(item),
        })?;
        // A wake can only fail for want of memory in the kernel; the worker then finds the item at its next turn.
        let _ = self.waker.wake();
        Ok(())
    }
}

impl<T> Clone for InboxSender<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), waker: Arc::clone(&self.waker) }
    }
}
