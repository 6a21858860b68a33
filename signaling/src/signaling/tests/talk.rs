use super::harness::*;
use crate::protocol::{CHAT_BYTES_MAX, DATA_BYTES_MAX, ErrorCode, ServerMessage, Why};
use serde_json::json;
use tillside_sfu::command::{self, Binding, Command, EncodingsWanted, Event, QualityCause};
use tillside_sfu::id::{Mid, PublicationId, Rid};

fn mid(text: &str) -> Mid {
    Mid::parse(text.as_bytes()).unwrap()
}

#[test]
fn chat_and_data_reach_all_others_or_one() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    let lea = world.inside(&agent("Lea"), "help");
    for client in [&mara, &jon, &lea] {
        world.take(client);
    }
    world.send(jon.socket, &json!({ "t": "chat", "text": "hello" }));
    assert!(matches!(&world.take(&mara)[..], [ServerMessage::Chat(chat)] if !chat.private && chat.from == jon.id));
    assert_eq!(world.take(&lea).len(), 1);
    world.send(jon.socket, &json!({ "t": "chat", "text": "psst", "to": lea.id }));
    assert!(world.take(&mara).is_empty());
    assert!(matches!(&world.take(&lea)[..], [ServerMessage::Chat(chat)] if chat.private));
    world.send(mara.socket, &json!({ "t": "data", "topic": "cart", "payload": "{}" }));
    assert!(
        world.take(&jon).iter().any(|message| matches!(message, ServerMessage::Data(data) if data.topic == "cart"))
    );
    assert!(world.take(&mara).is_empty(), "nobody hears itself");
}

#[test]
fn chat_and_data_have_limits() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    for (frame, code) in [
        (json!({ "t": "chat", "text": "" }), Some(ErrorCode::Malformed)),
        (json!({ "t": "chat", "text": "x".repeat(CHAT_BYTES_MAX) }), None),
        (json!({ "t": "chat", "text": "x".repeat(CHAT_BYTES_MAX + 1) }), Some(ErrorCode::Malformed)),
        (json!({ "t": "chat", "text": "x", "to": "p_nobody" }), Some(ErrorCode::NotFound)),
        (json!({ "t": "data", "topic": "t", "payload": "x".repeat(DATA_BYTES_MAX) }), None),
        (json!({ "t": "data", "topic": "t", "payload": "x".repeat(DATA_BYTES_MAX + 1) }), Some(ErrorCode::Malformed)),
        (json!({ "t": "data", "topic": "", "payload": "" }), Some(ErrorCode::Malformed)),
        (json!({ "t": "data", "topic": "t".repeat(65), "payload": "" }), Some(ErrorCode::Malformed)),
    ] {
        assert_eq!(
            error(&world.send(mara.socket, &frame)),
            code,
            "{}",
            &frame.to_string()[..40.min(frame.to_string().len())]
        );
    }
}

#[test]
fn a_mute_reaches_media_and_the_others_once() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    world.take(&mara);
    let participant = world.media_id(&jon);
    for _ in 0..2 {
        assert!(world.send(jon.socket, &json!({ "t": "mute", "mid": "0", "muted": true })).is_empty());
    }
    let mutes = world.commands.iter().filter(
        |command| matches!(command, Command::Mute(id, true) if *id == PublicationId { participant, mid: mid("0") }),
    );
    assert_eq!(mutes.count(), 1);
    let told = world.take(&mara);
    let [ServerMessage::State(state)] = &told[..] else { panic!("{told:?}") };
    assert!(state.participants[0].publications[0].muted);
    let unknown = world.send(jon.socket, &json!({ "t": "mute", "mid": "9", "muted": true }));
    assert_eq!(error(&unknown), Some(ErrorCode::NotFound));
}

#[test]
fn a_view_is_translated_for_media() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    let rival = world.inside(&shopper("Rita", "help").of_rival(), "help");
    let camera = format!("{}:1", mara.id);
    let view = |publication: &str| json!({ "t": "view", "slots": [{ "mid": "3", "publication": publication, "height": 720 }, { "mid": "4", "height": 0 }] });
    assert!(world.send(jon.socket, &view(&camera)).is_empty());
    let participant = world.media_id(&mara);
    let Some(Command::View(_, wishes)) = world.commands.last() else { panic!("{:?}", world.commands) };
    assert_eq!(wishes[0].publication, Some(PublicationId { participant, mid: mid("1") }));
    assert_eq!((wishes[0].height, wishes[1].publication, wishes[1].height), (720, None, 0));
    for unknown in [format!("{}:9", mara.id), "p_nobody:1".to_owned(), String::new(), format!("{}:0", rival.id)] {
        assert_eq!(error(&world.send(jon.socket, &view(&unknown))), Some(ErrorCode::NotFound), "{unknown}");
    }
}

#[test]
fn what_media_tells_is_translated_for_clients() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    let (mara_media, jon_media) = (world.media_id(&mara), world.media_id(&jon));
    let room = world.core.sessions[&jon_media].room.unwrap();
    world.take(&mara);
    world.take(&jon);
    let slots = vec![
        Binding {
            mid: mid("3"),
            publication: Some(PublicationId { participant: mara_media, mid: mid("1") }),
            rid: Rid::parse(b"h"),
            why: Some(command::Why::Bandwidth),
        },
        Binding { mid: mid("4"), publication: None, rid: None, why: None },
    ];
    world.event(Event::Bound { participant: jon_media, slots });
    let publication = PublicationId { participant: mara_media, mid: mid("1") };
    world.event(Event::EncodingsWanted { publication, wanted: EncodingsWanted::Single(false) });
    world.event(Event::Speakers { room, participants: vec![mara_media] });
    world.event(Event::Quality { participant: mara_media, score: 3, cause: QualityCause::Loss });

    let told = world.take(&jon);
    let [ServerMessage::Bind(bind), ServerMessage::Speakers(speakers), ServerMessage::Quality(quality)] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(bind.slots[0].publication, Some(format!("{}:1", mara.id)));
    assert_eq!((bind.slots[0].rid.as_deref(), bind.slots[0].why), (Some("h"), Some(Why::Bandwidth)));
    assert_eq!(speakers.participants, [mara.id.as_str()]);
    assert_eq!((quality.participant.as_str(), quality.score), (mara.id.as_str(), 3));
    let told = world.take(&mara);
    assert!(matches!(&told[0], ServerMessage::Send(send) if send.mid == "1" && send.rids.is_empty()), "{told:?}");
}

#[test]
fn a_failed_room_ends_for_all_of_it_and_for_nobody_else() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let max = world.inside(&shopper("Max", "other"), "other");
    let room = world.core.sessions[&world.media_id(&mara)].room.unwrap();
    world.event(Event::RoomFailed(room));
    assert_eq!(bye(&world.take(&mara)), Some(crate::protocol::ByeReason::RoomFailed));
    assert_eq!(bye(&world.take(&max)), None);
    assert_eq!(world.rooms.len(), 1);
}

#[test]
fn unreadable_frames_are_answered_and_disturb_nobody() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    for (text, code) in [("{", ErrorCode::Malformed), (r#"{"t":"dance"}"#, ErrorCode::UnknownType)] {
        assert_eq!(error(&world.send_text(mara.socket, text)), Some(code));
    }
    assert!(
        matches!(&world.send(mara.socket, &json!({ "t": "ping", "ts": 7 }))[..], [ServerMessage::Pong(pong)] if pong.ts == 7)
    );
}
