//! LiveKit: WHIP for both directions, with a JWT of its own kind.
//!
//! Subscribing goes to the same place as publishing, with receiving m-lines and a header that names whose tracks are
//! wanted (LiveKit 1.9 and later).

use super::whip::{self, Endpoint};
use super::{EnterError, Entered, Leg, Local, Purpose};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, Url};
use serde_json::{Map, Value, json};

/// How long a token is good for, in seconds.
const TOKEN_LIFE_S: u64 = 6 * 3_600;

/// See the module.
#[derive(Clone)]
pub(crate) struct LiveKit {
    client: Client,
    url: Url,
    key: String,
    secret: String,
}

impl LiveKit {
    /// At `url`, such as `http://127.0.0.1:7880`, with an API key and its secret.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(url: Url, key: String, secret: String) -> Result<Self, String> {
        Ok(Self { client: whip::client()?, url, key, secret })
    }

    pub(super) async fn enter(&self, leg: &Leg, local: &Local) -> Result<Entered, EnterError> {
        whip::enter(&self.client, self.endpoint(leg)?, leg, local).await
    }

    fn endpoint(&self, leg: &Leg) -> Result<Endpoint, String> {
        let url = self.url.join("whip/v1").map_err(|error| format!("no URL: {error}"))?;
        let headers = match leg.purpose {
            Purpose::Publish => Vec::new(),
            Purpose::Play => vec![("X-LiveKit-ClientInfo", wanted(&leg.feeds))],
            Purpose::Call => return Err("LiveKit's WHIP does not send and receive on one transport".to_owned()),
        };
        Ok(Endpoint { url, token: Some(self.token(leg)?), headers, setup: "actpass" })
    }

    fn token(&self, leg: &Leg) -> Result<String, String> {
        let now = super::tillside::unix_now();
        let claims = json!({
            "iss": self.key, "sub": format!("{}-{:?}", leg.member, leg.purpose), "nbf": now, "exp": now + TOKEN_LIFE_S,
            "video": {
                "roomJoin": true, "room": leg.room,
                "canPublish": leg.purpose == Purpose::Publish, "canSubscribe": leg.purpose == Purpose::Play,
            },
        });
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
            .map_err(|error| format!("cannot sign a token: {error}"))
    }
}

/// Whose tracks are wanted: the identity of each publisher, and the kinds of its tracks.
fn wanted(feeds: &[String]) -> String {
    let names = feeds.iter().map(|feed| (format!("{feed}-{:?}", Purpose::Publish), json!(["video", "audio"])));
    json!({ "subscribedParticipantTrackNames": names.collect::<Map<String, Value>>() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};

    #[test]
    fn tokens_and_headers_are_as_the_documentation_has_them() {
        let secret = "a secret of thirty-two bytes or more".to_owned();
        let peer = LiveKit::new("http://127.0.0.1:7880".parse().unwrap(), "devkey".to_owned(), secret.clone()).unwrap();
        let leg = |purpose, member: &str| Leg {
            purpose,
            room: "r1".to_owned(),
            member: member.to_owned(),
            lines: Vec::new(),
            feeds: vec!["p0".to_owned()],
        };
        let publish = peer.endpoint(&leg(Purpose::Publish, "p0")).unwrap();
        assert_eq!(publish.url.as_str(), "http://127.0.0.1:7880/whip/v1");
        let key = DecodingKey::from_secret(secret.as_bytes());
        let claims: Value = jsonwebtoken::decode(publish.token.unwrap(), &key, &Validation::default()).unwrap().claims;
        assert_eq!((&claims["iss"], &claims["video"]["room"]), (&json!("devkey"), &json!("r1")));
        assert_eq!(claims["video"]["roomJoin"], true);
        let play = peer.endpoint(&leg(Purpose::Play, "s0")).unwrap();
        let (name, value) = &play.headers[0];
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(*name, "X-LiveKit-ClientInfo");
        let publisher = claims["sub"].as_str().unwrap();
        assert_eq!(value["subscribedParticipantTrackNames"][publisher], json!(["video", "audio"]));
        assert!(peer.endpoint(&leg(Purpose::Call, "c0")).is_err());
    }
}
