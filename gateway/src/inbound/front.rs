//! In front of the router: what most of those who wait ask most of the time is answered from memory before anything else looks at it.
//!
//! Only what can be told at once and with success. All else goes on to the router, where the same endpoints have slots, time-outs and every
//! kind of refusal; none of that is worth its time to an answer that takes microseconds.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::AddExtension;
use axum::response::Response;
use bytes::Bytes;
use futures::future::Either;
use goticket_domain::EventId;
use goticket_platform::http::known_by;
use tokio::time::Instant;
use tower::{BoxError, Service};
use uuid::Uuid;

use super::browsers::secured;
use super::measure::Measured;
use super::queue::{board, place};
use super::{limits, request_id};
use crate::app::seen_board::Seen;
use crate::services::App;

type Routed = AddExtension<Router, ConnectInfo<SocketAddr>>;

/// What a poll asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Board,
    Place,
}

/// What is counted of it.
struct Counted {
    board: Measured,
    unchanged: Measured,
    place: Measured,
}

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Front {
    app: App,
    counted: Arc<Counted>,
    /// Pages of other origins may read answers, which caches have to tell apart.
    varies: bool,
    router: Routed,
}

/// A front of this router for whoever calls.
pub(crate) fn front(app: App, router: Router) -> impl Fn(SocketAddr) -> Front + Send + Sync {
    let told = |route, status| Measured::new("GET", route, status);
    let counted = Arc::new(Counted {
        board: told(board::ROUTE, StatusCode::OK),
        unchanged: told(board::ROUTE, StatusCode::NOT_MODIFIED),
        place: told(place::ROUTE, StatusCode::OK),
    });
    let varies = !app.config.cors_origins.is_empty();
    move |peer| Front { app: app.clone(), counted: Arc::clone(&counted), varies, router: known_by(&router, peer) }
}

impl Front {
    fn remembered<B>(&self, request: &Request<B>) -> Option<Response> {
        let uri = request.uri();
        let (event, asked) = asked(uri.path()).filter(|_| request.method() == Method::GET && uri.query().is_none())?;
        let (begun, headers) = (Instant::now(), request.headers());
        // To pages of other origins the router says whether they may read it.
        if !limits::headers_fit(headers) || headers.contains_key(header::ORIGIN) {
            return None;
        }
        let seen = self.app.boards.get(event).ok()?;
        let (mut response, counted) = self.answer(asked, event, &seen, headers)?;
        request_id::tell(&mut response, request_id::of(headers).as_str());
        secured(response.headers_mut());
        if self.varies {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
        }
        counted.add(begun.elapsed());
        Some(response)
    }

    fn answer(&self, asked: Asked, event: EventId, seen: &Seen, headers: &HeaderMap) -> Option<(Response, &Measured)> {
        match asked {
            Asked::Place => Some((place::from_memory(&self.app, event, seen, headers)?, &self.counted.place)),
            Asked::Board => {
                let response = board::answer(seen, headers);
                let unchanged = response.status() == StatusCode::NOT_MODIFIED;
                Some((response, if unchanged { &self.counted.unchanged } else { &self.counted.board }))
            }
        }
    }
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, <Routed as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.remembered(&request) {
            Some(response) => Either::Left(ready(Ok(response))),
            None => Either::Right(self.router.call(request)),
        }
    }
}

/// What a path asks in the form in which everybody writes it; the router knows the others.
fn asked(path: &str) -> Option<(EventId, Asked)> {
    let (event, rest) = path.strip_prefix("/v1/events/")?.split_at_checked(36)?;
    let asked = match rest {
        "/queue/board" => Asked::Board,
        "/queue/place" => Asked::Place,
        _ => return None,
    };
    Some((EventId(Uuid::try_parse(event).ok()?), asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_in_the_usual_form_is_the_routers() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let event = EventId(Uuid::try_parse(id).unwrap_or_default());
        let rows = [
            (format!("/v1/events/{id}/queue/board"), Some((event, Asked::Board))),
            (format!("/v1/events/{id}/queue/place"), Some((event, Asked::Place))),
            (format!("/v1/events/{}/queue/place", id.to_uppercase()), Some((event, Asked::Place))),
            (format!("/v1/events/{id}/queue/board/"), None),
            (format!("/v1/events/{id}/queue"), None),
            (format!("/v1/events/{}/queue/board", id.replace('0', "%30")), None),
            (format!("/v1/events/{}/queue/board", "x".repeat(36)), None),
            ("/v1/events/short/queue/board".to_owned(), None),
            ("/v1/events/ü".to_owned(), None),
            ("/healthz".to_owned(), None),
        ];
        for (path, expected) in rows {
            assert_eq!(asked(&path), expected, "{path}");
        }
    }
}
