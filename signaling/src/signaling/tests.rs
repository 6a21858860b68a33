//! The signaling core from outside: frames, events and time in; frames, commands and replies out.
#![allow(clippy::disallowed_methods)] // a test needs some first instant

mod desk;
mod harness;
mod join;
mod moderation;
mod rest;
mod resume;
mod rights;
mod share;
mod talk;
