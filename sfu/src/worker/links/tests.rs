//! That nobody sleeps through a message, and that nobody is woken for nothing.

use super::*;
use crate::worker::poller::Poller;
use std::time::Duration;

fn two() -> (Vec<Poller>, Vec<Links>) {
    let pollers: Vec<Poller> = (0..2).map(|_| Poller::new().expect("an epoll")).collect();
    let links = mesh(&pollers.iter().map(Poller::waker).collect::<Vec<_>>());
    (pollers, links)
}

/// Whether the poller was woken.
fn is_woken(poller: &mut Poller) -> bool {
    poller.wait(Some(Duration::ZERO)).expect("an epoll").inbox
}

#[test]
fn a_sleeping_worker_is_woken_once_for_a_batch_and_one_awake_never() {
    let (mut pollers, mut links) = two();
    links[0].send_control(WorkerId(1), RoomId(1), LinkControl::Attach);
    assert!(links[0].ring());
    assert!(!is_woken(&mut pollers[1]), "it is awake");

    assert!(!links[1].may_sleep(), "a message is here already");
    links[1].awake();
    assert_eq!(links[1].receive(|from, _| assert_eq!(from, WorkerId(0))), 1);
    assert!(links[1].may_sleep());
    for _ in 0..10 {
        links[0].send_control(WorkerId(1), RoomId(1), LinkControl::Attach);
    }
    assert!(!is_woken(&mut pollers[1]), "before the bell is rung");
    links[0].ring();
    assert!(is_woken(&mut pollers[1]));
    links[0].send_control(WorkerId(1), RoomId(1), LinkControl::Detach);
    links[0].ring();
    assert!(!is_woken(&mut pollers[1]), "it was woken and is on its way");
    assert!(!is_woken(&mut pollers[0]));
    assert_eq!(links[1].receive(|_, _| {}), 11);
}

#[test]
fn a_worker_without_others_sleeps_and_reads_nothing() {
    let poller = Poller::new().expect("an epoll");
    let mut links = mesh(&[poller.waker()]);
    assert!(links[0].may_sleep() && links[0].ring());
    assert_eq!(links[0].receive(|_, _| {}), 0);
    links[0].send_control(WorkerId(0), RoomId(1), LinkControl::Attach);
    links[0].send_control(WorkerId(9), RoomId(1), LinkControl::Attach);
    assert!(links[0].may_sleep(), "there is nobody to send to");
}

#[test]
fn no_message_is_slept_through() {
    const COUNT: u64 = 20_000;
    let (mut pollers, mut links) = two();
    let (mut answering, mut asking) = (links.remove(1), links.remove(0));
    let (mut answering_poller, mut asking_poller) = (pollers.remove(1), pollers.remove(0));
    let take = |links: &mut Links, poller: &mut Poller| {
        while links.receive(|_, _| {}) == 0 {
            // A message that rings nobody would be waited for in vain.
            let timeout = if links.may_sleep() { Duration::from_secs(60) } else { Duration::ZERO };
            let woken = poller.wait(Some(timeout)).expect("an epoll").inbox;
            links.awake();
            assert!(woken || timeout.is_zero(), "slept through a message");
        }
    };
    let answers = std::thread::spawn(move || {
        for _ in 0..COUNT {
            take(&mut answering, &mut answering_poller);
            answering.send_control(WorkerId(0), RoomId(1), LinkControl::Attached);
            answering.ring();
        }
    });
    for _ in 0..COUNT {
        asking.send_control(WorkerId(1), RoomId(1), LinkControl::Attach);
        asking.ring();
        take(&mut asking, &mut asking_poller);
    }
    answers.join().expect("all were answered");
}
