//! What is due when.

use super::publication::Owner;
use super::{Context, Room};
use crate::deadlines::Deadlines;
use crate::demux::ParticipantKey;
use std::time::{Duration, Instant};

/// How often reports are sent. RFC 3550 §6.2 allows it at the rates of a call, and browsers expect about as much.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// When a room has something to do.
#[derive(Default)]
pub(super) struct Timers {
    /// For each participant, by its key.
    participants: Deadlines,
    /// When other workers are to be asked for keyframes.
    upstreams: Option<Instant>,
}

impl Timers {
    pub(super) fn first(&self) -> Option<Instant> {
        self.participants.first().into_iter().chain(self.upstreams).min()
    }

    /// Something of the participant's is due at `at`.
    #[inline]
    pub(super) fn wake(&mut self, key: ParticipantKey, at: Instant) {
        self.participants.set_earlier(key.0, at);
    }

    /// Whoever sends a publication is to be asked for something at `at`.
    pub(super) fn wake_owner(&mut self, owner: &Owner, at: Instant) {
        match owner {
            Owner::Participant(key) => self.wake(*key, at),
            Owner::Upstream(_) => self.upstreams = self.upstreams.into_iter().chain([at]).min(),
        }
    }

    /// When other workers are to be asked next.
    pub(super) fn set_upstreams(&mut self, at: Option<Instant>) {
        self.upstreams = at;
    }

    pub(super) fn forget(&mut self, key: ParticipantKey) {
        self.participants.remove(key.0);
    }
}

impl Room {
    /// Does all that is due and sets the next deadlines.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        // As many turns as there are participants: one that is always due must not keep the room.
        for _ in 0..self.participants.len() {
            let Some(index) = self.timers.participants.due(context.now) else { break };
            let (key, participant) = (ParticipantKey(index), &mut self.participants[index]);
            if participant.transport.poll_timeout().is_some_and(|at| at <= context.now) {
                participant.transport.handle_timeout(context.now, context.sends);
                self.follow_transport(context, key);
            }
            if self.participants.contains(index) {
                self.send_due(context, key);
                self.timers.participants.set(index, self.next_for(context.now, key));
            }
        }
        self.select_due(context);
        self.ask_upstreams(context);
    }

    fn send_due(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        if !self.participants[key.0].connected {
            return;
        }
        self.send_feedback(context, key);
        if self.participants[key.0].report_at <= context.now {
            self.participants[key.0].report_at = context.now + REPORT_INTERVAL;
            self.send_reports(context, key);
        }
    }

    fn next_for(&self, now: Instant, key: ParticipantKey) -> Instant {
        let participant = &self.participants[key.0];
        let transport = participant.transport.poll_timeout();
        if !participant.connected {
            return transport.unwrap_or(now + REPORT_INTERVAL);
        }
        let encodings = participant.publications.iter().flat_map(|own| &self.publications[own.0].encodings);
        let feedback = encodings
            .filter(|encoding| encoding.ssrc.is_some())
            .filter_map(|encoding| encoding.next_feedback(now))
            .min();
        [transport, Some(participant.report_at), feedback, participant.uplink.twcc.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(participant.report_at)
    }
}
