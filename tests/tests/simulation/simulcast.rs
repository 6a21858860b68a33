//! One camera, three sizes: everybody gets the one that fits, in the same slot, without a break.

use std::time::Duration;
use tillside_sfu::command::{Command, SlotWish};
use tillside_sfu::id::{Mid, ParticipantId};
use tillside_tests::bot::SentTrack;
use tillside_tests::network::{Impairment, Link};
use tillside_tests::world::{BotId, World, participant};

/// The m-line of a viewer's first video slot: it sends nothing and has three audio slots.
const FIRST_VIDEO_SLOT: &str = "3";

fn show(world: &mut World, seed_link: Link) -> [BotId; 2] {
    let tracks = [SentTrack::MICROPHONE, SentTrack::SIMULCAST_CAMERA];
    let presenter = world.join(participant(1, 1, &tracks), seed_link);
    let viewer = world.join(participant(1, 2, &[]), seed_link);
    world.run_until_connected(&[presenter, viewer]);
    world
        .run_until("pictures come", Duration::from_secs(3), |world| world.bot(viewer).first_reception(false).is_some());
    [presenter, viewer]
}

fn wish(world: &mut World, height: u32) {
    let mid = Mid::parse(FIRST_VIDEO_SLOT.as_bytes()).expect("a mid");
    let wishes = vec![SlotWish { mid, publication: None, height, priority: 0 }];
    world.command(Command::View(ParticipantId(2), wishes));
}

fn shown(world: &World, viewer: BotId) -> u8 {
    world.bot(viewer).first_reception(false).and_then(|slot| slot.origins.last()).expect("something is shown").encoding
}

#[test]
fn the_size_follows_the_wish_up_and_down() {
    let mut world = World::new(1);
    let [_, viewer] = show(&mut world, Link::default());
    for (height, encoding) in [(720, 2), (180, 0), (360, 1), (720, 2), (90, 0)] {
        wish(&mut world, height);
        world.run_until(&format!("{height} lines are shown as encoding {encoding}"), Duration::from_secs(2), |world| {
            shown(world, viewer) == encoding
        });
        world.run_for(Duration::from_secs(2));
        assert_eq!(shown(&world, viewer), encoding, "and it stays so");
    }
}

#[test]
fn switching_loses_nothing_on_a_lossy_link() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        let [_, viewer] = show(&mut world, Link::both(Impairment::lossy(5.0)));
        for height in [720, 180, 360, 180, 720] {
            wish(&mut world, height);
            world.run_for(Duration::from_secs(3));
        }
        let slot = world.bot(viewer).first_reception(false).expect("plays");
        assert!(slot.origins.len() >= 3, "seed {seed}: {:?}", slot.origins);
        // What is missing when a stream is left for another may stay missing: the new one begins with a keyframe.
        assert!(slot.given_up * 50 <= slot.packets, "seed {seed}: {slot:?}");
        assert!(slot.is_live(world.now(), Duration::from_millis(500)));
    }
}

#[test]
fn a_slot_nobody_looks_at_gets_nothing() {
    let mut world = World::new(2);
    let [_, viewer] = show(&mut world, Link::default());
    wish(&mut world, 0);
    world.run_for(Duration::from_millis(200));
    let packets = |world: &World| world.bot(viewer).first_reception(false).expect("played").packets;
    let before = packets(&world);
    world.run_for(Duration::from_secs(3));
    assert_eq!(packets(&world), before);
    wish(&mut world, 360);
    world.run_until("it plays again", Duration::from_secs(1), |world| packets(world) > before + 5);
}
