//! REST for the store's back end, by API key: tokens, rooms, participants, revocations.
#![allow(clippy::result_large_err)] // an early answer is returned as the error; it is made once per request

use super::{Shared, reply};
use crate::moment::Moment;
use crate::protocol::{ErrorCode, Grants, Role};
use crate::random;
use crate::signaling::{Reply, Request as Question, RoomKey};
use crate::token::{Claims, LIFE_S_MAX, fresh_jti, is_id};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// How long a token lives if nobody says otherwise, in seconds.
const TOKEN_LIFE_S: u64 = 60 * 60;

type Handled = Result<Response, Response>;

/// What a token shall say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    sub: String,
    name: String,
    role: Role,
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    ttl_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomRequest {
    #[serde(default)]
    room: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevocationRequest {
    jti: String,
}

pub(super) async fn create_token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<TokenRequest>, JsonRejection>,
) -> Handled {
    let caller = authenticate(&shared, &headers)?;
    Ok(mint(&shared, &caller.key, caller.tenant, read(body)?))
}

/// In dev mode on loopback: a token for the asking, for the demo pages.
pub(super) async fn dev_token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<TokenRequest>, JsonRejection>,
) -> Handled {
    let dev = shared.dev.clone().ok_or_else(not_found)?;
    // A page of another site must not fetch itself a token through the developer's browser.
    if let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok())
        && !shared.keyring().allows_origin(&dev.tenant, origin)
    {
        return Err(reply::problem(StatusCode::FORBIDDEN, "forbidden", "demo pages come from this machine only"));
    }
    Ok(mint(&shared, &dev.key, dev.tenant, read(body)?))
}

pub(super) async fn create_room(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<RoomRequest>, JsonRejection>,
) -> Handled {
    let tenant = authenticate(&shared, &headers)?.tenant;
    let name = read(body)?.room.unwrap_or_else(|| random::name("room-", &mut random::from_system()));
    if !is_id(&name) {
        return Err(malformed("a room's name has 1 to 64 of A-Z a-z 0-9 . _ -"));
    }
    match shared.ask(Question::CreateRoom(RoomKey { tenant, name: name.clone() })).await {
        Some(Reply::Room { created, summary }) => {
            let status = if created { StatusCode::CREATED } else { StatusCode::OK };
            let location = [(header::LOCATION, format!("/v1/rooms/{name}"))];
            let body = json!({ "room": name, "locked": summary.locked, "kept": summary.kept, "participants": summary.participants });
            Ok((status, location, Json(body)).into_response())
        }
        other => Err(unexpected(other)),
    }
}

pub(super) async fn list_rooms(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Handled {
    let tenant = authenticate(&shared, &headers)?.tenant;
    Ok(Json(json!({ "rooms": shared.directory.of_tenant(&tenant) })).into_response())
}

pub(super) async fn show_room(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Handled {
    let tenant = authenticate(&shared, &headers)?.tenant;
    let entry = shared.directory.find(&RoomKey { tenant, name }).ok_or_else(not_found)?;
    Ok(Json(entry).into_response())
}

pub(super) async fn end_room(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Handled {
    let tenant = authenticate(&shared, &headers)?.tenant;
    done(shared.ask(Question::EndRoom(RoomKey { tenant, name })).await)
}

pub(super) async fn remove_participant(
    State(shared): State<Arc<Shared>>,
    Path((name, participant)): Path<(String, String)>,
    headers: HeaderMap,
) -> Handled {
    let tenant = authenticate(&shared, &headers)?.tenant;
    done(shared.ask(Question::Remove { room: RoomKey { tenant, name }, participant }).await)
}

pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<RevocationRequest>, JsonRejection>,
) -> Handled {
    let tenant = authenticate(&shared, &headers)?.tenant;
    let jti = read(body)?.jti;
    if jti.is_empty() || jti.len() > 256 {
        return Err(malformed("`jti` has 1 to 256 bytes"));
    }
    done(shared.ask(Question::Revoke { tenant, jti }).await)
}

struct Caller {
    key: String,
    tenant: String,
}

/// Who asks: HTTP Basic with the key's id and secret. Wrong key and wrong secret look the same (SEC-35).
fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Response> {
    let unauthorized = || {
        shared.metrics.auth_fail("api_key");
        reply::problem(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send the API key as HTTP Basic: id as user, secret as password",
        )
    };
    let credentials = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(unauthorized)?;
    let (key, secret) = credentials.split_once(':').ok_or_else(unauthorized)?;
    let keyring = shared.keyring();
    let tenant = keyring.authenticate(key, secret).ok_or_else(unauthorized)?;
    Ok(Caller { key: key.to_owned(), tenant: tenant.to_owned() })
}

fn mint(shared: &Shared, key: &str, tenant: String, request: TokenRequest) -> Response {
    let now = Moment::now();
    let claims = Claims {
        iss: key.to_owned(),
        sub: request.sub,
        nbf: now.unix,
        exp: now.unix + request.ttl_s.unwrap_or(TOKEN_LIFE_S).min(LIFE_S_MAX),
        jti: fresh_jti(),
        tenant,
        name: request.name,
        role: request.role,
        grants: request.grants,
    };
    if claims.check(now.unix).is_err() {
        return malformed("`sub` and `name` must not be empty or long, and `grants.room` must be a room's name");
    }
    match shared.keyring().mint(&claims) {
        Some(token) => {
            let body = json!({ "token": token, "jti": claims.jti, "exp": claims.exp });
            (StatusCode::CREATED, Json(body)).into_response()
        }
        None => reply::problem(StatusCode::FORBIDDEN, "forbidden", "this key cannot sign: it has no secret"),
    }
}

/// The body, or an answer that names the field but quotes no value.
fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Response> {
    body.map(|Json(value)| value).map_err(|rejection| match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            reply::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "send application/json")
        }
        JsonRejection::BytesRejection(_) => {
            reply::problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large")
        }
        _ => malformed("the body is not the JSON object that PROTOCOL.md describes for this request"),
    })
}

fn done(reply: Option<Reply>) -> Handled {
    match reply {
        Some(Reply::Done) => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(unexpected(other)),
    }
}

fn unexpected(reply: Option<Reply>) -> Response {
    match reply {
        None => reply::stopping(),
        Some(Reply::Refused { code, message }) => reply::refused(code, &message),
        Some(_) => reply::refused(ErrorCode::Internal, "the node gave an answer to another question"),
    }
}

fn not_found() -> Response {
    reply::problem(StatusCode::NOT_FOUND, "not_found", "there is no such room or participant")
}

fn malformed(message: &str) -> Response {
    reply::problem(StatusCode::BAD_REQUEST, "malformed", message)
}
