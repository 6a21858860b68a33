use super::harness::*;
use crate::protocol::{ErrorCode, Role, ServerMessage, Source};
use serde_json::json;
use tillside_sfu::command::{Command, Event, RefuseError};

#[test]
fn a_join_is_answered_in_order_and_others_are_told() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.hello(&agent("Jon"));
    let told = world.join(&jon, "help");
    let [ServerMessage::Joined(joined), ServerMessage::Answer(answer), ServerMessage::State(state), ..] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((joined.room.as_str(), answer.n, state.full), ("help", 1, true));
    assert_eq!(state.participants.len(), 1, "without the receiver");
    assert_eq!(state.participants[0].publications[1].id, format!("{}:1", mara.id));

    let heard = world.take(&mara);
    let change = heard.iter().find_map(|message| match message {
        ServerMessage::State(state) => Some(state),
        _ => None,
    });
    let change = change.expect("Mara is told that Jon has come");
    assert!(!change.full);
    assert_eq!((change.participants[0].id.as_str(), change.participants[0].role), (jon.id.as_str(), Role::Agent));
}

#[test]
fn nobody_is_seen_before_media_has_answered() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    world.media_answers = false;
    let jon = world.hello(&agent("Jon"));
    assert!(world.join(&jon, "help").is_empty());
    assert!(!world.take(&mara).iter().any(|message| matches!(message, ServerMessage::State(_))));
    let chat = world.send(jon.socket, &json!({ "t": "chat", "text": "too early" }));
    assert_eq!(error(&chat), Some(ErrorCode::OutOfOrder));
}

#[test]
fn a_refused_join_leaves_nothing_behind_and_may_be_tried_again() {
    for (refusal, code) in [
        (RefuseError::RoomFull, ErrorCode::Full),
        (RefuseError::Overloaded, ErrorCode::Overloaded),
        (RefuseError::MediaLines, ErrorCode::BadOffer),
        (RefuseError::Participant, ErrorCode::Internal),
    ] {
        let mut world = World::new();
        world.media_answers = false;
        let mara = world.hello(&shopper("Mara", "help"));
        world.join(&mara, "help");
        let participant = world.media_id(&mara);
        world.event(Event::Refused { participant, n: 1, error: refusal });
        let told = world.take(&mara);
        assert_eq!(error(&told), Some(code));
        assert!(world.rooms.is_empty());
        world.media_answers = true;
        assert_eq!(error(&world.join(&mara, "help")), None);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut world = World::new();
    let anywhere = world.hello(&agent("Jon"));
    let here = world.hello(&shopper("Mara", "help"));
    let deaf = world.hello(&shopper("Max", "help").publishes(&[Source::Microphone]));
    let track = |mid: &str, source: &str| json!([{ "mid": mid, "source": source }]);
    for (name, told, code) in [
        ("no such room", world.join(&anywhere, "nowhere"), ErrorCode::NotFound),
        ("no room's name", world.join(&anywhere, "../x"), ErrorCode::NotFound),
        ("another room than the token's", world.join(&here, "other"), ErrorCode::Forbidden),
        ("a source not granted", world.join_with(&deaf, "help", &track("1", "camera")), ErrorCode::Forbidden),
        ("no mid", world.join_with(&here, "help", &track("", "camera")), ErrorCode::BadOffer),
        ("a long mid", world.join_with(&here, "help", &track(&"m".repeat(17), "camera")), ErrorCode::BadOffer),
        ("view before join", world.send(here.socket, &json!({ "t": "view", "slots": [] })), ErrorCode::OutOfOrder),
        ("ready before join", world.send(here.socket, &json!({ "t": "ready" })), ErrorCode::OutOfOrder),
        ("offer before join", world.offer(&here, 2, &json!([])), ErrorCode::OutOfOrder),
        (
            "hello twice",
            world.send(here.socket, &json!({ "t": "hello", "v": [1], "token": "" })),
            ErrorCode::OutOfOrder,
        ),
        (
            "no room said",
            world.send(anywhere.socket, &json!({ "t": "join", "offer": "", "tracks": [] })),
            ErrorCode::Malformed,
        ),
        (
            "no SDP",
            world.send(here.socket, &json!({ "t": "join", "offer": "hello", "tracks": [] })),
            ErrorCode::BadOffer,
        ),
    ] {
        assert_eq!(error(&told), Some(code), "{name}");
    }
    assert!(world.commands.is_empty(), "media was told nothing");
    assert!(world.rooms.is_empty());
    world.join(&here, "help");
    assert_eq!(error(&world.join(&here, "help")), Some(ErrorCode::OutOfOrder), "join twice");
}

#[test]
fn one_offer_is_in_flight_and_its_number_counts_up() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    world.take(&mara);
    let screen = json!([{ "mid": "0", "source": "microphone" }, { "mid": "1", "source": "screen" }]);
    assert_eq!(error(&world.offer(&jon, 1, &screen)), Some(ErrorCode::OutOfOrder));
    world.media_answers = false;
    world.offer(&jon, 2, &screen);
    assert_eq!(error(&world.offer(&jon, 3, &screen)), Some(ErrorCode::OutOfOrder));
    let participant = world.media_id(&jon);
    world.event(Event::Answered { participant, n: 1, answer: "late".into() });
    assert!(world.take(&mara).is_empty(), "an answer to another offer is not this one's");
    world.event(Event::Answered { participant, n: 2, answer: "v=0".into() });
    let told = world.take(&mara);
    let [ServerMessage::State(state)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(state.participants[0].publications[1].source, Source::Screen);
    assert!(world.take(&jon).iter().any(|message| matches!(message, ServerMessage::Answer(answer) if answer.n == 2)));
}

#[test]
fn the_last_one_to_leave_ends_the_room() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    let told = world.send(jon.socket, &json!({ "t": "leave" }));
    assert_eq!(bye(&told), Some(crate::protocol::ByeReason::Left));
    assert!(world.closed.contains_key(&jon.socket));
    let heard = world.take(&mara);
    assert!(
        heard.iter().any(|message| matches!(message, ServerMessage::State(state) if state.left == [jon.id.clone()]))
    );
    assert_eq!(world.rooms.len(), 1);
    world.send(mara.socket, &json!({ "t": "leave" }));
    assert!(world.rooms.is_empty());
    assert_eq!(world.commands.iter().filter(|command| matches!(command, Command::Leave(_))).count(), 2);
}

#[test]
fn rooms_of_two_tenants_with_one_name_are_two_rooms() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let rival = world.inside(&shopper("Rita", "help").of_rival(), "help");
    assert_eq!(world.rooms.len(), 2);
    let told = world.send(rival.socket, &json!({ "t": "chat", "text": "hi", "to": mara.id }));
    assert_eq!(error(&told), Some(ErrorCode::NotFound));
    assert!(
        !world.take(&mara).iter().any(|message| matches!(message, ServerMessage::Chat(_) | ServerMessage::State(_)))
    );
}

#[test]
fn lost_media_ends_the_session_with_a_way_back() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    world.media_lost(&mara);
    let told = world.take(&mara);
    let Some(ServerMessage::Bye(bye)) = told.last() else { panic!("{told:?}") };
    assert_eq!((bye.reason, bye.action), (crate::protocol::ByeReason::MediaLost, crate::protocol::ByeAction::Rejoin));
    assert!(!world.commands.iter().any(|command| matches!(command, Command::Leave(_))), "media knows already");
}
