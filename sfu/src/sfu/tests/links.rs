//! A room on two workers when one of them ends, fails, or hears of what is gone.

use super::*;
use crate::command::Binding;
use crate::link::LinkedId;

/// A room with a participant on each of two workers, 1 at home and 2 on the satellite, who see each other.
fn linked() -> ([Sfu; 2], Sends) {
    let (mut workers, mut sends) = ([sfu(0), sfu(1)], Sends::default());
    join(&mut workers[0], &mut sends, 1, 1);
    join_at(&mut workers[1], &mut sends, Some(WorkerId(0)), 1, 2);
    pass(&mut workers, &mut sends);
    assert_eq!((shown(&mut workers[0]), shown(&mut workers[1])), (Some(2), Some(1)));
    (workers, sends)
}

/// Carries what the workers tell each other until they are done.
fn pass(workers: &mut [Sfu; 2], sends: &mut Sends) {
    let mut from = 0;
    while let Some((to, room, control)) = workers[from].poll_link().or_else(|| {
        from = 1 - from;
        workers[from].poll_link()
    }) {
        assert_eq!(usize::from(to.0), 1 - from);
        workers[1 - from].handle_link(start(), WorkerId(from as u8), LinkMessage::Control(room, control), sends);
    }
}

/// Whom the newest list of somebody's slots shows.
fn shown(worker: &mut Sfu) -> Option<u64> {
    let slots = events(worker).into_iter().rev().find_map(|event| match event {
        Event::Bound { slots, .. } => Some(slots),
        _ => None,
    });
    let publication = |slot: Binding| slot.publication.map(|publication| publication.participant.0);
    slots.expect("somebody was told").into_iter().find_map(publication)
}

#[test]
fn a_satellite_that_ends_takes_its_publications_along() {
    let (mut workers, mut sends) = linked();
    workers[1].handle_command(start(), Command::Leave(ParticipantId(2)), &mut sends);
    pass(&mut workers, &mut sends);
    assert_eq!(shown(&mut workers[0]), None);
    assert_eq!((workers[0].sizes()[0], workers[1].sizes()[0]), (1, 0));
    workers[0].handle_command(start(), Command::Leave(ParticipantId(1)), &mut sends);
    assert_eq!(workers[0].sizes(), [0; 4], "nobody needs the home any more");
    assert!(workers[0].poll_link().is_none(), "and there is nobody to tell");
}

#[test]
fn a_home_stays_for_its_satellites_and_counts_as_the_one_room() {
    let (mut workers, mut sends) = linked();
    workers[0].handle_command(start(), Command::Leave(ParticipantId(1)), &mut sends);
    pass(&mut workers, &mut sends);
    assert_eq!(shown(&mut workers[1]), None);
    let counted =
        |worker: &Sfu| (worker.counters().rooms, worker.counters().participants, worker.counters().publications);
    assert_eq!((counted(&workers[0]), counted(&workers[1])), ((1, 0, 0), (0, 1, 1)));
    join(&mut workers[0], &mut sends, 1, 3);
    pass(&mut workers, &mut sends);
    assert_eq!((shown(&mut workers[0]), shown(&mut workers[1])), (Some(2), Some(3)));
}

#[test]
fn sec_06_a_defect_on_one_worker_leaves_the_other_without_its_publications() {
    for failing in 0..2 {
        let (mut workers, mut sends) = linked();
        let key = key_of(&workers[failing], 1);
        workers[failing].enter(key, &mut sends, |room, _| room.plant_defect());
        assert_eq!(workers[failing].forward(start(), &mut sends), Forwarded::All);
        let other = 1 - failing;
        assert_eq!(failed(&events(&mut workers[failing])), (vec![1], vec![failing as u64 + 1]));
        pass(&mut workers, &mut sends);
        assert_eq!(shown(&mut workers[other]), None);
        workers[other].handle_command(start(), Command::CloseRoom(RoomId(1)), &mut sends);
        pass(&mut workers, &mut sends);
        assert_eq!([workers[0].sizes(), workers[1].sizes()], [[0; 4]; 2]);
    }
}

#[test]
fn what_is_said_of_something_gone_is_ignored() {
    let (mut workers, mut sends) = linked();
    let gone = LinkedId { index: 0, birth: 99 };
    let controls = [
        LinkControl::Unpublish(gone),
        LinkControl::Mute(gone, true),
        LinkControl::Wanted(gone, 7),
        LinkControl::Keyframe(LinkedId { index: 99, birth: 1 }, 9),
        LinkControl::Ranking(Vec::new()),
    ];
    for (room, control) in controls.into_iter().flat_map(|control| [(1, control.clone()), (2, control)]) {
        let message = LinkMessage::Control(RoomId(room), control);
        workers[0].handle_link(start(), WorkerId(1), message, &mut sends);
    }
    assert!(events(&mut workers[0]).is_empty() && workers[0].poll_link().is_none());
    assert_eq!((workers[0].sizes()[0], workers[0].counters().room_panics), (1, 0));
}
