//! SEC-30: every role, with and without the moderator's grant, and every operation.

use super::super::ShareEvent;
use super::harness::*;
use crate::protocol::{Cobrowse, ErrorCode, Role, ServerMessage};
use serde_json::{Value, json};
use tillside_cobrowse::relay::ViewerId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    PublishMicrophone,
    PublishCamera,
    PublishScreen,
    Offer,
    View,
    Ready,
    Mute,
    Chat,
    ChatPrivately,
    Data,
    ModerateMute,
    Kick,
    Lock,
    Unlock,
    End,
    SeeDesk,
    SharePage,
    AskForPage,
    SeePage,
    AskForControl,
}

const OPERATIONS: [Operation; 20] = [
    Operation::PublishMicrophone,
    Operation::PublishCamera,
    Operation::PublishScreen,
    Operation::Offer,
    Operation::View,
    Operation::Ready,
    Operation::Mute,
    Operation::Chat,
    Operation::ChatPrivately,
    Operation::Data,
    Operation::ModerateMute,
    Operation::Kick,
    Operation::Lock,
    Operation::Unlock,
    Operation::End,
    Operation::SeeDesk,
    Operation::SharePage,
    Operation::AskForPage,
    Operation::SeePage,
    Operation::AskForControl,
];

const COBROWSE: [Option<Cobrowse>; 4] = [None, Some(Cobrowse::Share), Some(Cobrowse::View), Some(Cobrowse::Control)];

/// What the rules say, written once more and in another way than the code.
fn allowed(role: Role, moderator: bool, cobrowse: Option<Cobrowse>, operation: Operation) -> bool {
    use Operation as O;
    match operation {
        O::View | O::Ready => true,
        O::PublishMicrophone | O::PublishCamera | O::PublishScreen | O::Offer | O::Mute => role != Role::Observer,
        O::Chat | O::ChatPrivately | O::Data => role != Role::Observer,
        O::ModerateMute | O::Kick | O::Lock | O::Unlock | O::End => {
            moderator && (role == Role::Agent || role == Role::Supervisor)
        }
        O::SeeDesk => role == Role::Agent || role == Role::Supervisor,
        O::SharePage => role == Role::Shopper && cobrowse == Some(Cobrowse::Share),
        O::SeePage => {
            role != Role::Shopper && (cobrowse == Some(Cobrowse::View) || cobrowse == Some(Cobrowse::Control))
        }
        O::AskForPage => {
            (role == Role::Agent || role == Role::Supervisor)
                && (cobrowse == Some(Cobrowse::View) || cobrowse == Some(Cobrowse::Control))
        }
        O::AskForControl => (role == Role::Agent || role == Role::Supervisor) && cobrowse == Some(Cobrowse::Control),
    }
}

#[test]
fn sec_30_every_role_may_do_what_it_may_and_nothing_else() {
    for role in [Role::Shopper, Role::Agent, Role::Supervisor, Role::Observer] {
        for moderator in [false, true] {
            for (operation, cobrowse) in OPERATIONS.iter().flat_map(|one| COBROWSE.map(|granted| (*one, granted))) {
                let done = attempt(role, moderator, cobrowse, operation);
                let may = allowed(role, moderator, cobrowse, operation);
                assert_eq!(done, may, "{role:?} moderator={moderator} {cobrowse:?} {operation:?}");
            }
        }
    }
}

/// Tries one operation in a fresh world; whether it was done.
fn attempt(role: Role, moderator: bool, cobrowse: Option<Cobrowse>, operation: Operation) -> bool {
    let mut world = World::new();
    let other = world.inside(&shopper("Other", "help").cobrowse(Cobrowse::Share), "help");
    if matches!(operation, Operation::SeePage | Operation::AskForControl) {
        world.send(other.socket, &json!({ "t": "share", "action": "consent" }));
    }
    // Everything is granted, so that only the role decides.
    let who = who("Me", role);
    let who = if moderator { who.moderator() } else { who };
    let who = cobrowse.map_or(who.clone(), |granted| who.cobrowse(granted));
    let me = world.hello(&who);
    let desk = world.take(&me).iter().any(|message| matches!(message, ServerMessage::Desk(_)));
    let microphone = json!([{ "mid": "0", "source": "microphone" }]);
    let tracks = if role == Role::Observer { json!([]) } else { microphone.clone() };
    let publish = |source: &str| json!([{ "mid": "1", "source": source }]);
    let joins = |world: &mut World, tracks: &Value| done(&world.join_with(&me, "help", tracks));
    match operation {
        Operation::SeeDesk => return desk,
        Operation::PublishMicrophone => return joins(&mut world, &microphone),
        Operation::PublishCamera => return joins(&mut world, &publish("camera")),
        Operation::PublishScreen => return joins(&mut world, &publish("screen")),
        Operation::SeePage => return has_ticket(&world.join_with(&me, "help", &tracks)),
        _ => assert!(joins(&mut world, &tracks)),
    }
    let frame = match operation {
        Operation::Offer => return done(&world.offer(&me, 2, &microphone)),
        Operation::View => json!({ "t": "view", "slots": [{ "mid": "1", "height": 180 }] }),
        Operation::Ready => json!({ "t": "ready" }),
        Operation::Mute => json!({ "t": "mute", "mid": "0", "muted": true }),
        Operation::Chat => json!({ "t": "chat", "text": "x" }),
        Operation::ChatPrivately => json!({ "t": "chat", "text": "x", "to": other.id }),
        Operation::Data => json!({ "t": "data", "topic": "x", "payload": "" }),
        Operation::ModerateMute => json!({ "t": "moderate", "action": "mute", "participant": other.id, "mid": "0" }),
        Operation::Kick => json!({ "t": "moderate", "action": "kick", "participant": other.id }),
        Operation::Lock => json!({ "t": "moderate", "action": "lock" }),
        Operation::Unlock => json!({ "t": "moderate", "action": "unlock" }),
        Operation::End => json!({ "t": "moderate", "action": "end" }),
        Operation::SharePage => json!({ "t": "share", "action": "consent" }),
        Operation::AskForPage => json!({ "t": "share", "action": "request", "sharer": other.id }),
        Operation::AskForControl => {
            let viewer = ViewerId(world.media_id(&me).0);
            world.share_event(ShareEvent::ViewerAttached(viewer));
            json!({ "t": "control", "action": "request", "share": world.share_name(), "rung": "navigate" })
        }
        _ => unreachable!("handled above"),
    };
    done(&world.send(me.socket, &frame))
}

fn has_ticket(told: &[ServerMessage]) -> bool {
    told.iter().any(|message| matches!(message, ServerMessage::Share(state) if state.ticket.is_some()))
}

fn done(told: &[ServerMessage]) -> bool {
    match error(told) {
        None => true,
        // An observer has no track to mute.
        Some(ErrorCode::Forbidden | ErrorCode::NotFound) => false,
        Some(other) => panic!("{other:?}: {told:?}"),
    }
}

#[test]
fn sec_16_a_page_of_another_tenant_is_refused_after_hello() {
    let mut world = World::new();
    for (origin, code) in [("https://shop.example", None), ("https://rival.example", Some(ErrorCode::Forbidden))] {
        let socket = world.open(Some(origin));
        let hello = json!({ "t": "hello", "v": [1], "token": shopper("Mara", "help").token() });
        let told = world.send(socket, &hello);
        assert_eq!(error(&told), code, "{origin}");
        assert_eq!(world.closed.contains_key(&socket), code.is_some());
    }
}

#[test]
fn a_socket_must_begin_with_a_good_hello() {
    let mut world = World::new();
    for (text, code) in [
        (r#"{"t":"ping","ts":1}"#, ErrorCode::OutOfOrder),
        (r#"{"t":"hello","v":[2],"token":""}"#, ErrorCode::Version),
        (r#"{"t":"hello","v":[1],"token":"x"}"#, ErrorCode::Unauthorized),
        (r#"{"t":"hello","v":[1]}"#, ErrorCode::Malformed),
        ("garbage", ErrorCode::Malformed),
    ] {
        let socket = world.open(None);
        assert_eq!(error(&world.send_text(socket, text)), Some(code), "{text}");
        assert!(world.closed.contains_key(&socket), "{text}");
        assert!(world.send_text(socket, r#"{"t":"ready"}"#).is_empty(), "the core has forgotten it");
    }
}
