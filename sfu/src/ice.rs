//! The ICE-lite agent of one participant (RFC 8445 §2.5): answers connectivity checks, remembers by which paths they
//! came, and knows the path the client nominated.
//!
//! Owns the paths and both sets of credentials. Sends nothing of its own accord, so it never talks to an address that
//! did not prove its password first (SEC-11), and answers nobody else (SEC-08). Knows nothing of DTLS or media.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sends::{NetPath, Sends};
use crate::stun::{self, BindingRequest, Nomination, Refusal, RequestError, Role, UnverifiedRequest};
use crate::transport::Rate;

mod credentials;

pub use credentials::{LocalCredentials, PWD_LEN, SLOTS_MAX, UFRAG_LEN, UfragRoute};

/// Paths kept per participant: two address families, two interfaces, and as many again while the client roams.
pub const PATHS_MAX: usize = 8;
/// How long a path is used after the last authenticated check that came by it (RFC 7675 §5.1).
pub const CONSENT_EXPIRY: Duration = Duration::from_secs(30);
/// Checks answered per second, and at once. A browser sends one per 50 ms while it looks for a path; the limit keeps
/// somebody who knows a password from having us answer to addresses it makes up.
pub const ANSWERS_PER_SECOND: u32 = 100;

/// Why a check had no effect. Only the last two kinds, which are authenticated, are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckRejection {
    /// Not a Binding request that could be authenticated.
    Malformed(RequestError),
    /// The username names no credentials of this participant.
    UnknownUfrag,
    /// The integrity value was made with another password.
    BadIntegrity,
    /// More than [`ANSWERS_PER_SECOND`].
    TooMany,
    /// It asks for something we do not know, and was told so (420).
    UnknownAttribute,
    /// It claims our role, and was told so (487).
    RoleConflict,
}

/// What a check or the time did to the paths. The owner of the 5-tuple table follows these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathChange {
    /// Datagrams from here belong to this participant now.
    Added(NetPath),
    /// No longer.
    Removed(NetPath),
    /// The client nominated this path: everything is sent there from now on.
    Selected(NetPath),
}

/// Whether the client still agrees to be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// A check came by some path within [`CONSENT_EXPIRY`].
    Held,
    /// None did: sending must stop.
    Expired,
}

/// See the module's description.
pub struct IceAgent {
    current: Generation,
    /// Before a restart's credentials are nominated, those they replace. Both are answered.
    previous: Option<Generation>,
    paths: Vec<Path>,
    selected: Option<NetPath>,
    last_check: Instant,
    answers: Rate,
    changes: VecDeque<PathChange>,
}

/// One set of credentials, from an answer to an offer with new remote credentials.
struct Generation {
    number: u32,
    credentials: LocalCredentials,
    /// The highest renomination value seen with these credentials.
    renominated: Option<u32>,
}

struct Path {
    net: NetPath,
    generation: u32,
    last_check: Instant,
}

impl IceAgent {
    /// An agent that nobody has reached yet. `now` starts the consent clock, so that a client that never comes expires.
    #[must_use]
    pub fn new(now: Instant, credentials: LocalCredentials) -> Self {
        Self {
            current: Generation { number: 0, credentials, renominated: None },
            previous: None,
            // Most participants have one; growing by itself would start with four.
            paths: Vec::with_capacity(1),
            selected: None,
            last_check: now,
            answers: Rate::full(now, ANSWERS_PER_SECOND, ANSWERS_PER_SECOND),
            changes: VecDeque::new(),
        }
    }

    /// The credentials to put into the next answer.
    #[must_use]
    pub fn credentials(&self) -> &LocalCredentials {
        &self.current.credentials
    }

    /// Where to send: the nominated path, or before anything is nominated the first that was validated.
    #[must_use]
    pub fn sending_path(&self) -> Option<NetPath> {
        self.selected.or_else(|| self.paths.first().map(|path| path.net))
    }

    /// Whether a check proved that `path` leads to the participant.
    #[must_use]
    pub fn is_validated(&self, path: NetPath) -> bool {
        self.paths.iter().any(|known| known.net == path)
    }

    /// The validated paths, in the order in which they were learnt.
    pub fn paths(&self) -> impl Iterator<Item = NetPath> {
        self.paths.iter().map(|path| path.net)
    }

    /// ICE restart (RFC 8445 §9): `credentials` go into the answer, the old ones keep working until the client
    /// nominates a path with the new ones.
    pub fn restart(&mut self, credentials: LocalCredentials) {
        let next = Generation { number: self.current.number + 1, credentials, renominated: None };
        let replaced = std::mem::replace(&mut self.current, next);
        // A restart upon a restart that was never completed: what works is still the generation before both. Paths of
        // the one in between stay until their consent runs out.
        self.previous.get_or_insert(replaced);
    }

    /// The path cannot carry anything any more: its TCP connection was closed.
    pub fn remove_path(&mut self, gone: NetPath) {
        self.remove_paths(|path| path.net == gone);
    }

    /// Takes a datagram that looks like STUN. Answers into `out` if it is an authenticated check, else not at all.
    ///
    /// # Errors
    /// The reason for which it changed nothing, to be counted.
    pub fn handle_check(
        &mut self,
        now: Instant,
        from: NetPath,
        datagram: &[u8],
        out: &mut Sends,
    ) -> Result<(), CheckRejection> {
        let unverified = UnverifiedRequest::parse(datagram).map_err(CheckRejection::Malformed)?;
        let ufrag = unverified.local_ufrag().ok_or(CheckRejection::UnknownUfrag)?;
        let generation = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|generation| generation.credentials.ufrag().as_bytes() == ufrag)
            .ok_or(CheckRejection::UnknownUfrag)?;
        let key = generation.credentials.key();
        let request = unverified.verify(&key).ok_or(CheckRejection::BadIntegrity)?;
        if !self.answers.take(now) {
            return Err(CheckRejection::TooMany);
        }
        if let Some((refusal, rejection)) = refusal_of(&request) {
            out.write(from, |free| Some(stun::write_refusal(free, request.transaction_id, refusal, &key)));
            return Err(rejection);
        }
        out.write(from, |free| Some(stun::write_success(free, request.transaction_id, from.remote(), &key)));
        let number = generation.number;
        self.learn(now, from, number);
        if let Some(nomination) = request.nomination {
            self.nominate(from, number, nomination);
        }
        Ok(())
    }

    /// The next change of paths, in the order in which they came about.
    pub fn poll_change(&mut self) -> Option<PathChange> {
        let change = self.changes.pop_front();
        if change.is_none() {
            // Paths change seldom: the queue's own memory is given back meanwhile.
            self.changes = VecDeque::new();
        }
        change
    }

    /// When [`IceAgent::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        let oldest = self.paths.iter().map(|path| path.last_check).min();
        oldest.unwrap_or(self.last_check) + CONSENT_EXPIRY
    }

    /// Lets go of paths that were not checked for [`CONSENT_EXPIRY`].
    pub fn handle_timeout(&mut self, now: Instant) -> Consent {
        let is_over = |last_check: Instant| now.saturating_duration_since(last_check) >= CONSENT_EXPIRY;
        self.remove_paths(|path| is_over(path.last_check));
        if self.paths.is_empty() && is_over(self.last_check) { Consent::Expired } else { Consent::Held }
    }

    fn learn(&mut self, now: Instant, from: NetPath, generation: u32) {
        self.last_check = now;
        if let Some(path) = self.paths.iter_mut().find(|path| path.net == from) {
            path.last_check = now;
            path.generation = path.generation.max(generation);
            return;
        }
        if self.paths.len() == PATHS_MAX {
            let selected = self.selected;
            let unused = self.paths.iter().filter(|path| Some(path.net) != selected);
            let stalest = unused.min_by_key(|path| path.last_check).map(|path| path.net);
            self.remove_paths(|path| Some(path.net) == stalest);
        }
        assert!(self.paths.len() < PATHS_MAX, "at most one path is selected, so one could go");
        self.paths.push(Path { net: from, generation, last_check: now });
        self.changes.push_back(PathChange::Added(from));
    }

    fn nominate(&mut self, path: NetPath, number: u32, nomination: Nomination) {
        let is_current = number == self.current.number;
        let generation = match &mut self.previous {
            Some(previous) if !is_current => previous,
            _ => &mut self.current,
        };
        if let Nomination::Renominate(value) = nomination {
            if generation.renominated.is_some_and(|highest| value < highest) {
                return;
            }
            generation.renominated = Some(value);
        }
        if self.selected != Some(path) {
            self.selected = Some(path);
            self.changes.push_back(PathChange::Selected(path));
        }
        if is_current && self.previous.take().is_some() {
            self.remove_paths(|path| path.generation < number);
        }
    }

    fn remove_paths(&mut self, is_gone: impl Fn(&Path) -> bool) {
        self.paths.retain(|path| {
            let gone = is_gone(path);
            if gone {
                self.changes.push_back(PathChange::Removed(path.net));
            }
            !gone
        });
        if self.selected.is_some_and(|selected| !self.is_validated(selected)) {
            self.selected = None;
        }
    }
}

fn refusal_of(request: &BindingRequest) -> Option<(Refusal<'_>, CheckRejection)> {
    if !request.unknown.as_slice().is_empty() {
        return Some((Refusal::UnknownAttributes(request.unknown.as_slice()), CheckRejection::UnknownAttribute));
    }
    match request.role {
        // Against a lite agent a full one must control, whatever the tie-breakers say (RFC 8445 §6.1.1).
        Some(Role::Controlled(_)) => Some((Refusal::RoleConflict, CheckRejection::RoleConflict)),
        Some(Role::Controlling(_)) | None => None,
    }
}

#[cfg(test)]
mod tests;
