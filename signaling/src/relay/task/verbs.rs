//! Agents' verbs on their way to the page, and what became of them. Each leaves a line in the audit log: ids, kinds and
//! times, never content.

use super::Task;
use crate::protocol::{ToSharer, ToViewer, Verb, VerbResult};
use tillside_cobrowse::control::Guard;
use tillside_cobrowse::relay::{ShareId, ViewerId};

impl Task {
    /// The page says what became of a verb. Of a verb that never went to it, nobody wants to know.
    pub(super) fn handle_outcome(&mut self, id: ShareId, public: &str, seq: u64, result: VerbResult) {
        let Some(streams) = self.shares.get_mut(&id) else { return };
        let Some(viewer) = streams.viewer_named(public) else { return };
        let kind = streams.viewers.get_mut(&viewer).and_then(|admitted| admitted.outcome_of(seq));
        if let Some(kind) = kind {
            self.tell_outcome(id, viewer, seq, kind, result);
        }
    }

    /// A checked verb goes to the page.
    pub(super) fn pass_verb(&mut self, id: ShareId, viewer: ViewerId, verb: Verb, guard: Option<Guard>) {
        let Some(streams) = self.shares.get_mut(&id) else { return };
        let (seq, kind) = (verb.seq, verb.act.name());
        if streams.sharer.is_none() {
            return self.tell_outcome(id, viewer, seq, kind, VerbResult::NotLive);
        }
        let Some(admitted) = streams.viewers.get_mut(&viewer) else { return };
        admitted.pass(seq, kind);
        let act = ToSharer::Act { viewer: admitted.public.clone(), name: admitted.name.clone(), verb, guard };
        tracing::info!(
            target: "audit", event = "verb passed", tenant = %streams.tenant, share = %streams.public,
            viewer = %admitted.public, seq, kind, guarded = guard.is_some(),
        );
        streams.say_to_sharer(&act);
    }

    pub(super) fn tell_outcome(
        &mut self,
        id: ShareId,
        viewer: ViewerId,
        seq: u64,
        kind: &'static str,
        result: VerbResult,
    ) {
        let Some(streams) = self.shares.get_mut(&id) else { return };
        let Some(admitted) = streams.viewers.get(&viewer) else { return };
        tracing::info!(
            target: "audit", event = "verb outcome", tenant = %streams.tenant, share = %streams.public,
            viewer = %admitted.public, seq, kind, result = result.name(),
        );
        self.metrics.cobrowse("tillside_cobrowse_verbs_total", &[("result", result.name())], 1);
        streams.say_to_viewer(viewer, &ToViewer::Outcome { seq, result });
    }
}
