//! One shared page: from a record to what its viewers get.
//!
//! Owns the mirror, the vault, the classifier and the viewers of one share, and the order of things: parse, apply,
//! settle (classify, scan, raise), and only then serialise. Knows nothing of rooms, sessions or sockets.

mod allowance;
mod output;
mod pointer;
mod settle;
mod styles;

use crate::admit::Door;
use crate::classify::Classifier;
use crate::counters::{Counter, Counters};
use crate::desync::Desync;
use crate::grant::{Grants, Rung};
use crate::mask::Level;
use crate::mirror::{Key, Kind, Mirror, Role};
use crate::policy::Policy;
use crate::record::{self, Body, Frames, NodeId, Offset, Position, Refused};
use crate::relay::{Event, GrantEnd, Phase, ViewerId, Why};
use crate::serialise;
use crate::vault::Vault;
use crate::viewer::{Class, Viewer};
use crate::wipe::wipe;
use allowance::Allowance;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use styles::Journal;

/// Snapshots in a row that may fail before the share is ended: a page that the relay cannot follow.
const FAILURES_MAX: u32 = 5;

/// Most elements whose scroll offsets are remembered for late viewers.
const SCROLLS_MAX: usize = 256;

/// Texts that changed last; an input event may arrive after the page has already repeated it.
const RECENT_TEXTS_MAX: usize = 16;

pub(crate) struct Share {
    pub(crate) phase: Phase,
    pub(crate) policy: Policy,
    pub(crate) counters: Counters,
    pub(crate) grants: Grants,
    pub(crate) viewers: BTreeMap<ViewerId, Viewer>,
    pub(crate) mirror: Mirror,
    /// Counts snapshots; verbs and fingerprints of an older page are void.
    pub(crate) epoch: u32,
    /// Why there is no trustworthy tree, if there is none.
    pub(crate) desync: Option<Desync>,
    failures: u32,
    frames: Frames,
    vault: Vault,
    classifier: Classifier,
    page: Page,
    offset: Offset,
    scrolls: BTreeMap<NodeId, (f64, f64)>,
    styles: Journal,
    recent_texts: VecDeque<NodeId>,
    allowance: Allowance,
    /// The page's clock at its first event; viewers get times since then, not the shopper's clock.
    began: Option<u64>,
    /// Milliseconds since the first event, at the last one: what every event carries.
    timestamp: u64,
}

/// Where the page is and how large its window.
struct Page {
    href: Box<str>,
    width: f64,
    height: f64,
}

impl Share {
    pub(crate) fn new(now: Instant, policy: Policy) -> Self {
        Self {
            phase: Phase::Requested,
            mirror: Mirror::new(policy.nodes_max),
            policy,
            counters: Counters::default(),
            grants: Grants::default(),
            viewers: BTreeMap::new(),
            epoch: 0,
            desync: Some(Desync::NoSnapshot),
            failures: 0,
            frames: Frames::default(),
            vault: Vault::default(),
            classifier: Classifier::new(),
            page: Page { href: "about:blank".into(), width: 0.0, height: 0.0 },
            offset: Offset::default(),
            scrolls: BTreeMap::new(),
            styles: Journal::default(),
            recent_texts: VecDeque::new(),
            allowance: Allowance::new(now),
            began: None,
            timestamp: 0,
        }
    }

    /// Takes one message of the sharer and zeroes it.
    pub(crate) fn handle_record(&mut self, now: Instant, message: &mut [u8], events: &mut VecDeque<Event>) {
        self.counters.add(Counter::Records);
        self.take_in(now, message, events);
        wipe(message);
    }

    fn take_in(&mut self, now: Instant, message: &[u8], events: &mut VecDeque<Event>) {
        if !matches!(self.phase, Phase::Live | Phase::Paused(Why::Page)) {
            self.frames.clear();
            self.counters.add(Counter::NotLive);
            return;
        }
        let outcome = match self.frames.handle_message(message) {
            Ok(Some(record)) => self.handle_events(now, &record, events),
            Ok(None) => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = outcome {
            self.fall_out(reason, events);
        }
    }

    fn handle_events(&mut self, now: Instant, record: &[u8], events: &mut VecDeque<Event>) -> Result<(), Desync> {
        for event in record::parse(record)? {
            self.allowance.spend(now)?;
            let began = *self.began.get_or_insert(event.timestamp);
            self.timestamp = event.timestamp.saturating_sub(began);
            self.counters.add(Counter::Events);
            self.handle_event(now, event.body, events)?;
        }
        self.lower_grant(events);
        Ok(())
    }

    /// The tree can no longer be trusted: viewers see a named blank, the sharer is asked for a snapshot.
    fn fall_out(&mut self, reason: Desync, events: &mut VecDeque<Event>) {
        self.counters.add(Counter::Desyncs);
        // While a snapshot is awaited, changes to the lost tree are expected, and a flood is one flood; only a failed
        // snapshot is news.
        let awaited = self.desync.is_some() && matches!(reason, Desync::NoSnapshot)
            || self.desync == Some(Desync::TooFast) && reason == Desync::TooFast;
        if awaited {
            return;
        }
        self.forget_page();
        self.desync = Some(reason);
        self.failures += 1;
        self.tell_state();
        if self.failures > FAILURES_MAX {
            self.end(Why::Unfollowable);
            events.push_back(Event::Ended { why: Why::Unfollowable });
        } else {
            events.push_back(Event::SnapshotWanted { reason });
        }
    }

    /// Wipes everything that came from the page.
    fn forget_page(&mut self) {
        self.mirror.clear();
        self.vault.clear();
        self.classifier.clear();
        self.styles.clear();
        self.scrolls.clear();
        self.recent_texts.clear();
        self.frames.clear();
    }

    /// Shows the page from its next snapshot on.
    pub(crate) fn go_live(&mut self) {
        self.forget_page();
        self.desync = Some(Desync::NoSnapshot);
        self.failures = 0;
        self.phase = Phase::Live;
        self.tell_state();
    }

    /// Hides the page until the shopper consents again, or is back. A grant outlives the way from one page of a shop to
    /// the next, since nobody acts meanwhile; the next page tells its address before anything of it can be acted on.
    pub(crate) fn pause(&mut self, why: Why) {
        self.forget_page();
        if why != Why::SharerLeft {
            self.grants.clear();
        }
        self.desync = Some(Desync::NoSnapshot);
        self.phase = Phase::Paused(why);
        self.tell_state();
    }

    /// Ends the share for good.
    pub(crate) fn end(&mut self, why: Why) {
        self.forget_page();
        self.grants.clear();
        self.phase = Phase::Ended(why);
        self.tell_state();
    }

    fn handle_event(&mut self, now: Instant, body: Body<'_>, events: &mut VecDeque<Event>) -> Result<(), Desync> {
        if self.desync.is_some() && !matches!(body, Body::Snapshot { .. } | Body::Meta { .. } | Body::Refused(_)) {
            self.counters.add(Counter::NotLive);
            return Err(Desync::NoSnapshot);
        }
        match body {
            Body::Snapshot { tree, offset } => self.snapshot(tree, offset, events)?,
            Body::Meta { href, width, height } => self.meta(&href, width, height, events),
            Body::Mutation(mutation) => self.mutation(mutation)?,
            Body::Input { node, text, checked } => self.input(now, node, &text, checked)?,
            Body::StyleRules(change) => self.style_rules(&change)?,
            Body::StyleDeclaration(change) => self.style_declaration(&change)?,
            Body::AdoptedSheets { host, sheets, styles } => self.adopted_sheets(host, &sheets, &styles)?,
            Body::Refused(why) => self.refuse(why),
            other => self.pass(other),
        }
        Ok(())
    }

    fn refuse(&mut self, why: Refused) {
        self.counters.add(match why {
            Refused::Extension => Counter::ExtensionRefused,
            Refused::Content => Counter::ContentRefused,
            Refused::Unknown => Counter::UnknownRefused,
            Refused::Incomplete => Counter::IncompleteRefused,
        });
    }

    fn snapshot(&mut self, tree: record::Tree<'_>, offset: Offset, events: &mut VecDeque<Event>) -> Result<(), Desync> {
        self.forget_page();
        let changes = self.mirror.load(tree, &mut Door { policy: &self.policy, counters: &mut self.counters })?;
        self.epoch += 1;
        self.offset = offset;
        self.settle_snapshot(changes)?;
        let root = self.mirror.root().expect("a loaded page has a root");
        serialise::show(&mut self.mirror, root);
        self.desync = None;
        self.failures = 0;
        for viewer in self.viewers.values_mut() {
            viewer.fall_behind();
        }
        events.push_back(Event::Synced { epoch: self.epoch });
        Ok(())
    }

    /// A page that the policy names pauses the share by itself; any other page takes that back.
    fn meta(&mut self, href: &str, width: f64, height: f64, events: &mut VecDeque<Event>) {
        let pauses = self.policy.pauses(href);
        let place = Door { policy: &self.policy, counters: &mut self.counters }.link(href);
        let place = place.filter(|place| !self.vault.is_echo(place));
        self.leave_origin(place.as_deref().map_or("", |place| &**place), events);
        self.page.href = place.map_or_else(|| "about:blank".into(), |place| (*place).clone());
        (self.page.width, self.page.height) = (finite(width), finite(height));
        match (pauses, self.phase) {
            (true, Phase::Live) => {
                self.phase = Phase::Paused(Why::Page);
                self.grants.clear();
                events.push_back(Event::Paused { why: Why::Page });
                self.tell_state();
            }
            (false, Phase::Paused(Why::Page)) => {
                self.phase = Phase::Live;
                events.push_back(Event::Resumed);
                self.tell_state();
            }
            _ => self.send(
                Class::State,
                &serialise::meta(self.timestamp, &self.page.href, self.page.width, self.page.height),
            ),
        }
    }

    /// A grant was given for one shop's pages; it does not follow the shopper to another one, nor from or to one whose
    /// address is not known.
    fn leave_origin(&mut self, href: &str, events: &mut VecDeque<Event>) {
        let origin = |href: &str| href.splitn(4, '/').take(3).map(str::to_owned).collect::<Vec<_>>();
        let known = &*self.page.href != "about:blank" && !href.is_empty();
        if !known || origin(&self.page.href) != origin(href) {
            self.end_grant(GrantEnd::NewOrigin, events);
        }
    }

    /// The shopper gives a grant. Says how far it reaches.
    pub(crate) fn give(&mut self, now: Instant, viewer: ViewerId, rung: Rung, duration: Duration) -> Rung {
        let rung = if self.classifier.has_found() { Rung::Point } else { rung };
        self.grants.give(now, viewer, rung, duration);
        rung
    }

    /// On a page with payment fields an agent may point and nothing else.
    fn lower_grant(&mut self, events: &mut VecDeque<Event>) {
        if self.classifier.has_found()
            && let Some(viewer) = self.grants.lower_to_pointing()
        {
            events.push_back(Event::GrantEnded { viewer, why: GrantEnd::PaymentPage });
        }
    }

    fn end_grant(&mut self, why: GrantEnd, events: &mut VecDeque<Event>) {
        if let Some(viewer) = self.grants.clear() {
            events.push_back(Event::GrantEnded { viewer, why });
        }
    }

    fn mutation(&mut self, mutation: record::Mutation<'_>) -> Result<(), Desync> {
        let changes = self.mirror.mutate(mutation, &mut Door { policy: &self.policy, counters: &mut self.counters })?;
        let delta = self.settle(changes)?;
        let events = serialise::mutation(&mut self.mirror, delta, self.timestamp);
        self.send_all(&events);
        Ok(())
    }

    /// A control changed. An unknown node is no desync: the tree is not wrong, only older than the event.
    fn input(&mut self, now: Instant, node: NodeId, text: &str, checked: bool) -> Result<(), Desync> {
        let Some(key) = self.mirror.key(node).filter(|key| self.mirror.element(*key).is_some()) else {
            self.counters.add(Counter::IncompleteRefused);
            return Ok(());
        };
        self.grants.yield_to_shopper(now, node);
        let delta = self.settle_input(key, text, checked)?;
        let events = serialise::mutation(&mut self.mirror, delta, self.timestamp);
        self.send_all(&events);
        Ok(())
    }

    /// Events that change no tree: passed on as far as the nodes they name may be seen.
    fn pass(&mut self, body: Body<'_>) {
        let at = self.timestamp;
        match body {
            Body::Loaded { complete } => self.send(Class::State, &serialise::loaded(at, complete)),
            Body::Resize { width, height } => {
                (self.page.width, self.page.height) = (finite(width), finite(height));
                self.send(Class::State, &serialise::resize(at, self.page.width, self.page.height));
            }
            Body::Pointer { source, positions } => {
                let mut seen: Vec<Position> =
                    positions.into_iter().filter(|position| self.may_point(position.node)).collect();
                pointer::thin(&mut seen);
                if !seen.is_empty() {
                    self.send(Class::Pointer, &serialise::pointer(at, source, &seen));
                }
            }
            Body::Interaction { kind, node, x, y, pointer } if self.may_point(node) => {
                self.send(Class::State, &serialise::interaction(at, kind, node, (finite(x), finite(y)), pointer));
            }
            Body::Scroll { node, x, y } if self.shown(node).is_some() => self.scroll(node, finite(x), finite(y)),
            Body::Media { kind, node, time, muted, rate } if self.level_of(node) == Some(Level::Public) => {
                self.send(Class::State, &serialise::media(at, kind, node, time, muted, rate));
            }
            Body::Selection(ranges) => {
                let public = |node| self.level_of(node) == Some(Level::Public);
                let seen: Vec<_> =
                    ranges.into_iter().filter(|range| public(range.start) && public(range.end)).collect();
                if !seen.is_empty() {
                    self.send(Class::State, &serialise::selection(at, &seen));
                }
            }
            _ => self.counters.add(Counter::IncompleteRefused),
        }
    }

    fn scroll(&mut self, node: NodeId, x: f64, y: f64) {
        if self.scrolls.len() < SCROLLS_MAX || self.scrolls.contains_key(&node) {
            self.scrolls.insert(node, (x, y));
        }
        self.send(Class::Scroll(node), &serialise::scroll(self.timestamp, node, x, y));
    }

    /// Whether viewers may see the pointer over this node: not inside boxes, nor over digits of an on-screen keypad
    /// that was found to be one.
    fn may_point(&mut self, node: NodeId) -> bool {
        let may = self.level_of(node).is_some_and(|level| level < Level::Blocked) && self.shown(node).is_some();
        if !may {
            self.counters.add(Counter::PointerDropped);
        }
        may
    }

    pub(crate) fn level_of(&self, node: NodeId) -> Option<Level> {
        self.mirror.key(node).map(|key| self.mirror.level(key))
    }

    fn shown(&self, node: NodeId) -> Option<Key> {
        self.mirror.key(node).filter(|key| self.mirror.node(*key).shown)
    }

    /// The level of a control that a verb names, its role, and whether it is there at all.
    pub(crate) fn target(&self, node: NodeId) -> Option<(Key, Level, Role)> {
        let key =
            self.shown(node).filter(|key| matches!(self.mirror.node(*key).kind, Kind::Element(_) | Kind::Document))?;
        Some((key, self.mirror.level(key), self.mirror.role(key)))
    }
}

/// JSON has no infinity, but numbers may overflow into it.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}
