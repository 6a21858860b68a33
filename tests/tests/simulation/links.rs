//! A room on several workers: nobody can tell, whoever is where.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::time::Duration;
use tillside_sfu::command::{Command, EncodingsWanted, Event, SlotWish};
use tillside_sfu::id::{Mid, ParticipantId, PublicationId, RoomId};
use tillside_tests::bot::SentTrack;
use tillside_tests::network::{Impairment, Link};
use tillside_tests::world::{BotId, World, participant};

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];
const SIMULCAST: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::SIMULCAST_CAMERA];

/// Slots that play.
fn playing(world: &World, bot: BotId) -> usize {
    world.bot(bot).receptions.values().filter(|slot| slot.packets > 5).count()
}

fn mid(text: &str) -> Mid {
    Mid::parse(text.as_bytes()).expect("a mid")
}

fn wish(world: &mut World, number: u64, height: u32) {
    // The first video slot of one who sends nothing and has three audio slots.
    let wishes = vec![SlotWish { mid: mid("3"), publication: None, height, priority: 0 }];
    world.command(Command::View(ParticipantId(number), wishes));
}

fn shown(world: &World, viewer: BotId) -> Option<u8> {
    world.bot(viewer).first_reception(false).and_then(|slot| slot.origins.last()).map(|origin| origin.encoding)
}

/// A presenter at home with simulcast, and one viewer on each of two satellites.
fn show(seed: u64, link: Link) -> (World, BotId, [BotId; 2]) {
    let mut world = World::with_workers(seed, 3);
    let presenter = world.join(participant(1, 1, &SIMULCAST), link);
    let viewers = [1, 2].map(|worker| world.join_at(worker, participant(1, worker as u64 + 1, &[]), link));
    world.run_until_connected(&[presenter, viewers[0], viewers[1]]);
    world.run_until("both see", Duration::from_secs(4), |world| {
        viewers.iter().all(|viewer| world.bot(*viewer).first_reception(false).is_some())
    });
    (world, presenter, viewers)
}

#[test]
fn people_on_different_workers_hear_and_see_each_other_soon() {
    let mut world = World::with_workers(1, 2);
    let began = world.now();
    let bots = [(0, 1), (1, 2)]
        .map(|(worker, number)| world.join_at(worker, participant(1, number, &TALKING), Link::default()));
    world.run_until("both hear and see", Duration::from_secs(2), |world| {
        bots.iter().all(|bot| playing(world, *bot) == 2)
    });
    for bot in &bots {
        for is_audio in [true, false] {
            let first = world.bot(*bot).first_reception(is_audio).and_then(|slot| slot.first_at).expect("heard");
            assert!(first - began < Duration::from_millis(500), "audio: {is_audio}, after {:?}", first - began);
        }
    }
    world.run_for(Duration::from_secs(10));
    for bot in &bots {
        assert!(world.bot(*bot).sender_reports >= 4, "lips stay in sync on both workers");
        for slot in world.bot(*bot).receptions.values().filter(|slot| slot.packets > 0) {
            assert!(slot.is_live(world.now(), Duration::from_millis(100)) && slot.given_up == 0, "{slot:?}");
        }
    }
}

#[test]
fn whoever_sends_from_a_satellite_is_seen_at_home_and_on_other_satellites() {
    let mut world = World::with_workers(2, 3);
    let viewers =
        [(0, 1), (2, 2)].map(|(worker, number)| world.join_at(worker, participant(1, number, &[]), Link::default()));
    world.run_until_connected(&viewers);
    let presenter = world.join_at(1, participant(1, 3, &SIMULCAST), Link::default());
    world.run_until("everywhere they see", Duration::from_secs(3), |world| {
        viewers.iter().all(|viewer| playing(world, *viewer) == 2)
    });
    world.run_for(Duration::from_secs(5));
    assert!(viewers.iter().all(|viewer| shown(&world, *viewer) == Some(2)), "the largest of three");
    // Who speaks is found out at home, once for all.
    let speakers = world
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Speakers { participants, .. } if *participants == [ParticipantId(3)]));
    assert_eq!(speakers.count(), 1);
    world.leave(presenter);
    world.run_for(Duration::from_secs(1));
    let unbound = world.events().iter().rev().find_map(|event| match event {
        Event::Bound { participant: ParticipantId(2), slots } => {
            Some(slots.iter().all(|slot| slot.publication.is_none()))
        }
        _ => None,
    });
    assert_eq!(unbound, Some(true));
}

#[test]
fn the_size_follows_the_wish_on_a_satellite_too() {
    let (mut world, _, viewers) = show(3, Link::default());
    for (height, encoding) in [(720, 2), (180, 0), (360, 1), (720, 2), (90, 0)] {
        wish(&mut world, 2, height);
        world.run_until(&format!("{height} lines are shown as encoding {encoding}"), Duration::from_secs(2), |world| {
            shown(world, viewers[0]) == Some(encoding)
        });
        world.run_for(Duration::from_secs(2));
        assert_eq!((shown(&world, viewers[0]), shown(&world, viewers[1])), (Some(encoding), Some(2)));
    }
}

#[test]
fn the_publisher_learns_what_is_wanted_on_any_worker() {
    let (mut world, _, _) = show(4, Link::default());
    let wanted = |world: &World| {
        world.events().iter().rev().find_map(|event| match event {
            Event::EncodingsWanted { publication, wanted: EncodingsWanted::Rids(rids) }
                if *publication == PublicationId { participant: ParticipantId(1), mid: mid("1") } =>
            {
                Some(rids.iter().map(ToString::to_string).collect::<Vec<_>>())
            }
            _ => None,
        })
    };
    wish(&mut world, 2, 180);
    world.run_until("two sizes are wanted", Duration::from_secs(2), |world| {
        wanted(world).is_some_and(|rids| rids == ["q", "f"])
    });
    wish(&mut world, 3, 180);
    world.run_until("one size is wanted", Duration::from_secs(2), |world| {
        wanted(world).is_some_and(|rids| rids == ["q"])
    });
    [2, 3].into_iter().for_each(|viewer| world.command(Command::Leave(ParticipantId(viewer))));
    world.run_until("nothing is wanted", Duration::from_secs(2), |world| {
        wanted(world).is_some_and(|rids| rids.is_empty())
    });
}

#[test]
fn lost_pictures_are_repaired_by_the_worker_of_who_lost_them() {
    for seed in 0..3 {
        let (mut world, _, viewers) = show(seed, Link::default());
        for viewer in viewers {
            world.link_mut(viewer).down = Impairment { delay: Duration::from_millis(25), ..Impairment::lossy(5.0) };
        }
        world.run_for(Duration::from_secs(20));
        for (worker, viewer) in [(1, viewers[0]), (2, viewers[1])] {
            let video = world.bot(viewer).first_reception(false).expect("video");
            assert!(video.repaired > 5, "seed {seed}: {video:?}");
            assert!(video.given_up * 200 < video.packets, "seed {seed}: {video:?}");
            assert!(world.counters_of(worker).rtx_out > 5);
        }
        assert_eq!((world.counters().nack_out, world.counters().rtx_out), (0, 0), "the home has nothing to do with it");
    }
}

#[test]
fn switching_loses_nothing_on_lossy_links() {
    for seed in 0..5 {
        let (mut world, _, viewers) = show(seed, Link::both(Impairment::lossy(5.0)));
        for height in [720, 180, 360, 180, 720] {
            wish(&mut world, 2, height);
            world.run_for(Duration::from_secs(3));
        }
        let slot = world.bot(viewers[0]).first_reception(false).expect("plays");
        assert!(slot.origins.len() >= 3, "seed {seed}: {:?}", slot.origins);
        assert!(slot.given_up * 50 <= slot.packets, "seed {seed}: {slot:?}");
        assert!(slot.is_live(world.now(), Duration::from_millis(500)));
    }
}

#[test]
fn a_muted_camera_is_dark_on_every_worker_and_comes_back() {
    let (mut world, _, viewers) = show(5, Link::default());
    let camera = PublicationId { participant: ParticipantId(1), mid: mid("1") };
    let pictures = |world: &World| -> Vec<u64> {
        viewers.iter().map(|viewer| world.bot(*viewer).first_reception(false).expect("video").packets).collect()
    };
    world.command(Command::Mute(camera, true));
    world.run_for(Duration::from_millis(300));
    let before = pictures(&world);
    world.run_for(Duration::from_secs(3));
    assert_eq!(pictures(&world), before);
    world.command(Command::Mute(camera, false));
    world.run_until("pictures are back", Duration::from_secs(2), |world| {
        pictures(world).iter().zip(&before).all(|(now, before)| *now > before + 10)
    });
}

#[test]
fn a_satellite_ends_with_its_last_participant_and_can_be_made_again() {
    let (mut world, presenter, viewers) = show(6, Link::default());
    assert_eq!(world.server_sizes()[0], 3, "one room, three workers");
    world.leave(viewers[0]);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.server_sizes()[0], 2);
    let back = world.join_at(1, participant(1, 9, &TALKING), Link::default());
    world.run_until("the newcomer sees", Duration::from_secs(3), |world| playing(world, back) == 2);
    world.run_until("and is seen on the other satellite", Duration::from_secs(3), |world| {
        playing(world, viewers[1]) == 4
    });

    // The home goes on without participants of its own, as long as a satellite needs it.
    world.leave(presenter);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.server_sizes()[0], 3);
    let pictures = |world: &World| world.bot(viewers[1]).receptions.values().map(|slot| slot.packets).sum::<u64>();
    let before = pictures(&world);
    world.run_for(Duration::from_secs(1));
    assert!(pictures(&world) > before + 20, "satellites meet through an empty home");
    world.command(Command::CloseRoom(RoomId(1)));
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.server_sizes(), [0; 4]);
}

#[test]
fn a_link_that_is_not_read_loses_pictures_and_goes_on_with_a_new_one() {
    let (mut world, presenter, viewers) = show(7, Link::default());
    world.stall_link(0, 1, true);
    world.run_for(Duration::from_secs(12));
    assert!(world.counters().link_dropped > 0, "twelve seconds of pictures do not fit");
    assert!(
        world.bot(viewers[1]).first_reception(false).expect("video").is_live(world.now(), Duration::from_millis(200))
    );
    world.stall_link(0, 1, false);
    world.run_for(Duration::from_secs(1));
    let dropped = world.counters().link_dropped;
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.counters().link_dropped, dropped);
    let video = world.bot(viewers[0]).first_reception(false).expect("video");
    assert!(video.is_live(world.now(), Duration::from_millis(200)), "{video:?}");
    assert!(world.bot(presenter).publishers.iter().any(|publisher| publisher.keyframes > 1));
}

#[test]
fn same_seed_same_trace_over_links() {
    let trace = |seed| {
        let (mut world, presenter, viewers) = show(seed, Link::both(Impairment::lossy(5.0)));
        world.join_at(2, participant(1, 7, &TALKING), Link::default());
        world.run_for(Duration::from_secs(3));
        world.rebind(presenter);
        world.leave(viewers[0]);
        world.run_for(Duration::from_secs(3));
        world.trace()
    };
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
}

#[test]
fn whoever_speaks_up_is_heard_on_every_worker_though_slots_are_short() {
    let mut world = World::with_workers(8, 2);
    let voices = [0, 1, 0, 1, 0, 1].into_iter().zip(1..);
    let voices: Vec<BotId> = voices
        .map(|(worker, number)| {
            world.join_at(worker, participant(1, number, &[SentTrack::MICROPHONE]), Link::default())
        })
        .collect();
    let listeners = [0, 1].map(|worker| world.join_at(worker, participant(1, worker as u64 + 7, &[]), Link::default()));
    world.run_until("three voices are heard", Duration::from_secs(3), |world| {
        listeners.iter().all(|listener| playing(world, *listener) == 3)
    });
    let heard = |world: &World, listener: BotId, speaker: u64| {
        let origins = world.bot(listener).receptions.values().filter_map(|slot| slot.origins.last());
        origins.filter(|origin| origin.participant == ParticipantId(speaker)).count() > 0
    };
    for speaker in [5, 6, 1, 2] {
        for (voice, number) in voices.iter().zip(1..) {
            world.bot_mut(*voice).publishers[0].active = number == speaker;
        }
        world.run_until(&format!("{speaker} is heard"), Duration::from_secs(8), |world| {
            listeners.iter().all(|listener| heard(world, *listener, speaker))
        });
    }
}

/// Many rooms over three workers, people coming and going at random. Isolation is judged packet by packet.
#[test]
fn rooms_over_links_never_mix_and_leave_nothing_behind() {
    for seed in 200..204 {
        let mut world = World::with_workers(seed, 3);
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let mut here: Vec<BotId> = Vec::new();
        let mut heard = 0;
        for number in 1..=60 {
            match rng.random_range(0..10) {
                0..=4 => {
                    let tracks = [&[][..], &TALKING[..], &SIMULCAST[..]][rng.random_range(0..3)];
                    let link = Link::both(Impairment::lossy(f64::from(rng.random_range(0..2)) * 6.0));
                    let config = participant(rng.random_range(1..=3), number, tracks);
                    here.push(world.join_at(rng.random_range(0..3), config, link));
                }
                5..=6 if !here.is_empty() => world.leave(here.swap_remove(rng.random_range(0..here.len()))),
                7 if !here.is_empty() => world.vanish(here.swap_remove(rng.random_range(0..here.len()))),
                8 if !here.is_empty() => drop(world.rebind(here[rng.random_range(0..here.len())])),
                _ => {}
            }
            world.run_for(Duration::from_millis(rng.random_range(10..700)));
            heard += here.iter().filter(|bot| world.bot(**bot).first_reception(true).is_some()).count();
        }
        assert!(heard > 20, "seed {seed}: hardly anybody met ({heard})");
        here.iter().for_each(|bot| world.leave(*bot));
        world.run_for(Duration::from_secs(40));
        assert_eq!(world.server_sizes(), [0; 4], "seed {seed}: something stayed behind");
    }
}
