//! Which controls take payment data: by words in thirty languages, by shape, by what stands beside them.
//!
//! Owns what is known of each control, so that work is done when a control appears or its label, attributes or
//! neighbours change, not per event. Never lowers: what was found stays found until the next snapshot.
//! Aims at recall: a hidden e-mail field is a nuisance, a visible card number is a breach.

mod decide;
mod evidence;
mod frames;
mod keypads;
mod naming;
mod shape;
mod words;

use crate::mirror::{Changes, Key, Mirror, Role};
use crate::record::NodeId;
use decide::{REACH, Verdict};
use evidence::{Evidence, Surroundings};
use hashbrown::HashMap;
use naming::Naming;
use shape::ShapeKind;
use std::collections::BTreeSet;
use words::{Lexicon, Topic};

/// Most controls of one scope that are judged together; a page has fewer, a hostile one gets its fields masked anyway.
const CONTROLS_MAX: usize = 2_000;

/// Controls known from which on those that left the page are forgotten.
const KNOWN_SPARE: usize = 1_024;

/// What is known of the controls of one page.
#[derive(Default)]
pub(crate) struct Classifier {
    known: HashMap<NodeId, Evidence>,
    found: BTreeSet<NodeId>,
    /// Controls that held a card number: anchors by value.
    proven: BTreeSet<NodeId>,
    has_found: bool,
    naming: Naming,
    lexicon: Lexicon,
}

impl Classifier {
    /// Knows no page yet. Whoever makes the first one waits for the vocabulary, not the first page.
    pub(crate) fn new() -> Self {
        words::read_vocabulary();
        Self::default()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the page has payment fields, or had.
    pub(crate) fn has_found(&self) -> bool {
        self.has_found
    }

    /// Judges a whole page; gives what is found to take payment data.
    pub(crate) fn judge_all(&mut self, mirror: &Mirror) -> Vec<Key> {
        let Some(root) = mirror.root() else { return Vec::new() };
        self.naming.note_subtree(mirror, root);
        let controls = controls(mirror, root);
        self.gather(mirror, &controls);
        let mut found = self.judge_scopes(mirror, &controls);
        found.extend(frames::find(mirror, root));
        found.extend(keypads::find(mirror, root));
        self.note(mirror, found)
    }

    /// Judges what a mutation may have changed; gives what is newly found.
    pub(crate) fn judge(&mut self, mirror: &Mirror, changes: &Changes) -> Vec<Key> {
        let mut found = Vec::new();
        for top in &changes.added {
            self.naming.note_subtree(mirror, *top);
            found.extend(frames::find(mirror, *top));
        }
        for key in changes.named.iter().chain(&changes.raised) {
            self.naming.note(mirror, *key);
            found.extend(frames::find_at(mirror, *key));
        }
        for key in changes.added.iter().chain(&changes.texts).filter(|key| keypads::has_digit_key(mirror, **key)) {
            found.extend(keypads::find(mirror, keypad_scope(mirror, *key)));
        }
        let affected = self.affected(mirror, changes);
        let changed = self.gather(mirror, &affected);
        let scopes: BTreeSet<Key> =
            changed.iter().chain(&found).filter_map(|key| scope(mirror, *key).or(mirror.root())).collect();
        for scope in scopes {
            let members = controls(mirror, scope);
            found.extend(self.judge_scopes(mirror, &members));
        }
        self.note(mirror, found)
    }

    /// These controls hold a card number together: anchors, whatever they are called.
    pub(crate) fn handle_card(&mut self, mirror: &Mirror, cards: &[Key]) -> Vec<Key> {
        self.proven.extend(cards.iter().map(|key| mirror.node(*key).id));
        let Some(scope) = cards.first().and_then(|key| scope(mirror, *key).or(mirror.root())) else {
            return Vec::new();
        };
        let members = controls(mirror, scope);
        let found = self.judge_scopes(mirror, &members);
        self.note(mirror, found)
    }

    /// The text fields around one, at most `reach` to either side, in document order.
    pub(crate) fn fields_around(&self, mirror: &Mirror, key: Key, reach: usize) -> Vec<Key> {
        let Some(scope) = scope(mirror, key).or(mirror.root()) else { return Vec::new() };
        let fields: Vec<Key> =
            controls(mirror, scope).into_iter().filter(|control| mirror.role(*control) == Role::Field).collect();
        let Some(place) = fields.iter().position(|field| *field == key) else { return Vec::new() };
        fields[place.saturating_sub(reach)..fields.len().min(place + reach + 1)].to_vec()
    }

    /// Gathers the evidence of these controls anew; gives those of which it changed.
    fn gather(&mut self, mirror: &Mirror, controls: &[Key]) -> Vec<Key> {
        let mut changed = Vec::new();
        let mut around = Surroundings { mirror, naming: &self.naming, lexicon: &mut self.lexicon };
        for key in controls {
            let now = evidence::gather(&mut around, *key);
            if self.known.get(&mirror.node(*key).id) != Some(&now) {
                self.known.insert(mirror.node(*key).id, now);
                changed.push(*key);
            }
        }
        if self.known.len() > 2 * mirror.len() + KNOWN_SPARE {
            self.known.retain(|id, _| mirror.key(*id).is_some());
            self.found.retain(|id| mirror.key(*id).is_some());
            self.proven.retain(|id| mirror.key(*id).is_some());
        }
        changed
    }

    /// The controls whose evidence a mutation may have touched.
    fn affected(&mut self, mirror: &Mirror, changes: &Changes) -> Vec<Key> {
        let mut affected = BTreeSet::new();
        for key in changes.added.iter().flat_map(|top| mirror.subtree(*top)) {
            affected.extend(Some(key).filter(|key| mirror.role(*key).is_control()));
            affected.extend(self.named_by(mirror, key));
        }
        for key in changes.added.iter().chain(&changes.texts).chain(&changes.thinned) {
            self.affect_around(mirror, *key, &mut affected);
        }
        for key in &changes.closed_up {
            // What stands before the gap and what stands behind it are neighbours now.
            let behind = |at: &Key| mirror.root().and_then(|root| mirror.after(*at, root));
            affect_along(mirror, std::iter::successors(Some(*key), behind), &mut affected);
            self.affect_around(mirror, *key, &mut affected);
        }
        for key in changes.named.iter().chain(&changes.raised) {
            self.affect_at(mirror, *key, &mut affected);
            if self.speaks(mirror, *key) {
                self.affect_around(mirror, *key, &mut affected);
                affected.extend(controls(mirror, *key));
            }
        }
        affected.into_iter().collect()
    }

    /// Adds the control that a change is in, and those that it names.
    fn affect_at(&self, mirror: &Mirror, key: Key, affected: &mut BTreeSet<Key>) {
        let around = || std::iter::once(key).chain(mirror.ancestors(key)).take(5);
        affected.extend(around().find(|key| mirror.role(*key).is_control()));
        affected.extend(around().flat_map(|label| self.named_by(mirror, label)));
    }

    /// The controls that an element names, as a label or by its id.
    fn named_by<'a>(&'a self, mirror: &'a Mirror, label: Key) -> impl Iterator<Item = Key> + 'a {
        let names = [mirror.clue(label, "for"), mirror.attribute(label, "id")];
        names.into_iter().flatten().flat_map(|name| self.naming.controls(mirror, name))
    }

    /// Adds the controls that a changed text or subtree stands before or behind, as far as evidence is gathered there.
    fn affect_around(&self, mirror: &Mirror, key: Key, affected: &mut BTreeSet<Key>) {
        let Some(root) = mirror.root() else { return };
        self.affect_at(mirror, key, affected);
        affect_along(mirror, std::iter::successors(mirror.past(key, root), |at| mirror.after(*at, root)), affected);
        affect_along(mirror, std::iter::successors(mirror.before(key), |at| mirror.before(*at)), affected);
    }

    /// Whether a container's own names say anything about the controls in it. Most classes are about looks.
    fn speaks(&mut self, mirror: &Mirror, key: Key) -> bool {
        let names = ["id", "class", "aria-label", "alt"].into_iter().filter_map(|name| mirror.attribute(key, name));
        names.fold(false, |speaks, value| speaks | !self.lexicon.topics(value).is_empty())
    }

    fn note(&mut self, mirror: &Mirror, found: Vec<Key>) -> Vec<Key> {
        self.has_found |= !found.is_empty();
        found.into_iter().filter(|key| self.found.insert(mirror.node(*key).id)).collect()
    }

    /// Judges controls, scope by scope.
    fn judge_scopes(&self, mirror: &Mirror, controls: &[Key]) -> Vec<Key> {
        let mut scopes: HashMap<Option<Key>, Vec<Key>> = HashMap::new();
        let mut order = Vec::new();
        for key in controls {
            let scope = scope(mirror, *key);
            let members = scopes.entry(scope).or_default();
            if members.is_empty() {
                order.push(scope);
            }
            members.push(*key);
        }
        order
            .into_iter()
            .filter_map(|scope| scopes.remove(&scope))
            .flat_map(|members| self.judge_scope(mirror, &members))
            .collect()
    }

    /// Judges the controls of one form, in document order.
    fn judge_scope(&self, mirror: &Mirror, members: &[Key]) -> Vec<Key> {
        let members = &members[..members.len().min(CONTROLS_MAX)];
        let known: Vec<(Key, &Evidence)> =
            members.iter().filter_map(|key| Some((*key, self.known.get(&mirror.node(*key).id)?))).collect();
        let verdicts: Vec<Verdict> = known
            .iter()
            .map(|(key, evidence)| {
                let id = mirror.node(*key).id;
                if self.proven.contains(&id) { Verdict::Anchor } else { decide::alone(evidence) }
            })
            .collect();
        // Places count visible controls, so that a row of hidden inputs does not part what stands together.
        let mut visible = 0;
        let places: Vec<usize> = known
            .iter()
            .map(|(_, evidence)| {
                visible += usize::from(evidence.shape.kind != ShapeKind::Hidden);
                visible
            })
            .collect();
        let anchors: Vec<usize> = verdicts
            .iter()
            .zip(&places)
            .filter(|(verdict, _)| **verdict == Verdict::Anchor)
            .map(|(_, place)| *place)
            .collect();
        let distance = |place: usize| anchors.iter().map(|anchor| anchor.abs_diff(place)).min();
        let brands = brand_radios(mirror, &known);
        let dated = beside_other_dates(&known);
        let card_only = !anchors.is_empty() && is_card_only(&known, &verdicts);
        let is_found = |place: usize| {
            let (key, evidence) = &known[place];
            match verdicts[place] {
                Verdict::Anchor | Verdict::Payment => true,
                Verdict::Public => false,
                Verdict::Doubtful if dated.contains(key) => false,
                Verdict::Doubtful => {
                    brands.contains(key)
                        || card_only && decide::is_plain_name(evidence)
                        || distance(places[place])
                            .filter(|distance| *distance <= REACH)
                            .is_some_and(|distance| decide::beside_anchor(evidence, distance) == Verdict::Payment)
                }
            }
        };
        let mut found: Vec<bool> = (0..known.len()).map(is_found).collect();
        draw_in_neighbours(&known, &mut found);
        draw_in_holders(&known, &mut found);
        draw_in_name_before_number(&known, &mut found);
        draw_in_number(&known, &mut found);
        known.iter().zip(found).filter(|(_, found)| *found).map(|((key, _), _)| *key).collect()
    }
}

/// Adds the next two controls on a walk away from a change, as far as its words count as words beside them.
fn affect_along(mirror: &Mirror, walk: impl Iterator<Item = Key>, affected: &mut BTreeSet<Key>) {
    let near = evidence::near_words(mirror, walk).take(evidence::NEAR_NODES_MAX);
    affected.extend(near.filter(|at| mirror.role(*at).is_control()).take(2));
}

/// What stands right beside a found field and says nothing else: the code behind the dates, the holder's last name
/// behind the first.
fn draw_in_neighbours(known: &[(Key, &Evidence)], found: &mut [bool]) {
    let visible: Vec<usize> =
        (0..known.len()).filter(|place| known[*place].1.shape.kind != ShapeKind::Hidden).collect();
    for pair in visible.windows(2).chain(visible.windows(2).rev()) {
        for (here, there) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            let (found_one, evidence) = (known[here].1, known[there].1);
            let number = decide::is_mute_number(evidence);
            let name = decide::is_holders_name(found_one) && decide::completes_holder(evidence);
            if found[here] && (number || name) {
                found[there] = true;
            }
        }
    }
}

/// The holder's name by its place: up to two fields that say nothing else, between two fields of a card, or at the very
/// start of the form right before the number.
fn draw_in_holders(known: &[(Key, &Evidence)], found: &mut [bool]) {
    const NAMES_MAX: usize = 2;
    let visible: Vec<usize> =
        (0..known.len()).filter(|place| known[*place].1.shape.kind != ShapeKind::Hidden).collect();
    let mut at = 0;
    while at < visible.len() {
        let run = visible[at..].iter().take_while(|place| !found[**place]).count();
        let fields = &visible[at..at + run];
        let ends_in_card = visible.get(at + run).is_some_and(|next| found[*next]);
        let evidence = |place: &usize| known[*place].1;
        let before_number = || visible.get(run).is_some_and(|next| decide::alone(evidence(next)) == Verdict::Anchor);
        let holder = (at > 0 || before_number()) && fields.iter().all(|place| decide::may_be_holder(evidence(place)));
        if (1..=NAMES_MAX).contains(&run) && ends_in_card && holder {
            fields.iter().for_each(|place| found[*place] = true);
        }
        at += run + 1;
    }
}

/// A full name right before a card's number is the name on the card; the customer's has an address behind it. Halves of a
/// name may be either.
fn draw_in_name_before_number(known: &[(Key, &Evidence)], found: &mut [bool]) {
    let visible: Vec<usize> =
        (0..known.len()).filter(|place| known[*place].1.shape.kind != ShapeKind::Hidden).collect();
    for pair in visible.windows(2) {
        let (name, number) = (known[pair[0]].1, known[pair[1]].1);
        if decide::is_full_name(name) && decide::is_number(number) {
            found[pair[0]] = true;
        }
    }
}

/// The number by its place: where a form has a card's code and its dates but no number, the text field right before them
/// that says nothing is the number.
fn draw_in_number(known: &[(Key, &Evidence)], found: &mut [bool]) {
    let has = |test: fn(&Evidence) -> bool| (0..known.len()).any(|place| found[place] && test(known[place].1));
    if has(decide::is_number) || !has(decide::is_code) || !has(decide::is_date) {
        return;
    }
    let visible: Vec<usize> =
        (0..known.len()).filter(|place| known[*place].1.shape.kind != ShapeKind::Hidden).collect();
    let first = visible.windows(2).find(|pair| found[pair[1]]);
    if let Some(pair) = first.filter(|pair| decide::is_silent(known[pair[0]].1)) {
        found[pair[0]] = true;
    }
}

/// Where a keypad may stand whose key has just appeared: a few boxes up, if little stands there.
fn keypad_scope(mirror: &Mirror, key: Key) -> Key {
    const NODES_MAX: usize = 120;
    mirror.ancestors(key).take(4).take_while(|ancestor| mirror.size(*ancestor) <= NODES_MAX).last().unwrap_or(key)
}

/// Radio buttons of a group in which at least two name card brands.
fn brand_radios(mirror: &Mirror, known: &[(Key, &Evidence)]) -> BTreeSet<Key> {
    let mut groups: HashMap<&str, Vec<(Key, bool)>> = HashMap::new();
    for (key, evidence) in known.iter().filter(|(_, evidence)| evidence.shape.kind == ShapeKind::Radio) {
        let name = mirror.clue(*key, "name").unwrap_or_default();
        let brand = evidence.said().with(evidence.after).has(Topic::Brand);
        groups.entry(name).or_default().push((*key, brand));
    }
    let branded = groups.into_values().filter(|members| {
        let brands = members.iter().filter(|(_, brand)| *brand).count();
        brands >= 2 && brands * 2 >= members.len()
    });
    branded.flatten().map(|(key, _)| key).collect()
}

/// Lists of months and years that stand beside a list of days or of past years: no card expires on a day.
fn beside_other_dates(known: &[(Key, &Evidence)]) -> BTreeSet<Key> {
    const BESIDE: usize = 2;
    let is_list = |kind| matches!(kind, ShapeKind::Months | ShapeKind::Years);
    let lists = known.iter().enumerate().filter(|(_, (_, evidence))| is_list(evidence.shape.kind));
    let dated = lists.filter(|(place, _)| {
        let around = &known[place.saturating_sub(BESIDE)..known.len().min(place + BESIDE + 1)];
        around.iter().any(|(_, evidence)| evidence.shape.kind == ShapeKind::OtherDate)
    });
    dated.map(|(_, (key, _))| *key).collect()
}

/// Whether a scope holds nothing but a card's fields and names: no address, no e-mail, no phone.
fn is_card_only(known: &[(Key, &Evidence)], verdicts: &[Verdict]) -> bool {
    known.iter().zip(verdicts).all(|((_, evidence), verdict)| match evidence.shape.kind {
        ShapeKind::Text => {
            *verdict != Verdict::Doubtful || decide::is_plain_name(evidence) || evidence.said().is_empty()
        }
        ShapeKind::List => {
            evidence.said().is_empty() || evidence.said().any(&[Topic::Exp, Topic::Month, Topic::Year, Topic::Type])
        }
        _ => true,
    })
}

/// The controls below a node, in document order.
fn controls(mirror: &Mirror, top: Key) -> Vec<Key> {
    mirror.subtree(top).filter(|key| mirror.role(*key).is_control()).collect()
}

/// The form around a control: what is judged together. Controls outside of forms are judged together too.
fn scope(mirror: &Mirror, key: Key) -> Option<Key> {
    mirror.ancestors(key).find(|ancestor| mirror.tag(*ancestor) == "form")
}
