//! People come, talk and go.

use std::time::Duration;
use tillside_sfu::command::{Event, LeaveReason};
use tillside_tests::bot::SentTrack;
use tillside_tests::network::Link;
use tillside_tests::world::{BotId, World, participant};

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];

/// Lets `count` talking people into room 1.
fn people(world: &mut World, count: u64) -> Vec<BotId> {
    (1..=count).map(|number| world.join(participant(1, number, &TALKING), Link::default())).collect()
}

/// Everybody hears and sees everybody else.
fn all_meet(world: &World, bots: &[BotId]) -> bool {
    bots.iter().all(|bot| {
        let others = bots.len() - 1;
        let live = world.bot(*bot).receptions.values().filter(|slot| slot.packets > 5).count();
        live == 2 * others
    })
}

#[test]
fn two_people_hear_and_see_each_other_soon() {
    let mut world = World::new(1);
    let began = world.now();
    let bots = people(&mut world, 2);
    world.run_until("both hear and see", Duration::from_secs(2), |world| all_meet(world, &bots));
    for bot in &bots {
        for is_audio in [true, false] {
            let first = world.bot(*bot).first_reception(is_audio).and_then(|slot| slot.first_at).expect("heard");
            // Signaling 40 ms, ICE and DTLS three round trips of 20 ms, a keyframe request and its answer.
            let after = first - began;
            assert!(after < Duration::from_millis(400), "audio: {is_audio}, first packet after {after:?}");
        }
    }
}

#[test]
fn three_and_four_people_meet_and_nobody_offers_again() {
    let mut world = World::new(2);
    let mut bots = people(&mut world, 2);
    world.run_until("two meet", Duration::from_secs(2), |world| all_meet(world, &bots));
    for number in [3, 4] {
        bots.push(world.join(participant(1, number, &TALKING), Link::default()));
        world.run_until("all meet", Duration::from_secs(2), |world| all_meet(world, &bots));
    }
    assert!(bots.iter().all(|bot| world.bot(*bot).offers() == 1), "a join is one exchange and costs others none");
}

#[test]
fn media_goes_on_without_signaling() {
    let mut world = World::new(3);
    let bots = people(&mut world, 2);
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(2));
    let now = world.now();
    for bot in &bots {
        world.bot_mut(*bot).receptions.values_mut().for_each(|slot| slot.reset_gap(now));
    }
    world.run_for(Duration::from_secs(90));
    for bot in &bots {
        let slots = world.bot(*bot).receptions.values().filter(|slot| slot.packets > 0);
        assert_eq!(slots.filter(|slot| slot.longest_gap < Duration::from_millis(50)).count(), 2);
    }
}

#[test]
fn whoever_leaves_is_gone_at_once_and_may_come_back() {
    let mut world = World::new(4);
    let bots = people(&mut world, 2);
    world.run_until("they meet", Duration::from_secs(2), |world| all_meet(world, &bots));
    world.leave(bots[1]);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.left(bots[1]), Some(LeaveReason::Command));
    world.vanish(bots[1]);
    let packets = |world: &World| -> u64 { world.bot(bots[0]).receptions.values().map(|slot| slot.packets).sum() };
    let before = packets(&world);
    world.run_for(Duration::from_secs(2));
    assert_eq!(packets(&world), before, "nobody is there to be heard");

    let back = world.join(participant(1, 3, &TALKING), Link::default());
    world.run_until("they meet again", Duration::from_secs(2), |world| {
        packets(world) > before + 20 && world.bot(back).receptions.values().filter(|slot| slot.packets > 5).count() == 2
    });
}

#[test]
fn a_reloaded_page_is_a_new_participant_while_the_old_one_fades() {
    let mut world = World::new(5);
    let bots = people(&mut world, 2);
    world.run_until("they meet", Duration::from_secs(2), |world| all_meet(world, &bots));
    world.vanish(bots[1]);
    let reloaded = world.join(participant(1, 3, &TALKING), Link::default());
    world.run_until("the reloaded page hears and sees", Duration::from_secs(3), |world| {
        world.bot(reloaded).receptions.values().filter(|slot| slot.packets > 5).count() == 2
    });
    world.run_until("the old one is given up", Duration::from_secs(35), |world| world.left(bots[1]).is_some());
    assert_eq!(world.left(bots[1]), Some(LeaveReason::ConsentExpired));
}

#[test]
fn a_closed_page_says_goodbye_and_leaves_nothing_behind() {
    let mut world = World::new(6);
    let bots = people(&mut world, 2);
    world.run_until_connected(&bots);
    let now = world.now();
    bots.iter().for_each(|bot| world.bot_mut(*bot).close(now));
    world.run_until("both are gone", Duration::from_secs(2), |world| {
        bots.iter().all(|bot| world.left(*bot) == Some(LeaveReason::Closed))
    });
    assert_eq!(world.server_sizes(), [0; 4]);
}

#[test]
fn a_call_is_sealed_with_gcm() {
    let mut world = World::new(7);
    let bots = people(&mut world, 2);
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(1));
    let gcm = world.events().iter().filter(|event| {
        let Event::Connected { srtp, .. } = event else { return false };
        matches!(srtp, tillside_sfu::srtp::SrtpProfile::AeadAes128Gcm | tillside_sfu::srtp::SrtpProfile::AeadAes256Gcm)
    });
    assert_eq!(gcm.count(), 2);
}

#[test]
fn sender_reports_and_transport_feedback_flow() {
    let mut world = World::new(8);
    let bots = people(&mut world, 2);
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(10));
    for bot in &bots {
        assert!(world.bot(*bot).sender_reports >= 4, "{} sender reports", world.bot(*bot).sender_reports);
        // Every 100 ms; much less often, and a browser believes that its way is blocked and sends less and less.
        assert!(world.bot(*bot).transport_feedback > 80, "{} feedbacks in 10 s", world.bot(*bot).transport_feedback);
    }
}

#[test]
fn somebody_without_media_is_reported_to_every_five_seconds() {
    let mut world = World::new(9);
    let bot = world.join(participant(1, 1, &[]), Link::default());
    world.run_until_connected(&[bot]);
    world.run_for(Duration::from_secs(22));
    assert_eq!(world.bot(bot).receiver_reports, 5, "at once, and then every five seconds (RFC 3550 §6.2)");
}
