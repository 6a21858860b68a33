//! The sockets of one share: the page's, and those of everybody who may see it.

use super::assets::{Assets, Name};
use super::{Seat, StreamId, ToStream};
use crate::protocol::{ShareByeReason, ToSharer, ToViewer};
use crate::signaling::{Holder, Opening};
use std::collections::{BTreeMap, VecDeque};
use tillside_cobrowse::relay::ViewerId;
use tokio::sync::mpsc;

/// Text frames that wait for one socket. A page that is further behind is gone; a viewer misses the oldest.
const WORDS_MAX: usize = 256;
/// Assets that one viewer waits for.
const WANTS_MAX: usize = 4_096;
/// Verbs of one viewer whose outcome is awaited: two seconds at the highest rate.
const PASSED_MAX: usize = 64;

/// See the module.
pub(super) struct Streams {
    pub(super) public: String,
    pub(super) tenant: String,
    pub(super) images: bool,
    pub(super) sharer: Option<Outlet>,
    /// Those who hold a ticket.
    pub(super) viewers: BTreeMap<ViewerId, Admitted>,
    pub(super) assets: Assets,
    /// Half the last round trip to the page, in milliseconds.
    pub(super) sharer_ms: Option<u32>,
}

/// Somebody who may see the page.
pub(super) struct Admitted {
    pub(super) public: String,
    pub(super) name: String,
    pub(super) outlet: Option<Outlet>,
    /// Assets to send as soon as they are there, in the order they were asked for.
    wants: VecDeque<Name>,
    /// Verbs that went to the page: number and kind.
    passed: VecDeque<(u64, &'static str)>,
}

/// The way to one socket.
pub(super) struct Outlet {
    pub(super) stream: StreamId,
    pub(super) outbox: mpsc::Sender<ToStream>,
    pub(super) words: VecDeque<String>,
}

impl Streams {
    pub(super) fn new(opening: Opening) -> Self {
        Self {
            public: opening.public,
            tenant: opening.tenant,
            images: opening.images,
            sharer: None,
            viewers: BTreeMap::new(),
            assets: Assets::default(),
            sharer_ms: None,
        }
    }

    /// Whether a stream has its seat still.
    pub(super) fn is_seated(&self, seat: Seat) -> bool {
        let outlet = match seat.holder {
            Holder::Sharer => self.sharer.as_ref(),
            Holder::Viewer(viewer) => self.viewers.get(&viewer).and_then(|viewer| viewer.outlet.as_ref()),
        };
        outlet.is_some_and(|outlet| outlet.stream == seat.stream)
    }

    /// Says something to the page. One that takes nothing is sent away.
    pub(super) fn say_to_sharer(&mut self, message: &ToSharer) {
        let Some(sharer) = &mut self.sharer else { return };
        if sharer.words.len() < WORDS_MAX {
            sharer.words.push_back(json(message));
        } else {
            sharer.cut();
        }
    }

    pub(super) fn say_to_viewer(&mut self, viewer: ViewerId, message: &ToViewer) {
        let Some(outlet) = self.viewers.get_mut(&viewer).and_then(|viewer| viewer.outlet.as_mut()) else { return };
        if outlet.words.len() >= WORDS_MAX {
            outlet.words.pop_front();
        }
        outlet.words.push_back(json(message));
    }

    /// Those who see the page now.
    pub(super) fn seeing(&self) -> impl Iterator<Item = (ViewerId, StreamId)> {
        self.viewers.iter().filter_map(|(id, viewer)| Some((*id, viewer.outlet.as_ref()?.stream)))
    }

    /// Finds a viewer by the name that page and people know.
    pub(super) fn viewer_named(&self, public: &str) -> Option<ViewerId> {
        self.viewers.iter().find(|(_, viewer)| viewer.public == public).map(|(id, _)| *id)
    }

    /// The next asset that a viewer waits for and that is there.
    pub(super) fn next_asset(&mut self, viewer: ViewerId) -> Option<bytes::Bytes> {
        let wants = &mut self.viewers.get_mut(&viewer)?.wants;
        let place = wants.iter().position(|name| self.assets.has(name))?;
        let name = wants.remove(place)?;
        self.assets.frame(&name)
    }
}

impl Admitted {
    pub(super) fn new(public: String, name: String) -> Self {
        Self { public, name, outlet: None, wants: VecDeque::new(), passed: VecDeque::new() }
    }

    /// Seats a new socket; gives the one that was there before.
    pub(super) fn seat(&mut self, outlet: Outlet) -> Option<Outlet> {
        self.wants.clear();
        self.passed.clear();
        self.outlet.replace(outlet)
    }

    /// Remembers an asset that the viewer waits for.
    pub(super) fn want(&mut self, name: Name) {
        if self.wants.len() < WANTS_MAX && !self.wants.contains(&name) {
            self.wants.push_back(name);
        }
    }

    /// Remembers a verb that went to the page.
    pub(super) fn pass(&mut self, seq: u64, kind: &'static str) {
        if self.passed.len() >= PASSED_MAX {
            self.passed.pop_front();
        }
        self.passed.push_back((seq, kind));
    }

    /// The kind of a verb whose outcome has come; `None` if no outcome was awaited.
    pub(super) fn outcome_of(&mut self, seq: u64) -> Option<&'static str> {
        let place = self.passed.iter().position(|(passed, _)| *passed == seq)?;
        self.passed.remove(place).map(|(_, kind)| kind)
    }
}

impl Outlet {
    pub(super) fn new(stream: StreamId, outbox: mpsc::Sender<ToStream>) -> Self {
        Self { stream, outbox, words: VecDeque::new() }
    }

    /// Lets go of a socket that takes nothing: it ends after what it has, and says so.
    fn cut(&mut self) {
        self.outbox = mpsc::channel(1).0;
        self.words.clear();
    }

    /// Says the last word. A socket that has no room for it ends without.
    pub(super) fn bye(self, reason: ShareByeReason) {
        let _ = self.outbox.try_send(ToStream::Bye(reason));
    }
}

fn json(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).expect("messages hold only strings, numbers and lists of them")
}
