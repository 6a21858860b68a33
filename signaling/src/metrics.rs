//! What is counted, under the names operators see. Labels come from closed sets only: no room, no participant.

use crate::signaling::{ShareCounts, Tally};
use metrics::{Counter, Gauge, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tillside_sfu::command::Counters;

/// The metrics of one node. Not global, so that several nodes can live in one test.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

/// What each worker has counted, as it said last.
#[derive(Debug, Default)]
pub struct WorkerCounters(Vec<Counters>);

const METADATA: Metadata<'static> = Metadata::new("tillside", Level::INFO, None);

/// A counter's name, its labels, where its value stands, and what it says.
type Row = (&'static str, &'static [(&'static str, &'static str)], fn(&Counters) -> u64);

const COUNTERS: &[Row] = &[
    ("tillside_rtp_packets_total", &[("dir", "in")], |c| c.rtp_in),
    ("tillside_rtp_packets_total", &[("dir", "out")], |c| c.rtp_out),
    ("tillside_rtp_bytes_total", &[("dir", "in")], |c| c.rtp_bytes_in),
    ("tillside_rtp_bytes_total", &[("dir", "out")], |c| c.rtp_bytes_out),
    ("tillside_rtx_total", &[], |c| c.rtx_out),
    ("tillside_link_packets_total", &[("dir", "in")], |c| c.link_in),
    ("tillside_link_packets_total", &[("dir", "out")], |c| c.link_out),
    ("tillside_link_dropped_total", &[], |c| c.link_dropped),
    ("tillside_nack_total", &[("dir", "in")], |c| c.nack_in),
    ("tillside_nack_total", &[("dir", "out")], |c| c.nack_out),
    ("tillside_pli_total", &[("dir", "in")], |c| c.pli_in),
    ("tillside_pli_total", &[("dir", "out")], |c| c.pli_out),
    ("tillside_udp_unknown_source_total", &[], |c| c.drop_unknown_source),
    ("tillside_srtp_auth_fail_total", &[], |c| c.drop_unauthenticated),
    ("tillside_srtp_replay_total", &[], |c| c.drop_replayed),
    ("tillside_rtp_drop_total", &[("reason", "unknown_ufrag")], |c| c.drop_unknown_ufrag),
    ("tillside_rtp_drop_total", &[("reason", "stun")], |c| c.drop_stun),
    ("tillside_rtp_drop_total", &[("reason", "dtls")], |c| c.drop_dtls),
    ("tillside_rtp_drop_total", &[("reason", "ssrc")], |c| c.drop_ssrc),
    ("tillside_rtp_drop_total", &[("reason", "unpublished")], |c| c.drop_unpublished),
    ("tillside_rtp_drop_total", &[("reason", "malformed")], |c| c.drop_malformed),
    ("tillside_rtp_drop_total", &[("reason", "other")], |c| c.drop_other),
    ("tillside_rtp_drop_total", &[("reason", "send")], |c| c.drop_send),
    ("tillside_panics_total", &[("task", "room")], |c| c.room_panics),
    ("tillside_srtp_profile_total", &[("profile", "aead_aes_128_gcm")], |c| c.srtp_profiles[0]),
    ("tillside_srtp_profile_total", &[("profile", "aead_aes_256_gcm")], |c| c.srtp_profiles[1]),
    ("tillside_srtp_profile_total", &[("profile", "aes128_cm_sha1_80")], |c| c.srtp_profiles[2]),
    ("tillside_ice_fail_total", &[], |c| c.connect_failures[0]),
    ("tillside_dtls_fail_total", &[], |c| c.connect_failures[1]),
    ("tillside_gso_messages_total", &[("segments", "1")], |c| c.gso_segments[0]),
    ("tillside_gso_messages_total", &[("segments", "2")], |c| c.gso_segments[1]),
    ("tillside_gso_messages_total", &[("segments", "3-4")], |c| c.gso_segments[2]),
    ("tillside_gso_messages_total", &[("segments", "5-8")], |c| c.gso_segments[3]),
    ("tillside_gso_messages_total", &[("segments", "9-16")], |c| c.gso_segments[4]),
    ("tillside_gso_messages_total", &[("segments", "17+")], |c| c.gso_segments[5]),
];

const GAUGES: &[Row] = &[
    ("tillside_rooms", &[], |c| c.rooms as u64),
    ("tillside_participants", &[], |c| c.participants as u64),
    ("tillside_workers_busy_permille", &[], |c| c.busy_permille as u64),
    ("tillside_tracks", &[("dir", "in")], |c| c.publications as u64),
    ("tillside_tracks", &[("dir", "out")], |c| c.subscriptions as u64),
];

/// What each name means.
const HELP: &[(&str, &str)] = &[
    ("tillside_rtp_packets_total", "RTP packets taken in and forwarded"),
    ("tillside_rtp_bytes_total", "Bytes of RTP packets, encrypted, without IP and UDP headers"),
    ("tillside_rtx_total", "Packets sent again on request"),
    ("tillside_link_packets_total", "RTP packets between workers that carry the same room"),
    ("tillside_link_dropped_total", "RTP packets that a worker was too far behind to take from another"),
    ("tillside_nack_total", "Sequence numbers asked for again"),
    ("tillside_pli_total", "Keyframe requests"),
    ("tillside_udp_unknown_source_total", "Datagrams from addresses without an authenticated STUN check"),
    ("tillside_srtp_auth_fail_total", "SRTP and SRTCP packets that fail authentication"),
    ("tillside_srtp_replay_total", "SRTP and SRTCP packets seen before"),
    ("tillside_rtp_drop_total", "Datagrams and packets dropped, by reason"),
    ("tillside_panics_total", "Defects that ended a room"),
    ("tillside_srtp_profile_total", "Participants connected, by SRTP profile"),
    ("tillside_ice_fail_total", "Participants whose ICE never connected"),
    ("tillside_dtls_fail_total", "Participants whose DTLS handshake failed"),
    ("tillside_gso_messages_total", "Send calls by the number of datagrams in one"),
    ("tillside_rooms", "Rooms with media now"),
    ("tillside_participants", "Participants with media now"),
    (
        "tillside_workers_busy_permille",
        "Time that media workers were busy in the last second, 1,000 for each whole one",
    ),
    ("tillside_tracks", "Publications (in) and bound slots (out) now"),
    ("tillside_sessions", "Signaling sessions now, WHIP and WHEP included"),
    ("tillside_http_connections", "HTTP connections now"),
    ("tillside_join_total", "Attempts to enter a room"),
    ("tillside_resume_total", "Sessions that came back after a lost socket"),
    ("tillside_auth_fail_total", "Tokens, API keys and origins that were not accepted"),
    ("tillside_ws_slow_close_total", "Sockets closed because their client reads too slowly"),
    ("tillside_ws_message_refused_total", "Sockets closed because a message had too many bytes or fragments"),
    ("tillside_cobrowse_shares", "Shared pages now, by where they stand"),
    ("tillside_cobrowse_viewers", "Viewers of shared pages now"),
    ("tillside_cobrowse_asset_bytes", "Bytes of pictures and fonts of shared pages in memory now"),
    ("tillside_cobrowse_records_total", "Records taken in from shared pages"),
    ("tillside_cobrowse_events_total", "Events in them that were applied"),
    ("tillside_cobrowse_stopped_total", "What a barrier of the relay stopped"),
    ("tillside_cobrowse_masked_total", "What the relay masked and the page's own SDK should have: any is an alert"),
    ("tillside_cobrowse_payment_fields_total", "Payment fields found"),
    ("tillside_cobrowse_desyncs_total", "Times that a page could not be followed"),
    ("tillside_cobrowse_snapshots_wanted_total", "Snapshots asked of pages, by reason"),
    ("tillside_cobrowse_resnapshots_total", "Slow viewers who got a fresh snapshot instead of what waited"),
    ("tillside_cobrowse_verbs_total", "Outcomes of agents' verbs"),
    ("tillside_cobrowse_assets_total", "Pictures and fonts uploaded, by what became of them"),
    ("tillside_rate_limited_total", "Messages, joins and connections refused by a rate limit"),
];

impl Metrics {
    /// With everything at zero.
    #[must_use]
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        for (name, help) in HELP {
            let counts = name.ends_with("_total");
            let describe = if counts { Recorder::describe_counter } else { Recorder::describe_gauge };
            describe(&recorder, (*name).into(), Some(Unit::Count), (*help).into());
        }
        let handle = recorder.handle();
        let metrics = Self { recorder, handle };
        metrics.publish(&WorkerCounters::default());
        metrics.sessions(0);
        metrics.connections(0);
        metrics.shares(ShareCounts::default());
        metrics
    }

    /// Renders everything in the Prometheus text format.
    #[must_use]
    pub fn handle(&self) -> PrometheusHandle {
        self.handle.clone()
    }

    /// Shows what all workers together have counted. With none yet, makes every name known, so that a rate over it
    /// works from the first scrape on.
    pub fn publish(&self, workers: &WorkerCounters) {
        for (name, labels, value) in COUNTERS {
            self.counter(name, labels).absolute(workers.0.iter().map(value).sum());
        }
        for (name, labels, value) in GAUGES {
            self.gauge(name, labels).set(workers.0.iter().map(value).sum::<u64>() as f64);
        }
    }

    /// Counts something that signaling did.
    pub fn count(&self, tally: Tally) {
        match tally {
            Tally::Joined => self.counter("tillside_join_total", &[("result", "ok"), ("reason", "none")]).increment(1),
            Tally::JoinRefused(code) => {
                let reason = error_label(code);
                self.counter("tillside_join_total", &[("result", "refused"), ("reason", reason)]).increment(1);
            }
            Tally::Resumed => self.resume("ok"),
            Tally::ResumeRefused => self.resume("refused"),
            Tally::Unauthorized(error) => self.auth_fail(error.label()),
            Tally::TicketRefused => self.auth_fail("ticket"),
            Tally::ForeignOrigin => self.auth_fail("origin"),
        }
    }

    /// Counts a token, key or origin that was not accepted.
    pub fn auth_fail(&self, reason: &'static str) {
        self.counter("tillside_auth_fail_total", &[("reason", reason)]).increment(1);
    }

    /// Counts a socket closed for reading too slowly.
    pub fn slow_close(&self) {
        self.counter("tillside_ws_slow_close_total", &[]).increment(1);
    }

    /// Counts a socket closed for a message that was not taken.
    pub fn message_refused(&self, reason: &'static str) {
        self.counter("tillside_ws_message_refused_total", &[("reason", reason)]).increment(1);
    }

    /// Counts something refused by a rate limit.
    pub fn rate_limited(&self, scope: &'static str) {
        self.counter("tillside_rate_limited_total", &[("scope", scope)]).increment(1);
    }

    /// How many sessions there are.
    pub fn sessions(&self, count: usize) {
        self.gauge("tillside_sessions", &[]).set(count as f64);
    }

    /// How many HTTP connections there are.
    pub fn connections(&self, count: usize) {
        self.gauge("tillside_http_connections", &[]).set(count as f64);
    }

    /// Counts what relays did, by `steps` at once.
    pub fn cobrowse(&self, name: &'static str, labels: &[(&'static str, &'static str)], steps: u64) {
        self.counter(name, labels).increment(steps);
    }

    /// One relay's share of the bytes of all assets has changed.
    pub fn cobrowse_asset_bytes(&self, before: usize, after: usize) {
        self.gauge("tillside_cobrowse_asset_bytes", &[]).increment(after as f64 - before as f64);
    }

    /// How many shares and viewers there are.
    pub fn shares(&self, counts: ShareCounts) {
        for (phase, count) in [("requested", counts.requested), ("live", counts.live), ("paused", counts.paused)] {
            self.gauge("tillside_cobrowse_shares", &[("phase", phase)]).set(count as f64);
        }
        self.gauge("tillside_cobrowse_viewers", &[]).set(counts.viewers as f64);
    }

    fn resume(&self, result: &'static str) {
        self.counter("tillside_resume_total", &[("kind", "signal"), ("result", result)]).increment(1);
    }

    fn counter(&self, name: &'static str, labels: &[(&'static str, &'static str)]) -> Counter {
        self.recorder.register_counter(&key(name, labels), &METADATA)
    }

    fn gauge(&self, name: &'static str, labels: &[(&'static str, &'static str)]) -> Gauge {
        self.recorder.register_gauge(&key(name, labels), &METADATA)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl WorkerCounters {
    /// Takes what a worker has counted since its start.
    pub fn take(&mut self, counters: Counters) {
        let worker = counters.worker.map_or(0, |worker| usize::from(worker.0));
        if self.0.len() <= worker {
            self.0.resize(worker + 1, Counters::default());
        }
        self.0[worker] = counters;
    }
}

fn key(name: &'static str, labels: &[(&'static str, &'static str)]) -> Key {
    Key::from_parts(name, labels.iter().map(|(name, value)| Label::new(*name, *value)).collect::<Vec<_>>())
}

fn error_label(code: crate::protocol::ErrorCode) -> &'static str {
    use crate::protocol::ErrorCode;
    match code {
        ErrorCode::Malformed => "malformed",
        ErrorCode::UnknownType => "unknown_type",
        ErrorCode::OutOfOrder => "out_of_order",
        ErrorCode::Version => "version",
        ErrorCode::Unauthorized => "unauthorized",
        ErrorCode::Forbidden => "forbidden",
        ErrorCode::NotFound => "not_found",
        ErrorCode::BadOffer => "bad_offer",
        ErrorCode::Locked => "locked",
        ErrorCode::Full => "full",
        ErrorCode::RateLimited => "rate_limited",
        ErrorCode::Overloaded => "overloaded",
        ErrorCode::Internal => "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillside_sfu::id::WorkerId;

    #[test]
    fn the_counters_of_all_workers_are_added_up() {
        let metrics = Metrics::new();
        let mut workers = WorkerCounters::default();
        let counters =
            |worker, rtp_in| Counters { worker: Some(WorkerId(worker)), rtp_in, rooms: 1, ..Counters::default() };
        for counted in [counters(0, 5), counters(1, 7), counters(0, 6)] {
            workers.take(counted);
        }
        metrics.publish(&workers);
        let text = metrics.handle().render();
        assert!(text.contains("tillside_rtp_packets_total{dir=\"in\"} 13"), "{text}");
        assert!(text.contains("tillside_rooms 2"), "{text}");
    }

    #[test]
    fn every_name_has_a_help_line() {
        let metrics = Metrics::new();
        metrics.count(Tally::Joined);
        let text = metrics.handle().render();
        for (name, _, _) in COUNTERS.iter().chain(GAUGES) {
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        }
    }
}
