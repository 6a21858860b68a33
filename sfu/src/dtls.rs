//! The DTLS-SRTP handshake of one participant, in the server role (RFC 5763, RFC 5764, DTLS 1.2 and 1.3).
//!
//! Owns the handshake from the first byte of the ClientHello to the exported keys, and a short while beyond, to answer
//! a client that missed our last flight. This is the only module that names a DTLS crate. Knows nothing of paths: its
//! caller passes only datagrams of addresses that ICE has validated (SEC-01), and says where answers go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sends::{NetPath, Sends};
use crate::srtp::SrtpKeys;
use crate::transport::Rate;

mod acceptor;
mod client_hello;
mod engine;
mod fingerprint;
mod key;
mod record;

use client_hello::{Hello, HelloAssembly, HelloError, VersionChoice};
use engine::{Engine, Progress};

pub use acceptor::{DtlsAcceptor, DtlsIdentity, DtlsSetupError};
pub use fingerprint::{Fingerprint, FingerprintError};

/// Bytes taken before the handshake is complete. A browser's part of a handshake is about 3 KiB; the rest is for
/// repetitions under loss. Beyond it the client is not one (SEC-05).
pub const HANDSHAKE_BYTES_MAX: usize = 64 * 1024;
/// Records taken before the handshake is complete, for the same reason.
pub const HANDSHAKE_RECORDS_MAX: u32 = 200;
/// Time from the first datagram to completion.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// How long the finished handshake is kept to answer repetitions of the client's last flight. Clients double their
/// retransmission timers from at most one second, so three lost answers in a row are covered.
pub const LINGER: Duration = Duration::from_secs(10);
/// Records per second taken while it is kept.
pub const LINGER_RECORDS_PER_SECOND: u32 = 10;

/// The version that was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtlsVersion {
    /// RFC 6347.
    V1_2,
    /// RFC 9147.
    V1_3,
}

/// Why a handshake failed. It cannot be repaired: the client must join again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtlsFailure {
    /// The ClientHello cannot be read.
    MalformedHello,
    /// The client offers no SRTP profile that we take.
    NoCommonProfile,
    /// The client speaks neither DTLS 1.2 nor 1.3.
    NoCommonVersion,
    /// The client's certificate is not the one its offer announced (SEC-04).
    WrongFingerprint,
    /// More bytes or records than any client needs (SEC-05).
    OverBudget,
    /// Not complete after [`HANDSHAKE_DEADLINE`].
    TimedOut,
    /// The client sent a fatal alert, or something no handshake can go on from.
    Protocol,
}

/// What came out of a handshake.
#[derive(Debug)]
pub enum DtlsEvent {
    /// The client holds the key of the announced certificate; media can flow.
    Connected {
        /// The negotiated version.
        version: DtlsVersion,
        /// The keys of both directions.
        keys: SrtpKeys,
    },
    /// There will be no keys.
    Failed(DtlsFailure),
    /// The client said goodbye (close_notify), after having been connected.
    Closed,
}

/// The handshake of one participant.
pub struct Handshake {
    acceptor: Arc<DtlsAcceptor>,
    expected: Fingerprint,
    stage: Stage,
    bytes: usize,
    records: u32,
    /// Set by the first datagram; once connected, the end of lingering.
    deadline: Option<Instant>,
    event: Option<DtlsEvent>,
}

enum Stage {
    /// Not all of the ClientHello is there.
    Hello(HelloAssembly),
    /// The engine is at work.
    Running(Box<Engine>),
    /// The keys are out.
    Lingering { engine: Box<Engine>, allowed: Rate },
    /// Nothing is due any more, or the handshake failed.
    Over,
}

impl Handshake {
    /// Waits for the ClientHello of a client whose certificate must have the fingerprint `expected`.
    #[must_use]
    pub fn new(acceptor: Arc<DtlsAcceptor>, expected: Fingerprint) -> Self {
        let stage = Stage::Hello(HelloAssembly::default());
        Self { acceptor, expected, stage, bytes: 0, records: 0, deadline: None, event: None }
    }

    /// Takes a datagram of a validated path; answers go to `to`. Returns false if it was dropped unread: after the end,
    /// or above the limits.
    pub fn handle_datagram(&mut self, now: Instant, to: NetPath, datagram: &[u8], out: &mut Sends) -> bool {
        let records = record::count_records(datagram);
        match &mut self.stage {
            Stage::Over => return false,
            Stage::Lingering { engine, allowed } => {
                if !allowed.take_many(now, records) {
                    return false;
                }
                let progress = engine.receive(now, to, datagram, out);
                self.follow_lingering(progress);
            }
            Stage::Hello(_) | Stage::Running(_) => {
                self.bytes = self.bytes.saturating_add(datagram.len());
                self.records = self.records.saturating_add(records);
                if self.bytes > HANDSHAKE_BYTES_MAX || self.records > HANDSHAKE_RECORDS_MAX {
                    self.fail(DtlsFailure::OverBudget);
                    return false;
                }
                self.deadline.get_or_insert(now + HANDSHAKE_DEADLINE);
                self.advance(now, to, datagram, out);
            }
        }
        true
    }

    /// The next event, at most two in all: connected or failed, then closed.
    pub fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.event.take()
    }

    /// When [`Handshake::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let engine = match &self.stage {
            Stage::Over => return None,
            Stage::Hello(_) => None,
            Stage::Running(engine) | Stage::Lingering { engine, .. } => engine.poll_timeout(),
        };
        [self.deadline, engine].into_iter().flatten().min()
    }

    /// Repeats flights, gives up, or ends the lingering.
    pub fn handle_timeout(&mut self, now: Instant, to: NetPath, out: &mut Sends) {
        let is_due = self.deadline.is_some_and(|deadline| deadline <= now);
        match &mut self.stage {
            Stage::Over => {}
            Stage::Hello(_) | Stage::Running(_) if is_due => self.fail(DtlsFailure::TimedOut),
            Stage::Lingering { .. } if is_due => self.stage = Stage::Over,
            Stage::Hello(_) => {}
            Stage::Running(engine) => {
                let progress = engine.handle_timeout(now, to, out);
                self.follow_running(now, progress);
            }
            Stage::Lingering { engine, .. } => {
                let progress = engine.handle_timeout(now, to, out);
                self.follow_lingering(progress);
            }
        }
    }

    /// Whether the handshake holds nothing of use any more, so that its owner can drop it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over) && self.event.is_none()
    }

    fn advance(&mut self, now: Instant, to: NetPath, datagram: &[u8], out: &mut Sends) {
        let progress = match &mut self.stage {
            Stage::Running(engine) => engine.receive(now, to, datagram, out),
            Stage::Hello(assembly) => {
                assembly.add(datagram);
                let (Some(record), Some(body)) = (assembly.complete(), assembly.body()) else { return };
                let mut engine = match Hello::parse(body).and_then(|hello| hello.choose()) {
                    Ok(version) => Box::new(Engine::accept(&self.acceptor, version, self.expected, now)),
                    Err(error) => return self.fail(error.into()),
                };
                let progress = engine.receive(now, to, record, out);
                self.stage = Stage::Running(engine);
                progress
            }
            Stage::Lingering { .. } | Stage::Over => return,
        };
        self.follow_running(now, progress);
    }

    fn follow_running(&mut self, now: Instant, progress: Progress) {
        match progress {
            Progress::Pending => {}
            Progress::Failed(failure) => self.fail(failure),
            Progress::Closed => self.fail(DtlsFailure::Protocol),
            Progress::Connected(version, keys) => {
                let Stage::Running(engine) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
                let allowed = Rate::full(now, LINGER_RECORDS_PER_SECOND, LINGER_RECORDS_PER_SECOND);
                self.stage = Stage::Lingering { engine, allowed };
                self.deadline = Some(now + LINGER);
                self.event = Some(DtlsEvent::Connected { version, keys });
            }
        }
    }

    fn follow_lingering(&mut self, progress: Progress) {
        match progress {
            Progress::Pending | Progress::Connected(..) => {}
            // The keys stand. Whatever is wrong with the rest, nobody needs it.
            Progress::Failed(_) => self.stage = Stage::Over,
            Progress::Closed => {
                self.stage = Stage::Over;
                self.event = self.event.take().or(Some(DtlsEvent::Closed));
            }
        }
    }

    fn fail(&mut self, failure: DtlsFailure) {
        self.stage = Stage::Over;
        self.event = Some(DtlsEvent::Failed(failure));
    }
}

impl From<HelloError> for DtlsFailure {
    fn from(error: HelloError) -> Self {
        match error {
            HelloError::Malformed => Self::MalformedHello,
            HelloError::NoCommonProfile => Self::NoCommonProfile,
            HelloError::NoCommonVersion => Self::NoCommonVersion,
        }
    }
}

/// Feeds `bytes` to everything here that reads the network before a DTLS engine does.
#[doc(hidden)]
pub fn fuzz_hello(bytes: &[u8]) {
    client_hello::fuzz(bytes);
    let _ = record::count_records(bytes);
}

#[cfg(test)]
pub(crate) mod tests;
