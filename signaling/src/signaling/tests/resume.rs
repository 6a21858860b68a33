use super::harness::*;
use crate::protocol::{ByeReason, RESUME_MESSAGES_MAX, ServerMessage};
use serde_json::json;
use std::time::Duration;
use tillside_sfu::command::Command;

fn chats(world: &mut World, from: &Client, count: usize) {
    for n in 0..count {
        assert!(world.send(from.socket, &json!({ "t": "chat", "text": n.to_string() })).is_empty());
    }
}

#[test]
fn a_resume_replays_what_was_missed_and_media_goes_on() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let jon = world.inside(&agent("Jon"), "help");
    world.wait(Duration::from_secs(1));
    let seen = world.frames.remove(&mara.socket).unwrap().last().unwrap().seq;
    world.close(&mara);
    chats(&mut world, &jon, 3);
    world.wait(Duration::from_secs(10));
    let (back, frames) = world.resume(&mara_is, &mara, seen);
    let ServerMessage::Welcome(welcome) = &frames[0].message else { panic!("{frames:?}") };
    assert!(welcome.resumed);
    assert_eq!(frames[0].seq, seen, "the next message follows this one");
    assert_eq!(back.id, mara.id, "still the same participant");
    let seqs: Vec<u64> = frames[1..].iter().map(|frame| frame.seq).collect();
    assert_eq!(seqs, [seen + 1, seen + 2, seen + 3]);
    assert!(!world.commands.iter().any(|command| matches!(command, Command::Leave(_))));
    chats(&mut world, &jon, 1);
    assert!(matches!(&world.take(&back)[..], [ServerMessage::Chat(chat)] if chat.text == "0"));
}

#[test]
fn who_missed_too_much_is_told_everything_anew() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let jon = world.inside(&agent("Jon"), "help");
    world.close(&mara);
    chats(&mut world, &jon, RESUME_MESSAGES_MAX + 5);
    let (_, frames) = world.resume(&mara_is, &mara, 2);
    assert!(matches!(&frames[0].message, ServerMessage::Welcome(welcome) if welcome.resumed));
    assert!(matches!(&frames[1].message, ServerMessage::State(state) if state.full && state.participants.len() == 1));
    assert!(matches!(&frames[2].message, ServerMessage::Answer(answer) if answer.n == 1));
    assert_eq!(frames[1].seq, frames[0].seq + 1, "welcome says what the count goes on from");
}

#[test]
fn a_session_that_does_not_come_back_is_over_after_thirty_seconds() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let jon = world.inside(&agent("Jon"), "help");
    world.close(&mara);
    for _ in 0..3 {
        world.wait(Duration::from_secs(9));
        world.send(jon.socket, &json!({ "t": "ping", "ts": 1 }));
    }
    assert!(!world.commands.iter().any(|command| matches!(command, Command::Leave(_))));
    world.wait(Duration::from_secs(4));
    assert!(world.commands.iter().any(|command| matches!(command, Command::Leave(_))));
    let heard = world.take(&jon);
    assert!(
        heard.iter().any(|message| matches!(message, ServerMessage::State(state) if state.left == [mara.id.clone()]))
    );
    let (back, frames) = world.resume(&mara_is, &mara, 1);
    assert!(matches!(&frames[0].message, ServerMessage::Welcome(welcome) if !welcome.resumed));
    assert_ne!(back.id, mara.id);
}

#[test]
fn only_the_same_person_with_the_secret_can_resume() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let forged = Client { secret: "guess".to_owned(), ..mara.clone() };
    for (name, who, client) in [
        ("a wrong secret", mara_is.clone(), &forged),
        ("another person", shopper("Max", "help"), &mara),
        ("another room", shopper("Mara", "other"), &mara),
        ("more rights", mara_is.clone().moderator(), &mara),
        ("another tenant", mara_is.clone().of_rival(), &mara),
    ] {
        let (other, frames) = world.resume(&who, client, 0);
        assert!(matches!(&frames[0].message, ServerMessage::Welcome(welcome) if !welcome.resumed), "{name}");
        assert_ne!(other.id, mara.id, "{name}");
    }
    assert!(!world.closed.contains_key(&mara.socket), "the real one is not disturbed");
}

#[test]
fn a_second_socket_replaces_the_first() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let (back, _) = world.resume(&mara_is, &mara, 5);
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Replaced));
    assert!(world.closed.contains_key(&mara.socket));
    world.close(&mara);
    assert!(world.send(back.socket, &json!({ "t": "chat", "text": "still here" })).is_empty());
}

#[test]
fn a_silent_socket_is_closed_and_its_session_waits() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    world.wait(Duration::from_secs(14));
    assert!(!world.closed.contains_key(&mara.socket));
    world.wait(Duration::from_secs(2));
    assert!(world.closed.contains_key(&mara.socket));
    assert_eq!(world.core.session_count(), 1);
}

#[test]
fn sec_14_a_socket_without_hello_is_closed_after_five_seconds() {
    let mut world = World::new();
    let socket = world.open(None);
    world.wait(Duration::from_millis(4_900));
    assert!(!world.closed.contains_key(&socket));
    world.wait(Duration::from_millis(700));
    assert!(world.closed.contains_key(&socket));
}
