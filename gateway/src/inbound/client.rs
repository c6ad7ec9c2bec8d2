//! From where somebody calls: their network, and what they say they call with.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use goticket_domain::identity::Device;

use super::parts::header_text;
use super::problem::Problem;
use crate::services::App;

/// Both.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) network: IpAddr,
    pub(crate) device: Device,
}

impl FromRequestParts<App> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let ConnectInfo(peer) = peer.ok_or_else(|| Problem::internal("a request without a peer"))?;
        let network = app.addresses.network(*peer, &parts.headers);
        Ok(Self { network, device: Device::of(header_text(&parts.headers, header::USER_AGENT.as_str())) })
    }
}
