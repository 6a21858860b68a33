use super::super::{Holder, RECHECK_INTERVAL, ShareCommand, ShareEvent, ShareRules, TenantRules};
use super::harness::*;
use crate::protocol::{
    Cobrowse, ControlPhase, ControlState, ControlWhy, ErrorCode, Role, Rung, ServerMessage, ShareByeReason, SharePhase,
    ShareState, ShareWhy,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tillside_cobrowse::relay::{GrantEnd, ViewerId, Why};

/// A shopper and an agent in a room; the shopper's page is shared and the agent sees it.
struct Story {
    world: World,
    mara: Client,
    jon: Client,
    page_ticket: String,
    view_ticket: String,
}

fn mara() -> Who {
    shopper("Mara", "help").cobrowse(Cobrowse::Share)
}

fn jon() -> Who {
    agent("Jon").cobrowse(Cobrowse::Control)
}

impl Story {
    fn new() -> Self {
        let mut world = World::new();
        let mara = world.inside(&mara(), "help");
        let jon = world.inside(&jon(), "help");
        assert_eq!(error(&act(&mut world, &jon, &json!({ "action": "request", "sharer": mara.id }))), None);
        assert_eq!(last_share(&world.take(&mara)).phase, SharePhase::Requested);
        let page_ticket = last_share(&act(&mut world, &mara, &json!({ "action": "consent" }))).ticket.unwrap();
        let view_ticket = last_share(&world.take(&jon)).ticket.unwrap();
        let mut story = Self { world, mara, jon, page_ticket, view_ticket };
        story.world.share_event(ShareEvent::SharerAttached);
        story.world.share_event(ShareEvent::ViewerAttached(story.viewer()));
        story.clear();
        story
    }

    fn viewer(&self) -> ViewerId {
        ViewerId(self.world.media_id(&self.jon).0)
    }

    fn clear(&mut self) {
        self.world.take(&self.mara);
        self.world.take(&self.jon);
        self.world.share_commands.clear();
    }

    fn commands(&mut self) -> Vec<ShareCommand> {
        std::mem::take(&mut self.world.share_commands).into_iter().map(|(_, command)| command).collect()
    }

    fn control(&mut self, client: &Client, action: &Value) -> Option<ErrorCode> {
        let mut frame = action.clone();
        frame["t"] = "control".into();
        error(&self.world.send(client.socket, &frame))
    }

    /// The shopper gives Jon control, and the relay says what it gave.
    fn grant(&mut self, rung: Rung) {
        let (mara, jon) = (self.mara.clone(), self.jon.id.clone());
        let grant = json!({ "action": "grant", "viewer": jon, "rung": rung, "for_s": 60 });
        assert_eq!(self.control(&mara, &grant), None);
        let (viewer, duration) = (self.viewer(), Duration::from_secs(60));
        self.world.share_event(ShareEvent::Granted { viewer, rung, duration });
        assert_eq!(last_control(&self.world.take(&self.jon)).phase, ControlPhase::Granted);
        self.clear();
    }
}

fn act(world: &mut World, client: &Client, action: &Value) -> Vec<ServerMessage> {
    let mut frame = action.clone();
    frame["t"] = "share".into();
    world.send(client.socket, &frame)
}

fn last_share(told: &[ServerMessage]) -> ShareState {
    let mut shares = told.iter().rev().filter_map(|message| match message {
        ServerMessage::Share(state) => Some(state.clone()),
        _ => None,
    });
    shares.next().unwrap_or_else(|| panic!("nothing about a share in {told:?}"))
}

fn last_control(told: &[ServerMessage]) -> ControlState {
    let mut controls = told.iter().rev().filter_map(|message| match message {
        ServerMessage::Control(state) => Some(state.clone()),
        _ => None,
    });
    controls.next().unwrap_or_else(|| panic!("nothing about control in {told:?}"))
}

#[test]
fn questions_are_answered_or_taken_back() {
    let mut world = World::new();
    let shopper = world.inside(&mara(), "help");
    let agent = world.inside(&jon(), "help");
    let request = json!({ "action": "request", "sharer": shopper.id });
    for (who, answer, why) in [
        (&shopper, json!({ "action": "decline" }), ShareWhy::Declined),
        (&shopper, json!({ "action": "end" }), ShareWhy::Shopper),
        (&agent, json!({ "action": "withdraw" }), ShareWhy::Withdrawn),
    ] {
        assert_eq!(error(&act(&mut world, &agent, &request)), None);
        assert_eq!(error(&act(&mut world, &agent, &request)), Some(ErrorCode::OutOfOrder), "asked already");
        let mut answer = answer;
        answer["share"] = world.share_name().into();
        assert_eq!(error(&act(&mut world, who, &answer)), None);
        for client in [&shopper, &agent] {
            let state = last_share(&world.take(client));
            assert_eq!((state.phase, state.why), (SharePhase::Ended, Some(why)));
        }
        assert_eq!(
            error(&act(&mut world, who, &answer)),
            Some(if who.id == agent.id { ErrorCode::NotFound } else { ErrorCode::OutOfOrder })
        );
    }
    act(&mut world, &agent, &request);
    world.send(agent.socket, &json!({ "t": "leave" }));
    assert_eq!(last_share(&world.take(&shopper)).why, Some(ShareWhy::Withdrawn), "who asked has left");
    assert!(world.share_commands.is_empty(), "no relay was bothered");
}

#[test]
fn sec_29_another_room_or_tenant_has_no_such_share() {
    let Story { mut world, mara, page_ticket, view_ticket, .. } = Story::new();
    let share = world.share_name();
    let rival_shopper = world.inside(&shopper("Mara", "help").of_rival().cobrowse(Cobrowse::Share), "help");
    let rival_agent = world.inside(&agent("Jon").of_rival().cobrowse(Cobrowse::Control), "help");
    let other = world.inside(&self::mara().room("other"), "other");
    let spy = world.inside(&agent("Spy").cobrowse(Cobrowse::Control), "other");
    for client in [&rival_shopper, &rival_agent, &other, &spy] {
        for frame in [
            json!({ "t": "share", "action": "request", "sharer": mara.id }),
            json!({ "t": "share", "action": "withdraw", "share": share }),
            json!({ "t": "share", "action": "continue", "ticket": page_ticket }),
            json!({ "t": "control", "action": "request", "share": share, "rung": "point" }),
            json!({ "t": "control", "action": "release", "share": share }),
        ] {
            let code = error(&world.send(client.socket, &frame));
            assert!(matches!(code, Some(ErrorCode::NotFound | ErrorCode::Forbidden)), "{frame}: {code:?}");
        }
        assert!(!world.take(client).iter().any(|told| matches!(told, ServerMessage::Share(_))));
    }
    assert_eq!(world.stream(&page_ticket, Some("https://rival.example")), Err(ErrorCode::Forbidden));
    assert_eq!(world.stream(&view_ticket, Some("https://shop.example")).map(|_| ()), Ok(()));
}

#[test]
fn sec_28_a_ticket_is_good_for_one_holder_of_one_share_until_either_ends() {
    let mut story = Story::new();
    let (page, view) = (story.page_ticket.clone(), story.view_ticket.clone());
    assert_eq!(story.world.stream(&page, None), Ok(Holder::Sharer));
    assert_eq!(story.world.stream(&view, None), Ok(Holder::Viewer(story.viewer())));
    let (head, secret) = view.rsplit_once('.').unwrap();
    let (share, _) = head.split_once('.').unwrap();
    for forged in [format!("{share}.sharer.{secret}"), format!("{head}."), format!("{view}x"), page.to_uppercase()] {
        assert_eq!(story.world.stream(&forged, None), Err(ErrorCode::Unauthorized), "{forged}");
    }
    let thief = json!({ "action": "continue", "ticket": view });
    let mara = story.mara.clone();
    assert_eq!(error(&act(&mut story.world, &mara, &thief)), Some(ErrorCode::NotFound), "a viewer's is no sharer's");

    story.world.send(story.jon.socket, &json!({ "t": "leave" }));
    assert_eq!(story.world.stream(&view, None), Err(ErrorCode::Unauthorized), "its holder has left");
    let expelled = |command: &ShareCommand| matches!(command, ShareCommand::Expel { bye: ShareByeReason::Ended, .. });
    assert!(story.commands().iter().any(expelled));
    act(&mut story.world, &mara, &json!({ "action": "end" }));
    assert_eq!(story.world.stream(&page, None), Err(ErrorCode::Unauthorized), "the share is over");
    act(&mut story.world, &mara, &json!({ "action": "consent" }));
    assert_eq!(story.world.stream(&page, None), Err(ErrorCode::Unauthorized), "another share has another ticket");
}

#[test]
fn a_share_waits_thirty_seconds_for_a_new_session_of_its_sharer() {
    let mut story = Story::new();
    story.world.media_lost(&story.mara);
    let state = last_share(&story.world.take(&story.jon));
    assert_eq!((state.phase, state.why), (SharePhase::Paused, Some(ShareWhy::SharerLeft)));
    assert!(matches!(story.commands()[..], [ShareCommand::Pause(Why::SharerLeft)]));
    story.world.share_event(ShareEvent::SharerAttached);
    assert_eq!(story.world.core.share_counts().paused, 1, "its page alone is not enough");
    story.world.wait(Duration::from_secs(20));
    let stranger = story.world.inside(&shopper("Stranger", "help").cobrowse(Cobrowse::Share), "help");
    let go_on = json!({ "action": "continue", "ticket": story.page_ticket });
    assert_eq!(error(&act(&mut story.world, &stranger, &go_on)), Some(ErrorCode::NotFound), "another shopper");
    let again = story.world.inside(&mara(), "help");
    let state = last_share(&act(&mut story.world, &again, &go_on));
    assert_eq!(
        (state.phase, &state.sharer, state.ticket.as_ref()),
        (SharePhase::Live, &again.id, Some(&story.page_ticket))
    );
    assert!(matches!(story.commands()[..], [ShareCommand::Resume]));

    story.world.media_lost(&again);
    story.world.wait(Duration::from_secs(31));
    assert!(matches!(story.commands()[..], [.., ShareCommand::End { why: Why::SharerLeft, .. }]));
    let late = story.world.inside(&mara(), "help");
    assert_eq!(error(&act(&mut story.world, &late, &go_on)), Some(ErrorCode::NotFound));
}

#[test]
fn a_page_without_a_connection_pauses_and_other_pauses_stay() {
    let mut story = Story::new();
    story.world.share_event(ShareEvent::SharerGone);
    assert_eq!(last_share(&story.world.take(&story.jon)).why, Some(ShareWhy::SharerLeft));
    story.world.share_event(ShareEvent::SharerAttached);
    assert_eq!(last_share(&story.world.take(&story.jon)).phase, SharePhase::Live);
    let mara = story.mara.clone();
    act(&mut story.world, &mara, &json!({ "action": "pause", "why": "hidden" }));
    for event in [ShareEvent::SharerGone, ShareEvent::SharerAttached, ShareEvent::Resumed, ShareEvent::Paused] {
        story.world.share_event(event);
        assert_eq!(story.world.core.share_counts().paused, 1, "{event:?}");
    }
    assert_eq!(last_share(&story.world.take(&story.jon)).why, Some(ShareWhy::Hidden));
    act(&mut story.world, &mara, &json!({ "action": "consent" }));
    story.world.share_event(ShareEvent::Paused);
    assert_eq!(last_share(&story.world.take(&story.jon)).why, Some(ShareWhy::Page));
    story.world.share_event(ShareEvent::Resumed);
    assert_eq!(last_share(&story.world.take(&story.jon)).phase, SharePhase::Live);
    story.world.share_event(ShareEvent::Unfollowable);
    assert_eq!(last_share(&story.world.take(&story.jon)).why, Some(ShareWhy::Unfollowable));
}

#[test]
fn sec_22_a_token_that_no_longer_counts_ends_what_stands_on_it() {
    for (whose, bye) in [("Jon", false), ("Mara", true)] {
        let mut story = Story::new();
        let revoke = super::super::Request::Revoke { tenant: "shop".to_owned(), jti: format!("token of {whose}") };
        story.world.request(revoke);
        let ended = story.commands().iter().any(|command| match command {
            ShareCommand::End { bye: ShareByeReason::Unauthorized, .. } => bye,
            ShareCommand::Expel { bye: ShareByeReason::Unauthorized, .. } => !bye,
            _ => false,
        });
        assert!(ended, "{whose}");
        let ticket = if bye { &story.page_ticket } else { &story.view_ticket };
        assert_eq!(story.world.stream(&ticket.clone(), None), Err(ErrorCode::Unauthorized));
    }
    let mut story = Story::new();
    for client in [&story.mara, &story.jon] {
        story.world.core.handle_frame(
            story.world.now,
            client.socket,
            crate::protocol::read(r#"{"t":"ready"}"#).map(super::super::Inbound::new),
        );
    }
    story.world.now.unix += 3 * 3600;
    story.world.core.handle_timeout(story.world.now + RECHECK_INTERVAL);
    story.world.settle();
    assert!(story.world.core.shares.is_empty(), "tokens run out");
}

#[test]
fn the_end_of_a_room_ends_its_shares() {
    let mut story = Story::new();
    story.world.request(super::super::Request::EndRoom(key("help")));
    assert_eq!(last_share(&story.world.take(&story.jon)).why, Some(ShareWhy::CallEnded));
    assert!(matches!(story.commands()[..], [ShareCommand::End { why: Why::CallEnded, .. }]));
    let mut story = Story::new();
    story.world.core.handle_stop(story.world.now);
    story.world.settle();
    assert!(matches!(story.commands()[..], [ShareCommand::End { bye: ShareByeReason::Shutdown, .. }, ..]));
}

#[test]
fn sec_28_control_is_asked_given_and_ended() {
    let mut story = Story::new();
    let (mara, jon, share) = (story.mara.clone(), story.jon.clone(), story.world.share_name());
    let request = json!({ "action": "request", "share": share, "rung": "type" });
    assert_eq!(story.control(&jon, &request), None);
    assert_eq!(last_control(&story.world.take(&mara)).phase, ControlPhase::Requested);
    assert_eq!(story.control(&mara, &json!({ "action": "deny", "viewer": jon.id })), None);
    assert_eq!(last_control(&story.world.take(&jon)).phase, ControlPhase::Denied);
    assert_eq!(story.control(&mara, &json!({ "action": "deny", "viewer": jon.id })), Some(ErrorCode::NotFound));
    assert_eq!(story.control(&jon, &json!({ "action": "release", "share": share })), Some(ErrorCode::OutOfOrder));
    let grant = json!({ "action": "grant", "viewer": jon.id, "rung": "type", "for_s": 1_000_000 });
    assert!(story.control(&jon, &grant).is_some(), "only the shopper gives");
    story.clear();
    assert_eq!(story.control(&mara, &grant), None);
    let given = story.commands();
    let [ShareCommand::Grant { rung: Rung::Type, duration, .. }] = given[..] else { panic!("{given:?}") };
    assert_eq!(duration, Duration::from_secs(1_800), "at most half an hour");
    assert!(story.world.take(&jon).is_empty(), "nothing is said before the relay has given it");
    assert_eq!(story.control(&mara, &json!({ "action": "revoke" })), None);
    assert!(matches!(story.commands()[..], [ShareCommand::Revoke]));
    let viewer = story.viewer();
    story.clear();
    story.world.share_event(ShareEvent::Granted { viewer, rung: Rung::Type, duration });
    assert!(story.world.take(&jon).is_empty(), "revoked before it was given");

    for (why, event) in [
        (ControlWhy::Expired, GrantEnd::Expired),
        (ControlWhy::NewOrigin, GrantEnd::NewOrigin),
        (ControlWhy::ViewerLeft, GrantEnd::ViewerLeft),
    ] {
        story.grant(Rung::Click);
        story.world.share_event(ShareEvent::GrantEnded { viewer, why: event });
        let state = last_control(&story.world.take(&mara));
        assert_eq!((state.phase, state.why), (ControlPhase::Ended, Some(why)));
    }
    story.grant(Rung::Type);
    story.world.share_event(ShareEvent::GrantEnded { viewer, why: GrantEnd::PaymentPage });
    let state = last_control(&story.world.take(&jon));
    assert_eq!((state.phase, state.rung), (ControlPhase::Granted, Rung::Point), "pointing is left");
    assert_eq!(story.control(&jon, &json!({ "action": "release", "share": share })), None);
    assert_eq!(last_control(&story.world.take(&mara)).why, Some(ControlWhy::Released));
    story.grant(Rung::Type);
    story.world.share_event(ShareEvent::ViewerGone(viewer));
    assert!(matches!(story.commands()[..], [ShareCommand::Revoke]));
    let told = last_control(&story.world.take(&jon));
    assert_eq!((told.phase, told.why), (ControlPhase::Ended, Some(ControlWhy::ViewerLeft)), "its session may be there");
    assert_eq!(story.control(&mara, &grant), Some(ErrorCode::OutOfOrder), "who does not see the page controls nothing");
}

#[test]
fn sec_28_control_follows_to_the_next_page_and_to_nothing_else() {
    let mut story = Story::new();
    let (first, jon) = (story.mara.clone(), story.jon.clone());
    let share = story.page_ticket.split('.').next().expect("a ticket begins with its share").to_owned();
    story.grant(Rung::Click);
    assert_eq!(story.control(&jon, &json!({ "action": "request", "share": share, "rung": "type" })), None);
    story.clear();
    story.world.share_event(ShareEvent::SharerGone);
    let state = last_control(&story.world.take(&jon));
    assert_eq!((state.phase, state.rung), (ControlPhase::Granted, Rung::Click), "what was asked for on top is void");
    assert!(matches!(story.commands()[..], [ShareCommand::Pause(Why::SharerLeft)]), "nothing is revoked");
    story.world.media_lost(&first);
    let next = story.world.inside(&mara(), "help");
    let told = act(&mut story.world, &next, &json!({ "action": "continue", "ticket": story.page_ticket }));
    let state = last_control(&told);
    assert_eq!((state.phase, state.viewer, state.rung), (ControlPhase::Granted, jon.id.clone(), Rung::Click));
    story.world.share_event(ShareEvent::SharerAttached);
    assert!(matches!(story.commands()[..], [.., ShareCommand::Resume]));
    story.world.take(&jon);
    story.world.share_event(ShareEvent::SharerAttached);
    assert_eq!(last_control(&story.world.take(&jon)).why, Some(ControlWhy::Paused), "another tab");
    assert!(matches!(story.commands()[..], [ShareCommand::Revoke, ShareCommand::Resume]));
}

/// The next page's stream is often there before its session.
#[test]
fn sec_28_control_follows_a_page_whose_session_is_gone_and_no_other() {
    for (session_is_gone, ends) in [(true, None), (false, Some(ControlWhy::Paused))] {
        let mut story = Story::new();
        let (mara, jon) = (story.mara.clone(), story.jon.clone());
        story.grant(Rung::Click);
        story.world.share_event(ShareEvent::SharerGone);
        if session_is_gone {
            story.world.close(&mara);
        }
        story.world.take(&jon);
        story.world.share_event(ShareEvent::SharerAttached);
        let told = story.world.take(&jon);
        let why = told.iter().find_map(|message| match message {
            ServerMessage::Control(state) => state.why,
            _ => None,
        });
        assert_eq!(why, ends, "{told:?}");
    }
}

#[test]
fn sec_28_control_ends_with_the_page_and_with_another_agents_grant() {
    let mut story = Story::new();
    let mara = story.mara.clone();
    story.grant(Rung::Click);
    story.world.share_event(ShareEvent::SharerAttached);
    assert_eq!(last_control(&story.world.take(&story.jon)).why, Some(ControlWhy::Paused), "a page that loads anew");
    story.grant(Rung::Click);
    act(&mut story.world, &mara, &json!({ "action": "pause", "why": "shopper" }));
    assert_eq!(last_control(&story.world.take(&story.jon)).why, Some(ControlWhy::Paused));
    act(&mut story.world, &mara, &json!({ "action": "consent" }));
    story.grant(Rung::Click);
    let sue = story.world.inside(&who("Sue", Role::Supervisor).cobrowse(Cobrowse::Control), "help");
    let viewer = ViewerId(story.world.media_id(&sue).0);
    story.world.share_event(ShareEvent::ViewerAttached(viewer));
    assert_eq!(last_control(&story.world.take(&sue)).viewer, story.jon.id, "who comes late is told");
    story.control(&mara, &json!({ "action": "grant", "viewer": sue.id, "rung": "click", "for_s": 9 }));
    let state = last_control(&story.world.take(&story.jon));
    assert_eq!((state.viewer, state.why), (story.jon.id.clone(), Some(ControlWhy::Replaced)));
}

#[test]
fn a_store_says_how_far_control_may_go() {
    for (highest, given) in [(None, None), (Some(Rung::Point), Some(Rung::Point))] {
        let mut world = World::new();
        let rules = Arc::new(ShareRules { control: highest, ..ShareRules::default() });
        world.core.handle_tenants(world.now, keyring(), TenantRules::from([("shop".to_owned(), rules)]));
        let mara = world.inside(&mara(), "help");
        let jon = world.inside(&jon(), "help");
        act(&mut world, &mara, &json!({ "action": "consent" }));
        let viewer = ViewerId(world.media_id(&jon).0);
        world.share_event(ShareEvent::ViewerAttached(viewer));
        let share = world.share_name();
        let request = json!({ "t": "control", "action": "request", "share": share, "rung": "type" });
        assert_eq!(error(&world.send(jon.socket, &request)), Some(ErrorCode::Forbidden));
        world.share_commands.clear();
        let grant = json!({ "t": "control", "action": "grant", "viewer": jon.id, "rung": "type", "for_s": 9 });
        world.send(mara.socket, &grant);
        let rungs = world.share_commands.iter().find_map(|(_, command)| match command {
            ShareCommand::Grant { rung, .. } => Some(*rung),
            _ => None,
        });
        assert_eq!(rungs, given);
    }
}

#[test]
fn a_session_that_missed_too_much_is_told_where_its_shares_stand() {
    let mut story = Story::new();
    story.grant(Rung::Click);
    story.world.close(&story.jon);
    for n in 0..300 {
        story.world.send(story.mara.socket, &json!({ "t": "chat", "text": n.to_string() }));
    }
    let (_, frames) = story.world.resume(&jon(), &story.jon.clone(), 1);
    let told: Vec<_> = frames.into_iter().map(|frame| frame.message).collect();
    assert_eq!(last_share(&told).ticket, Some(story.view_ticket.clone()));
    assert_eq!(last_control(&told).phase, ControlPhase::Granted);
}
