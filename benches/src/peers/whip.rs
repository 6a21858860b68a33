//! WHIP and WHEP as a client (RFC 9725): one request in, one out. Adapters say where to and with which token.

use super::{EnterError, Entered, Leg, Local, Stay};
use crate::swarm::description::{Remote, write_offer};
use reqwest::{Client, StatusCode, Url, header};
use std::time::Duration;

/// How long a server may take to answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a refusal is shown.
const REFUSAL_CHARS: usize = 200;

/// A place of a leg in a server, to be given back.
pub(crate) struct Resource {
    client: Client,
    url: Url,
    token: Option<String>,
}

/// Where to send an offer.
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) token: Option<String>,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
    /// DTLS role of the offer.
    pub(super) setup: &'static str,
}

/// A client for many requests to one server.
///
/// # Errors
/// The system gives no resolver or the like.
pub(super) fn client() -> Result<Client, String> {
    let builder = Client::builder().timeout(REQUEST_TIMEOUT).redirect(reqwest::redirect::Policy::none());
    builder.build().map_err(|error| format!("cannot make an HTTP client: {error}"))
}

/// Sends a leg's offer and reads the answer.
pub(super) async fn enter(
    client: &Client,
    endpoint: Endpoint,
    leg: &Leg,
    local: &Local,
) -> Result<Entered, EnterError> {
    let offer = write_offer(&leg.lines, &local.credentials, &local.fingerprint, endpoint.setup);
    let mut request = client.post(endpoint.url.clone()).header(header::CONTENT_TYPE, "application/sdp").body(offer);
    if let Some(token) = &endpoint.token {
        request = request.bearer_auth(token);
    }
    for (name, value) in &endpoint.headers {
        request = request.header(*name, value);
    }
    let response = request.send().await.map_err(|error| unreachable(&endpoint.url, &error))?;
    let status = response.status();
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok().map(str::to_owned));
    let body = response.text().await.map_err(|error| unreachable(&endpoint.url, &error))?;
    if status != StatusCode::CREATED {
        return Err(refusal(status, &body));
    }
    let location = location.ok_or_else(|| "the server's answer has no Location".to_owned())?;
    let url = endpoint.url.join(&location).map_err(|error| format!("the answer's Location is no URL: {error}"))?;
    let remote = Remote::read(&body)?;
    let resource = Resource { client: client.clone(), url, token: endpoint.token };
    Ok(Entered { remote, stay: Stay::Resource(resource) })
}

impl Resource {
    /// Leaves.
    pub(super) async fn delete(self) {
        let mut request = self.client.delete(self.url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let _ = request.send().await;
    }
}

/// What to do when the server is not there.
pub(super) fn unreachable(url: &Url, error: &reqwest::Error) -> EnterError {
    let host = url.origin().ascii_serialization();
    EnterError::Other(if error.is_connect() {
        format!("nobody answers at {host}: does the server run there, and is this its HTTP port?")
    } else if error.is_timeout() {
        format!("{host} took longer than {} s to answer", REQUEST_TIMEOUT.as_secs())
    } else {
        format!("{host}: {error}")
    })
}

/// What to do when the server says no.
fn refusal(status: StatusCode, body: &str) -> EnterError {
    let said: String = body.chars().take(REFUSAL_CHARS).collect();
    let advice = match status.as_u16() {
        401 => {
            "the token was not accepted: is --key the id and secret of a key of this server, and --tenant its tenant?"
        }
        403 => "the token does not allow it",
        404 => "there is no such room or path on this server",
        429 => {
            "the server limits joins per address: raise limits.joins_per_second_per_address, or join slower (--over)"
        }
        503 => "the server takes nobody now",
        _ => "the server refused the offer",
    };
    let text = format!("{advice} ({status}: {said})");
    if status == StatusCode::SERVICE_UNAVAILABLE { EnterError::Overloaded(text) } else { EnterError::Other(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let wrong_token = refusal(StatusCode::UNAUTHORIZED, "{\"code\":\"unauthorized\"}").to_string();
        assert!(wrong_token.contains("--key") && wrong_token.contains("401"), "{wrong_token}");
        assert!(matches!(refusal(StatusCode::SERVICE_UNAVAILABLE, ""), EnterError::Overloaded(_)));
        assert!(refusal(StatusCode::IM_A_TEAPOT, &"x".repeat(5_000)).to_string().len() < 400);
    }
}
