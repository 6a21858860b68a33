//! What a transport dropped, by reason. Plain numbers that only grow; whoever reports them takes differences.

use crate::command::Counters;
use crate::ice::CheckRejection;
use crate::srtp::SrtpError;

/// Counts of datagrams. Every datagram given to a transport that has no effect raises exactly one of the drop counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportCounters {
    /// Connectivity checks that were authenticated and answered with success.
    pub checks: u64,
    /// STUN that is no Binding request we could authenticate.
    pub stun_malformed: u64,
    /// Checks for credentials that are not, or no longer, this participant's.
    pub stun_unknown_ufrag: u64,
    /// Checks made with another password.
    pub stun_bad_integrity: u64,
    /// Authenticated checks above the rate.
    pub stun_too_many: u64,
    /// Authenticated checks that were refused (420, 487).
    pub stun_refused: u64,
    /// Datagrams of a path that no check has validated.
    pub stranger: u64,
    /// Datagrams that came after the end.
    pub after_end: u64,
    /// DTLS after the handshake, or above its limits.
    pub dtls_dropped: u64,
    /// Media that came too early, and too much of it.
    pub early_dropped: u64,
    /// SRTP and SRTCP whose tag does not verify.
    pub srtp_unauthenticated: u64,
    /// SRTP and SRTCP received before, or too old to tell.
    pub srtp_replayed: u64,
    /// SRTP and SRTCP that cannot be parsed.
    pub srtp_malformed: u64,
    /// SRTP of new streams while too many of them fail to authenticate.
    pub srtp_not_admitted: u64,
    /// SRTP and SRTCP of new streams beyond the most that a session may have.
    pub srtp_too_many_ssrcs: u64,
}

impl TransportCounters {
    /// Adds these to what a worker counts.
    pub(crate) fn add_to(&self, counters: &mut Counters) {
        counters.drop_stun += self.stun_malformed + self.stun_bad_integrity + self.stun_too_many + self.stun_refused;
        counters.drop_unknown_ufrag += self.stun_unknown_ufrag;
        counters.drop_unknown_source += self.stranger;
        counters.drop_dtls += self.dtls_dropped;
        counters.drop_unauthenticated += self.srtp_unauthenticated;
        counters.drop_replayed += self.srtp_replayed;
        counters.drop_malformed += self.srtp_malformed;
        counters.drop_ssrc += self.srtp_not_admitted + self.srtp_too_many_ssrcs;
        counters.drop_other += self.after_end + self.early_dropped;
    }

    pub(super) fn count_check(&mut self, result: Result<(), CheckRejection>) {
        let counter = match result {
            Ok(()) => &mut self.checks,
            Err(CheckRejection::Malformed(_)) => &mut self.stun_malformed,
            Err(CheckRejection::UnknownUfrag) => &mut self.stun_unknown_ufrag,
            Err(CheckRejection::BadIntegrity) => &mut self.stun_bad_integrity,
            Err(CheckRejection::TooMany) => &mut self.stun_too_many,
            Err(CheckRejection::UnknownAttribute | CheckRejection::RoleConflict) => &mut self.stun_refused,
        };
        *counter += 1;
    }

    pub(super) fn count_media(&mut self, error: SrtpError) {
        let counter = match error {
            SrtpError::TooShort | SrtpError::TooLong | SrtpError::NotRtp => &mut self.srtp_malformed,
            SrtpError::Replayed => &mut self.srtp_replayed,
            SrtpError::Unauthenticated => &mut self.srtp_unauthenticated,
            SrtpError::TooManySsrcs => &mut self.srtp_too_many_ssrcs,
            SrtpError::NotAdmitted => &mut self.srtp_not_admitted,
        };
        *counter += 1;
    }
}
