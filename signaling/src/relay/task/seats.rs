//! Streams come and go.

use super::Task;
use crate::protocol::{Desync, ShareByeReason, ToSharer, ToViewer};
use crate::relay::said::Seat;
use crate::relay::streams::Outlet;
use crate::signaling::{Holder, ShareEvent};
use tillside_cobrowse::relay::{Phase, ShareId, Why};

impl Task {
    pub(super) fn attach(&mut self, seat: Seat, outlet: Outlet) {
        let Some(streams) = self.shares.get_mut(&seat.share) else { return outlet.bye(ShareByeReason::Ended) };
        match seat.holder {
            Holder::Sharer => {
                if let Some(before) = streams.sharer.replace(outlet) {
                    before.bye(ShareByeReason::Replaced);
                }
                // A page that has just come knows nothing of the nodes of the one before.
                if self.relay.phase(seat.share) == Some(Phase::Paused(Why::Page)) {
                    // Its address will tell whether it may be shown.
                    let _ = self.relay.pause(seat.share, Why::Page);
                    streams.say_to_sharer(&ToSharer::Snapshot { reason: Desync::NoSnapshot });
                }
                self.hide(seat.share);
                self.news.push((seat.share, ShareEvent::SharerAttached));
            }
            Holder::Viewer(viewer) => {
                let Some(admitted) = streams.viewers.get_mut(&viewer) else {
                    return outlet.bye(ShareByeReason::Unauthorized);
                };
                if self.relay.add_viewer(seat.share, viewer).is_err() {
                    return outlet.bye(ShareByeReason::Limit);
                }
                match admitted.seat(outlet) {
                    Some(before) => before.bye(ShareByeReason::Replaced),
                    None => self.news.push((seat.share, ShareEvent::ViewerAttached(viewer))),
                }
                if let Some(sharer_ms) = streams.sharer_ms {
                    streams.say_to_viewer(viewer, &ToViewer::Delay { sharer_ms });
                }
            }
        }
    }

    pub(super) fn detach(&mut self, seat: Seat) {
        let Some(streams) = self.shares.get_mut(&seat.share) else { return };
        match seat.holder {
            Holder::Sharer => {
                streams.sharer = None;
                self.hide(seat.share);
                self.news.push((seat.share, ShareEvent::SharerGone));
            }
            Holder::Viewer(viewer) => {
                if let Some(admitted) = streams.viewers.get_mut(&viewer) {
                    admitted.outlet = None;
                }
                self.relay.remove_viewer(seat.share, viewer);
                self.news.push((seat.share, ShareEvent::ViewerGone(viewer)));
            }
        }
    }

    /// Shows nothing until signaling says that the sharer is back; other pauses stay what they are.
    fn hide(&mut self, id: ShareId) {
        if self.relay.phase(id) == Some(Phase::Live) {
            let _ = self.relay.pause(id, Why::SharerLeft);
        }
    }
}
