//! Answers that go wrong, all in one form.

use crate::protocol::ErrorCode;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error as JSON: a stable code for programs, a message for people.
pub(super) fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    let mut response = (status, Json(json!({ "code": code, "message": message }))).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, Basic"));
    }
    response
}

/// The status that goes with what signaling said.
pub(super) fn refused(code: ErrorCode, message: &str) -> Response {
    let (status, name) = match code {
        ErrorCode::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
        ErrorCode::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        ErrorCode::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        ErrorCode::BadOffer => (StatusCode::UNPROCESSABLE_ENTITY, "bad_offer"),
        ErrorCode::Malformed | ErrorCode::UnknownType | ErrorCode::Version => (StatusCode::BAD_REQUEST, "malformed"),
        ErrorCode::Locked => (StatusCode::CONFLICT, "locked"),
        ErrorCode::OutOfOrder => (StatusCode::CONFLICT, "out_of_order"),
        ErrorCode::Full => (StatusCode::CONFLICT, "full"),
        ErrorCode::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
        ErrorCode::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        ErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    };
    problem(status, name, message)
}

/// The answer while the node stops.
pub(super) fn stopping() -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "this node is stopping")
}
