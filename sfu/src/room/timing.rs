//! What is due when.

use super::{Context, Room};
use crate::demux::ParticipantKey;
use std::time::{Duration, Instant};

/// How often reports are sent. RFC 3550 §6.2 allows it at the rates of a call, and browsers expect about as much.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

impl Room {
    /// Does all that is due and sets the next deadline.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        self.deadline = context.now + REPORT_INTERVAL;
        let mut next = 0;
        while let Some((index, participant)) = self.participants.iter_mut().find(|(index, _)| *index >= next) {
            next = index + 1;
            let key = ParticipantKey(index);
            if participant.transport.poll_timeout().is_some_and(|at| at <= context.now) {
                participant.transport.handle_timeout(context.now, context.sends);
                self.follow_transport(context, key);
            }
            if self.participants.contains(index) {
                self.send_due(context, key);
            }
        }
        self.select_due(context);
        self.wake_at(self.select_at);
        self.ask_upstreams(context);
        for index in 0..self.participants.capacity() {
            if let Some(at) = self.participants.get(index).map(|_| self.next_for(context.now, ParticipantKey(index))) {
                self.wake_at(at);
            }
        }
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
