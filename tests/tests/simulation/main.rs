//! Stories of calls, told to the real media core in a simulated world. Every packet that leaves it is judged on the
//! way, see `tillside_tests::egress`; the stories add what a person would notice.

mod bot;
mod calls;
mod faults;
mod isolation;
mod links;
mod loss;
mod moderation;
mod simulcast;
mod trace;
