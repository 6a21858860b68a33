//! Tickets: what opens `/v1/share`.

use super::{Holder, StreamPass, Ticket};
use crate::protocol::{ErrorCode, ShareSide, ShareWelcome};
use crate::signaling::Signaling;
use crate::signaling::output::{OpenStream, Reply, Tally};
use subtle::ConstantTimeEq;
use tillside_cobrowse::relay::{ShareId, ViewerId};

/// What stands between the parts of a ticket.
const SEPARATOR: char = '.';

impl Ticket {
    /// `share` and `holder` say where to look; the secret alone proves something.
    pub(super) fn new(share: &str, holder: &str, secret: String) -> Self {
        Self([share, holder, &secret].join(&SEPARATOR.to_string()))
    }

    /// What the holder is told, and nobody else.
    pub(super) fn text(&self) -> String {
        self.0.clone()
    }

    fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl Signaling {
    /// Says what a ticket opens, for a page of that origin.
    pub(in crate::signaling) fn open_stream(&mut self, open: &OpenStream) -> Reply {
        let Some((share, holder)) = self.holder_by_ticket(&open.ticket) else {
            self.count(Tally::TicketRefused);
            let message = "the ticket is not good, or no longer".to_owned();
            return Reply::Refused { code: ErrorCode::Unauthorized, message };
        };
        let known = self.shares.get(&share).expect("holder_by_ticket has found it");
        let origin = open.origin.as_deref();
        if origin.is_some_and(|origin| !self.keyring.allows_origin(&known.sharer.tenant, origin)) {
            self.count(Tally::ForeignOrigin);
            let message = "this page's origin is not one of the tenant's".to_owned();
            return Reply::Refused { code: ErrorCode::Forbidden, message };
        }
        let side = if holder == Holder::Sharer { ShareSide::Sharer } else { ShareSide::Viewer };
        let welcome = ShareWelcome {
            share: known.public.clone(),
            side,
            name_of_sharer: known.sharer.name.clone(),
            images: known.rules.images,
        };
        Reply::Stream(StreamPass { share, holder, welcome })
    }

    /// The share of a page, by the ticket of its sharer.
    pub(super) fn sharer_by_ticket(&self, ticket: &str) -> Option<ShareId> {
        self.holder_by_ticket(ticket).filter(|(_, holder)| *holder == Holder::Sharer).map(|(share, _)| share)
    }

    fn holder_by_ticket(&self, ticket: &str) -> Option<(ShareId, Holder)> {
        let id = *self.share_names.get(ticket.split(SEPARATOR).next()?)?;
        let share = self.shares.get(&id).filter(|share| share.open)?;
        if share.sharer.ticket.is(ticket) {
            return Some((id, Holder::Sharer));
        }
        let mut viewers = share.viewers.iter();
        let (viewer, _) = viewers.find(|(_, viewer)| viewer.ticket.is(ticket))?;
        Some((id, Holder::Viewer(ViewerId(viewer.0))))
    }
}
