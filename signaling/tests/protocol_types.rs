//! `sdk/src/protocol.ts` is what the Rust message types say, word for word (invariant 11).
//!
//! After a change to the protocol: `UPDATE=1 cargo test -p tillside --test protocol_types`.
#![allow(clippy::unwrap_used)] // a failed step fails the test
#![allow(clippy::disallowed_methods)] // reads UPDATE from the environment

use std::any::TypeId;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use tillside::protocol::{self, ClientMessage, FromSharer, FromViewer, ServerFrame, ShareGreeting, ToSharer, ToViewer};
use ts_rs::{Config, TS, TypeVisitor};

const HEADER: &str = "\
// Generated from the Rust types in signaling/src/protocol by
//   UPDATE=1 cargo test -p tillside --test protocol_types
// Change those, not this. PROTOCOL.md explains the conversation.
";

#[test]
fn the_sdk_types_are_generated_from_the_rust_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/src/protocol.ts");
    let generated = typescript();
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "sdk/src/protocol.ts differs from the Rust types: run `UPDATE=1 cargo test -p tillside --test protocol_types`"
    );
}

fn typescript() -> String {
    let mut collector = Collector { config: Config::new(), seen: BTreeSet::new(), declarations: Vec::new() };
    collector.visit::<ClientMessage>();
    collector.visit::<ServerFrame>();
    collector.visit::<ShareGreeting>();
    collector.visit::<FromSharer>();
    collector.visit::<FromViewer>();
    collector.visit::<ToSharer>();
    collector.visit::<ToViewer>();
    collector.declarations.sort();

    let mut out = HEADER.to_owned();
    for (name, value) in [
        ("VERSION", u64::from(protocol::VERSION)),
        ("FRAME_BYTES_MAX", protocol::FRAME_BYTES_MAX as u64),
        ("MESSAGES_PER_SECOND", u64::from(protocol::MESSAGES_PER_SECOND)),
        ("MESSAGES_BURST", u64::from(protocol::MESSAGES_BURST)),
        ("CHAT_BYTES_MAX", protocol::CHAT_BYTES_MAX as u64),
        ("DATA_BYTES_MAX", protocol::DATA_BYTES_MAX as u64),
        ("TOPIC_BYTES_MAX", protocol::TOPIC_BYTES_MAX as u64),
        ("NAME_BYTES_MAX", protocol::NAME_BYTES_MAX as u64),
        ("RESUME_WINDOW_MS", protocol::RESUME_WINDOW_MS),
        ("PING_INTERVAL_MS", protocol::PING_INTERVAL_MS),
        ("PING_TIMEOUT_MS", protocol::PING_TIMEOUT_MS),
        ("SHARER_FRAME_BYTES_MAX", protocol::SHARER_FRAME_BYTES_MAX as u64),
        ("VIEWER_FRAME_BYTES_MAX", protocol::VIEWER_FRAME_BYTES_MAX as u64),
        ("RECORD_FRAMED", u64::from(protocol::RECORD_FRAMED)),
        ("RECORD_DEFLATE", u64::from(protocol::RECORD_DEFLATE)),
        ("RECORD_MORE", u64::from(protocol::RECORD_MORE)),
        ("ASSET_FRAME", u64::from(protocol::ASSET_FRAME)),
        ("ASSET_BYTES_MAX", protocol::ASSET_BYTES_MAX as u64),
        ("SHARE_ASSETS_BYTES_MAX", protocol::SHARE_ASSETS_BYTES_MAX as u64),
        ("GRANT_SECONDS_MAX", protocol::GRANT_SECONDS_MAX),
    ] {
        let _ = writeln!(out, "\nexport const {name} = {value};");
    }
    for (_, declaration) in collector.declarations {
        out.push('\n');
        out.push_str(&declaration);
    }
    out
}

/// Walks from a type to all it is made of.
struct Collector {
    config: Config,
    seen: BTreeSet<TypeId>,
    declarations: Vec<(String, String)>,
}

impl TypeVisitor for Collector {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only our own types have an output path; the others are built into TypeScript.
        if T::output_path().is_none() || !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let text = format!("{}\n{}\n", docs.trim_end(), layout(&T::decl(&self.config)));
        self.declarations.push((T::ident(&self.config), text));
        T::visit_dependencies(self);
    }
}

/// Lays a declaration out as a person would: fields indented, the closing brace on its own line.
fn layout(declaration: &str) -> String {
    let mut lines = declaration.lines();
    let mut out = format!("export {}", lines.next().unwrap_or_default().trim_end());
    for line in lines {
        out.push_str("\n  ");
        out.push_str(line.trim_end());
    }
    match out.strip_suffix(", };") {
        Some(fields) => format!("{fields},\n}};"),
        None => out,
    }
}
