//! The SDK, the demo shop and the agent's console, built into the binary from `sdk/dist`.

use super::reply;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// May be missing: a node without pages is a node.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../sdk/dist"]
#[allow_missing = true]
struct Dist;

/// What our own pages may do: load from here, talk to nodes, show what they received. No inline script, no eval, no
/// frame around them. Styles inside of custom elements are constructed by script, which needs no `unsafe-inline`.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; media-src 'self' blob: mediastream:; connect-src 'self' ws: wss:; frame-src 'self' blob:; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What the empty page may do in which the console builds shared pages: show what it is given, and nothing else. It
/// stands in a frame of the console; all frames within it inherit this.
const STAGE_POLICY: &str = "default-src 'none'; img-src blob:; font-src blob:; style-src 'unsafe-inline'; \
    frame-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin";

/// The path of that page.
const STAGE: &str = "console/stage.html";

pub(super) async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let found = if path.ends_with('/') { Dist::get(&format!("{path}index.html")) } else { Dist::get(path) };
    let Some(file) = found else {
        let message = "there is no such page; if none of them is there, build them: npm --prefix sdk run build";
        return reply::problem(StatusCode::NOT_FOUND, "not_found", message);
    };
    let etag = etag(&file);
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == etag.as_bytes());
    // The SDK is made to be loaded by the store's own pages; the pages are not.
    let is_sdk = path.starts_with("sdk/");
    let resource_policy = if is_sdk { "cross-origin" } else { "same-origin" };
    let mime = file.metadata.mimetype().to_owned();
    let mime = if mime.starts_with("text/") || mime.ends_with("javascript") || mime.ends_with("json") {
        format!("{mime}; charset=utf-8")
    } else {
        mime
    };
    let mut response = (
        [
            (header::CONTENT_TYPE, mime),
            (header::ETAG, etag),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
            (header::CONTENT_SECURITY_POLICY, if path == STAGE { STAGE_POLICY } else { PAGE_POLICY }.to_owned()),
        ],
        file.data,
    )
        .into_response();
    if is_known {
        // With all its headers: a browser puts them in place of those it has stored (RFC 9111 §4.3.4), and a page whose
        // policy became the default one would be dead after a reload.
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static(resource_policy));
    if is_sdk {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    let permissions = "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=()";
    headers.insert("permissions-policy", HeaderValue::from_static(permissions));
    response
}

/// Half of the content's SHA-256, in quotes.
fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
