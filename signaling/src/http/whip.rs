//! WHIP (RFC 9725) and WHEP: publish or play with one HTTP request, without a session.
//!
//! Both are the same here: an offer enters a room. WHIP's sends; WHEP's only receives.
#![allow(clippy::result_large_err)] // an early answer is returned as the error; it is made once per request

use super::{Shared, reply};
use crate::protocol::ErrorCode;
use crate::signaling::{Enter, Reply, Request as Question};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use tillside_sfu::command::{Source, Track};
use tillside_sfu::sdp::{Direction, MediaKind, Offer, Purpose};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// The body of a request, or why it was not read to its end.
type Body = Result<Bytes, BytesRejection>;

pub(super) async fn publish(
    state: State<Arc<Shared>>,
    address: ConnectInfo<SocketAddr>,
    room: Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    enter(Purpose::Publish, state, address, room, uri, headers, body).await
}

pub(super) async fn play(
    state: State<Arc<Shared>>,
    address: ConnectInfo<SocketAddr>,
    room: Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    enter(Purpose::Play, state, address, room, uri, headers, body).await
}

async fn enter(
    purpose: Purpose,
    State(shared): State<Arc<Shared>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Path(room): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let cors = match Cors::of(&shared, &headers) {
        Ok(cors) => cors,
        Err(response) => return response,
    };
    let answer = try_enter(purpose, &shared, address, room, &headers, &cors, body).await;
    cors.wrap(match answer {
        Ok(Reply::Answered { resource, answer }) => {
            let etag = format!("\"{resource}\"");
            let location = format!("{}/{resource}", uri.path().trim_end_matches('/'));
            let headers = [(header::CONTENT_TYPE, SDP.to_owned()), (header::LOCATION, location), (header::ETAG, etag)];
            (StatusCode::CREATED, headers, answer).into_response()
        }
        Ok(other) => answer_of(Some(other)),
        Err(response) => response,
    })
}

async fn try_enter(
    purpose: Purpose,
    shared: &Shared,
    address: SocketAddr,
    room: String,
    headers: &HeaderMap,
    cors: &Cors,
    body: Body,
) -> Result<Reply, Response> {
    if !has_type(headers, SDP) {
        return Err(reply::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "send application/sdp"));
    }
    let token = bearer(headers)?;
    #[allow(clippy::disallowed_methods)] // the shell reads the clock for the limiter
    if !shared.admission.may_join(std::time::Instant::now(), address.ip()) {
        shared.metrics.rate_limited("join");
        return Err(reply::refused(ErrorCode::RateLimited, "too many at once from this address"));
    }
    let bad_offer = |message: &str| reply::refused(ErrorCode::BadOffer, message);
    let body = body.map_err(|rejection| unread(&rejection))?;
    let text = std::str::from_utf8(&body).map_err(|_| bad_offer("the offer is not text"))?;
    let offer = Offer::parse(text).map_err(|error| bad_offer(&error.to_string()))?;
    let tracks = if purpose == Purpose::Publish { tracks(&offer) } else { Vec::new() };
    if purpose == Purpose::Publish && tracks.is_empty() {
        return Err(bad_offer("the offer sends nothing: to receive, use /v1/whep/"));
    }
    let enter = Enter { token, origin: cors.origin.clone(), room, offer, tracks, purpose };
    shared.ask(Question::Enter(Box::new(enter))).await.ok_or_else(reply::stopping)
}

pub(super) async fn stop(
    State(shared): State<Arc<Shared>>,
    Path((_, resource)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    on_resource(&shared, &headers, |token| Question::Exit { token, resource }, StatusCode::OK).await
}

/// Candidates of the client are not needed: we are ICE-lite and learn its address from its checks. An ICE restart
/// would need a new offer, for which WHIP has no place here: the client ends this and begins anew.
pub(super) async fn trickle(
    State(shared): State<Arc<Shared>>,
    Path((_, resource)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let cors = match Cors::of(&shared, &headers) {
        Ok(cors) => cors,
        Err(response) => return response,
    };
    if !has_type(&headers, FRAGMENT) {
        let message = "send application/trickle-ice-sdpfrag";
        return cors.wrap(reply::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", message));
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return cors.wrap(unread(&rejection)),
    };
    let etag = format!("\"{resource}\"");
    let problem = match headers.get(header::IF_MATCH).map(HeaderValue::as_bytes) {
        None => Some((StatusCode::PRECONDITION_REQUIRED, "send If-Match with the ETag of the answer")),
        Some(b"*") if contains(&body, b"a=ice-ufrag:") => {
            Some((StatusCode::UNPROCESSABLE_ENTITY, "ICE restart is not offered: DELETE this resource and POST anew"))
        }
        Some(given) if given != etag.as_bytes() && given != b"*" => {
            Some((StatusCode::PRECONDITION_FAILED, "this is not the ETag of the answer"))
        }
        Some(_) => None,
    };
    if let Some((status, message)) = problem {
        return cors.wrap(reply::problem(status, "precondition", message));
    }
    on_resource(&shared, &headers, |token| Question::Look { token, resource }, StatusCode::NO_CONTENT).await
}

/// `GET` and `HEAD` are reserved (RFC 9725 §4.2).
pub(super) async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub(super) async fn preflight(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let cors = match Cors::of(&shared, &headers) {
        Ok(cors) => cors,
        Err(response) => return response,
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let allowed = response.headers_mut();
    allowed.insert("accept-post", HeaderValue::from_static(SDP));
    allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, PATCH, DELETE, GET, OPTIONS"));
    allowed.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, if-match"),
    );
    allowed.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    cors.wrap(response)
}

async fn on_resource(
    shared: &Shared,
    headers: &HeaderMap,
    question: impl FnOnce(String) -> Question,
    status: StatusCode,
) -> Response {
    let cors = match Cors::of(shared, headers) {
        Ok(cors) => cors,
        Err(response) => return response,
    };
    cors.wrap(match bearer(headers) {
        Ok(token) => match shared.ask(question(token)).await {
            Some(Reply::Done) => status.into_response(),
            other => answer_of(other),
        },
        Err(response) => response,
    })
}

fn answer_of(reply: Option<Reply>) -> Response {
    match reply {
        None => reply::stopping(),
        Some(Reply::Refused { code, message }) => reply::refused(code, &message),
        Some(_) => reply::refused(ErrorCode::Internal, "the node gave an answer to another question"),
    }
}

/// The page that asks, if a browser says so and some tenant knows it.
struct Cors {
    origin: Option<String>,
}

impl Cors {
    fn of(shared: &Shared, headers: &HeaderMap) -> Result<Self, Response> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(Self { origin: None }) };
        match origin.to_str() {
            Ok(origin) if shared.keyring().any_allows_origin(origin) => Ok(Self { origin: Some(origin.to_owned()) }),
            _ => {
                shared.metrics.auth_fail("origin");
                Err(reply::refused(ErrorCode::Forbidden, "this page's origin is on no tenant's list"))
            }
        }
    }

    fn wrap(&self, mut response: Response) -> Response {
        let Some(origin) = self.origin.as_deref().and_then(|origin| HeaderValue::from_str(origin).ok()) else {
            return response;
        };
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location, ETag, Link"));
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        response
    }
}

/// The token, from the one place where it may stand.
fn bearer(headers: &HeaderMap) -> Result<String, Response> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let missing = || reply::refused(ErrorCode::Unauthorized, "send the token as `Authorization: Bearer …`");
    token.map(|token| token.trim().to_owned()).ok_or_else(missing)
}

/// The answer to a body that is too large, or that broke off, which nobody may be there to read.
fn unread(rejection: &BytesRejection) -> Response {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            reply::problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large")
        }
        status => reply::problem(status, "malformed", "the body could not be read"),
    }
}

fn has_type(headers: &HeaderMap, expected: &str) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(expected))
}

fn sends(direction: Direction) -> bool {
    matches!(direction, Direction::SendOnly | Direction::SendRecv)
}

/// What an offer without a session sends: sound is a microphone, pictures are a camera.
fn tracks(offer: &Offer) -> Vec<Track> {
    let sending = offer.media().iter().filter(|media| sends(media.direction) && !media.disabled);
    let tracks = sending.filter_map(|media| {
        let source = match media.kind {
            MediaKind::Audio => Source::Microphone,
            MediaKind::Video => Source::Camera,
            MediaKind::Other => return None,
        };
        Some(Track { mid: media.mid, source, muted: false })
    });
    tracks.collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
