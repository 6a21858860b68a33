//! Calls over links that lose, delay, overtake and repeat.

use std::time::Duration;
use tillside_tests::bot::SentTrack;
use tillside_tests::network::{Impairment, Link};
use tillside_tests::world::{World, participant};

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];

#[test]
fn joins_succeed_at_ten_percent_loss() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let link = Link::both(Impairment::lossy(10.0));
        let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), link));
        world.run_until("both hear and see", Duration::from_secs(8), |world| {
            bots.iter().all(|bot| world.bot(*bot).receptions.values().filter(|slot| slot.packets > 5).count() == 2)
        });
        assert!(world.lost() > 0, "seed {seed}: nothing was lost, so nothing was shown");
    }
}

#[test]
fn lost_pictures_are_repaired_both_ways() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        let link = Link::both(Impairment { delay: Duration::from_millis(25), ..Impairment::lossy(5.0) });
        let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), link));
        world.run_until_connected(&bots);
        world.run_for(Duration::from_secs(20));
        for bot in bots {
            let video = world.bot(bot).first_reception(false).expect("video");
            assert!(video.repaired > 5, "seed {seed}: {video:?}");
            let given_up = video.given_up as f64 / (video.packets + video.given_up) as f64;
            assert!(given_up < 0.005, "seed {seed}: {:.2} % of the packets never came: {video:?}", 100.0 * given_up);
        }
        assert!(world.counters().nack_out > 0 && world.counters().rtx_out > 0);
    }
}

#[test]
fn thirty_percent_loss_does_not_end_a_call() {
    let mut world = World::new(7);
    let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), Link::default()));
    world.run_until_connected(&bots);
    for bot in bots {
        *world.link_mut(bot) = Link::both(Impairment::lossy(30.0));
    }
    world.run_for(Duration::from_secs(40));
    for bot in bots {
        assert!(world.left(bot).is_none());
        assert!(
            world.bot(bot).first_reception(true).is_some_and(|slot| slot.is_live(world.now(), Duration::from_secs(1)))
        );
    }
}

#[test]
fn packets_that_overtake_each_other_are_forwarded_once_each() {
    let mut world = World::new(8);
    let jumpy = Impairment { jitter: Duration::from_millis(60), duplicate_percent: 20.0, ..Impairment::default() };
    let bots = [1, 2]
        .map(|number| world.join(participant(1, number, &TALKING), Link { up: jumpy, down: Impairment::default() }));
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(20));
    for bot in bots {
        let repeated: u64 = world.bot(bot).receptions.values().map(|slot| slot.repeated).sum();
        assert_eq!(repeated, 0);
    }
    assert!(world.counters().drop_replayed > 100, "{:?}", world.counters());
}
