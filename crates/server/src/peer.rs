//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;

/// Where a request comes from.
pub(crate) struct Peer(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        address.map(|address| Self(address.0.ip())).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
