use super::harness::*;
use crate::protocol::{ByeReason, ErrorCode, ServerMessage};
use serde_json::json;
use tillside_sfu::command::Command;

#[test]
fn a_moderator_mutes_another_and_only_its_owner_unmutes() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon").moderator(), "help");
    world.take(&mara);
    let mute = json!({ "t": "moderate", "action": "mute", "participant": mara.id, "mid": "0" });
    assert_eq!(error(&world.send(jon.socket, &mute)), None);
    assert!(matches!(&world.take(&mara)[..], [ServerMessage::Muted(muted)] if muted.by == jon.id && muted.mid == "0"));
    world.send(mara.socket, &json!({ "t": "mute", "mid": "0", "muted": false }));
    assert!(matches!(world.commands.last(), Some(Command::Mute(_, false))));
}

#[test]
fn who_is_removed_does_not_come_back_with_the_same_token() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let jon = world.inside(&agent("Jon").moderator(), "help");
    world.send(jon.socket, &json!({ "t": "moderate", "action": "kick", "participant": mara.id }));
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Kicked));
    let socket = world.open(None);
    let told = world.send(socket, &json!({ "t": "hello", "v": [1], "token": mara_is.token() }));
    assert_eq!(error(&told), Some(ErrorCode::Unauthorized));
}

#[test]
fn a_locked_room_lets_in_moderators_only() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon").moderator(), "help");
    world.take(&mara);
    world.send(jon.socket, &json!({ "t": "moderate", "action": "lock" }));
    assert!(matches!(&world.take(&mara)[..], [ServerMessage::State(state)] if state.locked && !state.full));
    let lea = world.hello(&agent("Lea"));
    assert_eq!(error(&world.join(&lea, "help")), Some(ErrorCode::Locked));
    world.inside(&agent("Ida").moderator(), "help");
    world.send(jon.socket, &json!({ "t": "moderate", "action": "unlock" }));
    assert_eq!(error(&world.join(&lea, "help")), None);
}

#[test]
fn an_ended_room_is_over_for_all() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon").moderator(), "help");
    world.take(&mara);
    world.send(jon.socket, &json!({ "t": "moderate", "action": "end" }));
    for client in [&mara, &jon] {
        let told = world.take(client);
        assert_eq!(bye(&told), Some(ByeReason::RoomEnded));
        assert!(!told.iter().any(|message| matches!(message, ServerMessage::State(_))), "no word of the others' going");
        assert!(world.closed.contains_key(&client.socket));
    }
    assert!(world.rooms.is_empty());
    assert!(world.commands.iter().any(|command| matches!(command, Command::CloseRoom(_))));
}

#[test]
fn unknown_targets_are_not_found() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let rival = world.inside(&shopper("Rita", "help").of_rival(), "help");
    let jon = world.inside(&agent("Jon").moderator(), "help");
    for frame in [
        json!({ "t": "moderate", "action": "kick", "participant": "p_nobody" }),
        json!({ "t": "moderate", "action": "kick", "participant": rival.id }),
        json!({ "t": "moderate", "action": "mute", "participant": mara.id, "mid": "7" }),
        json!({ "t": "moderate", "action": "mute", "participant": rival.id, "mid": "0" }),
    ] {
        assert_eq!(error(&world.send(jon.socket, &frame)), Some(ErrorCode::NotFound), "{frame}");
    }
}
