//! What waits for one socket, between the switchboard and the socket's own task.
//!
//! A channel of the runtime holds a block of 32 messages for as long as it lives, 1.3 KiB for each of thousands of
//! sockets that have nothing to be told. This queue holds nothing while nothing waits, and hands over all that waits at
//! once, so that a client that is told half a dozen things in one breath costs one turn of its task.
#![allow(clippy::disallowed_types)] // a shell: the lock is held to push one frame, or to take the list

use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The end at which frames go in.
#[derive(Debug)]
pub struct Outbox<T> {
    shared: Arc<Mutex<Waiting<T>>>,
    /// Frames that may wait.
    max: usize,
}

/// The end at which they come out.
#[derive(Debug)]
pub struct Outgoings<T> {
    shared: Arc<Mutex<Waiting<T>>>,
}

/// It is full, or nobody takes anything out of it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

#[derive(Debug)]
struct Waiting<T> {
    frames: Vec<T>,
    /// Of the task that waits for frames.
    waker: Option<Waker>,
    /// One of the two ends is gone.
    over: bool,
}

/// A queue for at most `max` frames.
#[must_use]
pub fn outbox<T>(max: usize) -> (Outbox<T>, Outgoings<T>) {
    let shared = Arc::new(Mutex::new(Waiting { frames: Vec::new(), waker: None, over: false }));
    (Outbox { shared: Arc::clone(&shared), max }, Outgoings { shared })
}

impl<T> Outbox<T> {
    /// Puts a frame at the end.
    ///
    /// # Errors
    /// See [`Refused`]; the frame is lost.
    pub fn push(&self, frame: T) -> Result<(), Refused> {
        let mut waiting = lock(&self.shared);
        if waiting.over || waiting.frames.len() >= self.max {
            return Err(Refused);
        }
        waiting.frames.push(frame);
        wake(waiting);
        Ok(())
    }
}

impl<T> Outgoings<T> {
    /// Waits until there is something, and takes all of it, oldest first. `None` when the other end is gone and all was
    /// taken. Loses nothing when it is dropped before it is done.
    pub async fn take(&mut self) -> Option<Vec<T>> {
        poll_fn(|cx| self.poll_take(cx)).await
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<T>>> {
        let mut waiting = lock(&self.shared);
        if !waiting.frames.is_empty() {
            return Poll::Ready(Some(mem::take(&mut waiting.frames)));
        }
        if waiting.over {
            return Poll::Ready(None);
        }
        match &mut waiting.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => waiting.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl<T> Drop for Outbox<T> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.shared);
        waiting.over = true;
        wake(waiting);
    }
}

impl<T> Drop for Outgoings<T> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.shared);
        waiting.over = true;
        let left = mem::take(&mut waiting.frames);
        drop(waiting);
        drop(left);
    }
}

/// Nothing here panics while it holds the lock, so what it guards is whole in any case.
fn lock<T>(shared: &Mutex<Waiting<T>>) -> MutexGuard<'_, Waiting<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes the task that waits, after letting go of the lock that it will want.
fn wake<T>(mut waiting: MutexGuard<'_, Waiting<T>>) {
    let waker = waiting.waker.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_waits_comes_out_at_once_and_in_order() {
        let (outbox, mut outgoings) = outbox(3);
        outbox.push(1).unwrap();
        outbox.push(2).unwrap();
        assert_eq!(outgoings.take().await, Some(vec![1, 2]));
        outbox.push(3).unwrap();
        drop(outbox);
        assert_eq!(outgoings.take().await, Some(vec![3]), "what was put in before the end still comes out");
        assert_eq!(outgoings.take().await, None);
    }

    #[tokio::test]
    async fn rel_10_no_more_waits_than_may() {
        let (outbox, mut outgoings) = outbox(2);
        assert_eq!([1, 2, 3].map(|frame| outbox.push(frame)), [Ok(()), Ok(()), Err(Refused)]);
        assert_eq!(outgoings.take().await, Some(vec![1, 2]));
        assert_eq!(outbox.push(4), Ok(()), "there is room again");
        drop(outgoings);
        assert_eq!(outbox.push(5), Err(Refused), "nobody would take it");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_a_frame_and_by_the_end() {
        let (outbox, mut outgoings) = outbox(1);
        let (taken, mut seen) = tokio::sync::mpsc::channel(1);
        let task = tokio::spawn(async move {
            while let Some(frames) = outgoings.take().await {
                taken.send(frames).await.unwrap();
            }
        });
        for frame in 0..3 {
            // Lets the task run until it waits.
            tokio::task::yield_now().await;
            outbox.push(frame).unwrap();
            assert_eq!(seen.recv().await, Some(vec![frame]));
        }
        tokio::task::yield_now().await;
        drop(outbox);
        task.await.unwrap();
    }
}
