//! What the network does to people in the middle of a call.

use std::time::Duration;
use tillside_sfu::command::LeaveReason;
use tillside_tests::bot::SentTrack;
use tillside_tests::network::Link;
use tillside_tests::world::{BotId, World, participant};

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];

/// A call of two that has run for a while.
fn call(seed: u64) -> (World, [BotId; 2]) {
    let mut world = World::new(seed);
    let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), Link::default()));
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(3));
    (world, bots)
}

fn reset_gaps(world: &mut World, bots: &[BotId]) {
    let now = world.now();
    for bot in bots {
        world.bot_mut(*bot).receptions.values_mut().for_each(|slot| slot.reset_gap(now));
    }
}

/// The longest silence anybody had in a slot that plays.
fn longest_gap(world: &World, bots: &[BotId]) -> Duration {
    bots.iter()
        .flat_map(|bot| world.bot(*bot).receptions.values().filter(|slot| slot.packets > 0))
        .map(|slot| slot.longest_gap)
        .max()
        .expect("somebody receives")
}

#[test]
fn a_new_address_behind_a_nat_costs_at_most_a_second() {
    let (mut world, bots) = call(1);
    reset_gaps(&mut world, &bots);
    world.rebind(bots[0]);
    world.run_for(Duration::from_secs(10));
    let gap = longest_gap(&world, &bots);
    assert!(gap < Duration::from_secs(1), "{gap:?}");
    assert!(world.left(bots[0]).is_none());
}

#[test]
fn a_dead_spot_of_ten_seconds_is_survived() {
    let (mut world, bots) = call(2);
    world.link_mut(bots[0]).up.cut = true;
    world.link_mut(bots[0]).down.cut = true;
    world.run_for(Duration::from_secs(10));
    *world.link_mut(bots[0]) = Link::default();
    world.run_for(Duration::from_secs(1));
    reset_gaps(&mut world, &bots);
    world.run_for(Duration::from_secs(5));
    let gap = longest_gap(&world, &bots);
    assert!(gap < Duration::from_millis(200), "{gap:?}");
    for bot in bots {
        let live =
            world.bot(bot).receptions.values().filter(|slot| slot.is_live(world.now(), Duration::from_millis(200)));
        assert_eq!(live.count(), 2);
    }
}

#[test]
fn whoever_is_silent_for_too_long_is_given_up() {
    let (mut world, bots) = call(3);
    world.vanish(bots[0]);
    world.run_until("it is given up", Duration::from_secs(31), |world| world.left(bots[0]).is_some());
    assert_eq!(world.left(bots[0]), Some(LeaveReason::ConsentExpired));
    assert!(world.left(bots[1]).is_none(), "the other stays");
    world.leave(bots[1]);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.server_sizes(), [0; 4]);
}

#[test]
fn whoever_never_comes_after_joining_is_given_up() {
    let mut world = World::new(4);
    let bot = world.join(participant(1, 1, &TALKING), Link::default());
    world.vanish(bot);
    world.run_for(Duration::from_secs(60));
    assert!(world.left(bot).is_some());
    assert_eq!(world.server_sizes(), [0; 4]);
}

#[test]
fn after_a_dead_spot_nobody_is_shown_the_past() {
    let (mut world, bots) = call(5);
    world.link_mut(bots[0]).up.cut = true;
    world.run_for(Duration::from_secs(10));
    world.link_mut(bots[0]).up.cut = false;
    let resent =
        |world: &World| -> u32 { world.bot(bots[0]).publishers.iter().map(|publisher| publisher.resent).sum() };
    let before = resent(&world);
    world.run_for(Duration::from_secs(3));
    assert_eq!(resent(&world), before, "ten seconds of old pictures were asked for again");
}
