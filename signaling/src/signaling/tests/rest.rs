use super::super::{Enter, ROOM_EMPTY_MAX, Reply, Request, TenantRules};
use super::harness::*;
use crate::protocol::{ByeReason, ErrorCode, Role, Source};
use crate::token::Keyring;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tillside_sfu::command::{self, Command, Event, RefuseError, Track};
use tillside_sfu::id::Mid;
use tillside_sfu::sdp::Purpose;

fn enter(who: &Who, room: &str) -> Request {
    let tracks = vec![Track { mid: Mid::parse(b"1").unwrap(), source: command::Source::Camera, muted: false }];
    Request::Enter(Box::new(Enter {
        token: who.token(),
        origin: None,
        room: room.to_owned(),
        offer: offer(),
        tracks,
        purpose: Purpose::Publish,
    }))
}

#[test]
fn a_room_made_by_rest_lets_agents_in_and_stays() {
    let mut world = World::new();
    assert!(matches!(world.request(Request::CreateRoom(key("help"))), Some(Reply::Room { created: true, .. })));
    assert!(matches!(world.request(Request::CreateRoom(key("help"))), Some(Reply::Room { created: false, .. })));
    let jon = world.inside(&agent("Jon"), "help");
    world.send(jon.socket, &json!({ "t": "leave" }));
    assert!(world.rooms.contains_key(&key("help")));
    world.wait(ROOM_EMPTY_MAX + Duration::from_secs(1));
    assert!(world.rooms.is_empty());
}

#[test]
fn rest_ends_rooms_and_removes_participants() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    let jon = world.inside(&agent("Jon"), "help");
    let remove = |participant: &str| Request::Remove { room: key("help"), participant: participant.to_owned() };
    assert_eq!(world.request(remove(&mara.id)), Some(Reply::Done));
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Kicked));
    assert!(matches!(world.request(remove(&mara.id)), Some(Reply::Refused { code: ErrorCode::NotFound, .. })));
    assert_eq!(world.request(Request::EndRoom(key("help"))), Some(Reply::Done));
    assert_eq!(bye(&world.take(&jon)), Some(ByeReason::RoomEnded));
    let again = world.request(Request::EndRoom(key("help")));
    assert!(matches!(again, Some(Reply::Refused { code: ErrorCode::NotFound, .. })));
}

#[test]
fn sec_22_a_revoked_token_ends_its_sessions_at_once_and_for_good() {
    let mut world = World::new();
    let mara_is = shopper("Mara", "help");
    let mara = world.inside(&mara_is, "help");
    let jti = mara_is.claims.jti.clone();
    world.request(Request::Revoke { tenant: "rival".to_owned(), jti: jti.clone() });
    assert_eq!(bye(&world.take(&mara)), None, "another tenant's word does not count");
    assert_eq!(world.request(Request::Revoke { tenant: "shop".to_owned(), jti }), Some(Reply::Done));
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Unauthorized));
    assert!(world.commands.iter().any(|command| matches!(command, Command::Leave(_))));
    let socket = world.open(None);
    let told = world.send(socket, &json!({ "t": "hello", "v": [1], "token": mara_is.token() }));
    assert_eq!(error(&told), Some(ErrorCode::Unauthorized));
}

#[test]
fn sec_22_a_token_that_runs_out_ends_its_session_within_a_minute() {
    let mut world = World::new();
    let mut mara_is = shopper("Mara", "help");
    mara_is.claims.exp = world.now.unix + 30;
    let mara = world.inside(&mara_is, "help");
    for _ in 0..10 {
        world.wait(Duration::from_secs(10));
        world.send(mara.socket, &json!({ "t": "ping", "ts": 1 }));
    }
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Unauthorized));
}

#[test]
fn sec_22_a_removed_key_ends_its_sessions_at_once() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    world.core.handle_tenants(world.now, keyring(), TenantRules::new());
    world.settle();
    assert_eq!(bye(&world.take(&mara)), None, "its key is still there");
    world.core.handle_tenants(world.now, Arc::new(Keyring::new(Vec::new()).unwrap()), TenantRules::new());
    world.settle();
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Unauthorized));
}

#[test]
fn whip_enters_and_leaves_a_room() {
    let mut world = World::new();
    let jon = world.inside(&agent("Jon").room("show"), "show");
    let camera = who("Camera 1", Role::Agent).room("show");
    let Some(Reply::Answered { resource, answer }) = world.request(enter(&camera, "show")) else { panic!("no answer") };
    assert_eq!(answer, "v=0");
    assert_eq!(world.rooms[&key("show")].participants.len(), 2);
    let exit = |who: &Who| Request::Exit { token: who.token(), resource: resource.clone() };
    let stranger = world.request(exit(&agent("Stranger")));
    assert!(
        matches!(stranger, Some(Reply::Refused { code: ErrorCode::NotFound, .. })),
        "looks as if it were not there"
    );
    let mut broken = camera.clone();
    broken.claims.exp = world.now.unix - 1000;
    assert!(matches!(world.request(exit(&camera)), Some(Reply::Done)));
    assert!(matches!(world.request(exit(&camera)), Some(Reply::Refused { code: ErrorCode::NotFound, .. })));
    assert_eq!(world.rooms[&key("show")].participants.len(), 1);
    assert!(!world.take(&jon).is_empty(), "Jon saw it come and go");
    assert_eq!(world.core.session_count(), 1);
}

#[test]
fn whip_is_refused_like_a_join() {
    let mut world = World::new();
    let wrong_room = enter(&who("Camera", Role::Agent).room("show"), "other");
    let unknown_room = enter(&agent("Camera"), "nowhere");
    let not_granted = enter(&who("Camera", Role::Agent).room("show").publishes(&[Source::Screen]), "show");
    let observer = enter(&who("Camera", Role::Observer).room("show"), "show");
    for (name, request, expected) in [
        ("room", wrong_room, ErrorCode::Forbidden),
        ("unknown room", unknown_room, ErrorCode::NotFound),
        ("grant", not_granted, ErrorCode::Forbidden),
        ("observer", observer, ErrorCode::Forbidden),
    ] {
        let reply = world.request(request);
        assert!(matches!(reply, Some(Reply::Refused { code, .. }) if code == expected), "{name}: {reply:?}");
    }
    assert_eq!((world.core.session_count(), world.rooms.len()), (0, 0), "nothing is left behind");
}

#[test]
fn whip_that_media_refuses_or_loses_leaves_nothing_behind() {
    let mut world = World::new();
    world.media_answers = false;
    let camera = who("Camera", Role::Agent).room("show");
    assert_eq!(world.request(enter(&camera, "show")), None, "media has not answered");
    let Some(Command::Join(join)) = world.commands.last() else { panic!("no join") };
    let participant = join.participant;
    world.event(Event::Refused { participant, n: 1, error: RefuseError::Overloaded });
    let reply = world.replies.values().next();
    assert!(matches!(reply, Some(Reply::Refused { code: ErrorCode::Overloaded, .. })), "{reply:?}");
    assert_eq!((world.core.session_count(), world.rooms.len()), (0, 0));

    assert_eq!(world.request(enter(&camera, "show")), None);
    let request = super::super::RequestId(2);
    world.core.handle_request_gone(world.now, request);
    world.settle();
    assert!(matches!(world.commands.last(), Some(Command::Leave(_))));
    assert_eq!(world.core.session_count(), 0);
}

#[test]
fn a_draining_node_takes_nobody_and_keeps_everybody() {
    let mut world = World::new();
    let mara = world.inside(&shopper("Mara", "help"), "help");
    world.core.handle_drain(true);
    let socket = world.open(None);
    let told = world.send(socket, &json!({ "t": "hello", "v": [1], "token": agent("Jon").token() }));
    assert_eq!(error(&told), Some(ErrorCode::Overloaded));
    assert!(matches!(
        world.request(Request::CreateRoom(key("new"))),
        Some(Reply::Refused { code: ErrorCode::Overloaded, .. })
    ));
    assert_eq!(bye(&world.take(&mara)), None);
    world.core.handle_drain(false);
    world.inside(&agent("Jon"), "help");
    world.core.handle_stop(world.now);
    world.settle();
    assert_eq!(bye(&world.take(&mara)), Some(ByeReason::Shutdown));
    assert_eq!(world.core.session_count(), 0);
}
