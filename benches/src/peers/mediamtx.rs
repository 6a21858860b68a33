//! MediaMTX: WHIP and WHEP below a path for each stream.
//!
//! A path has one publisher, so a participant of a call publishes to a path of its own and plays the path of the other.

use super::whip::{self, Endpoint};
use super::{EnterError, Entered, Leg, Local, Purpose};
use reqwest::{Client, Url};

/// See the module.
#[derive(Clone)]
pub(crate) struct MediaMtx {
    client: Client,
    url: Url,
}

impl MediaMtx {
    /// At `url`, such as `http://127.0.0.1:8889`.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(url: Url) -> Result<Self, String> {
        Ok(Self { client: whip::client()?, url })
    }

    pub(super) async fn enter(&self, leg: &Leg, local: &Local) -> Result<Entered, EnterError> {
        whip::enter(&self.client, self.endpoint(leg)?, leg, local).await
    }

    fn endpoint(&self, leg: &Leg) -> Result<Endpoint, String> {
        let path = match leg.purpose {
            Purpose::Publish => format!("{}-{}/whip", leg.room, leg.member),
            Purpose::Play => match &leg.feeds[..] {
                [feed] => format!("{}-{feed}/whep", leg.room),
                _ => {
                    return Err("MediaMTX plays one publisher on a transport: use rooms with one to receive".to_owned());
                }
            },
            Purpose::Call => return Err("MediaMTX does not send and receive on one transport".to_owned()),
        };
        let url = self.url.join(&path).map_err(|error| format!("{path} makes no URL: {error}"))?;
        Ok(Endpoint { url, token: None, headers: Vec::new(), setup: "actpass" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishers_and_players_meet_at_a_path() {
        let peer = MediaMtx::new("http://127.0.0.1:8889".parse().unwrap()).unwrap();
        let leg = |purpose, member: &str, feeds: &[&str]| Leg {
            purpose,
            room: "r1".to_owned(),
            member: member.to_owned(),
            lines: Vec::new(),
            feeds: feeds.iter().map(|feed| (*feed).to_owned()).collect(),
        };
        let url = |leg: &Leg| peer.endpoint(leg).map(|endpoint| endpoint.url.to_string());
        assert_eq!(url(&leg(Purpose::Publish, "p0", &[])).unwrap(), "http://127.0.0.1:8889/r1-p0/whip");
        assert_eq!(url(&leg(Purpose::Play, "s0", &["p0"])).unwrap(), "http://127.0.0.1:8889/r1-p0/whep");
        assert!(url(&leg(Purpose::Play, "s0", &["p0", "p1"])).is_err());
        assert!(url(&leg(Purpose::Call, "c0", &["c1"])).is_err());
    }
}
