//! Whose pages may call us, and where ours may lead.

use axum::http::HeaderValue;
use goticket_platform::config::Environment;
use serde::Deserialize;
use url::{Host, Url};

/// The origin of pages that may call the API from a browser, e.g. `https://tickets.example`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct WebOrigin(HeaderValue);

/// A host, and port if it is not 443, to which payment pages may lead back, e.g. `tickets.example`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ReturnHost(Url);

/// Where payment pages may send fans.
#[derive(Clone, Debug)]
pub(crate) struct ReturnAddresses {
    hosts: Vec<ReturnHost>,
    environment: Environment,
}

impl WebOrigin {
    pub(crate) fn value(&self) -> &HeaderValue {
        &self.0
    }
}

impl TryFrom<String> for WebOrigin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        // Browsers say it in this form; in another one it would never be found.
        let origin = url.map(|url| url.origin().ascii_serialization()).filter(|origin| *origin == text);
        let value = origin.and_then(|origin| HeaderValue::try_from(origin).ok());
        value.map(Self).ok_or_else(|| format!("{text:?} is no origin: expected https://host or https://host:port, in lower case"))
    }
}

impl TryFrom<String> for ReturnHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&format!("https://{text}")).ok();
        let is_host = |url: &Url| url.path() == "/" && !text.contains(['/', '?', '#', '@']) && !text.is_empty();
        url.filter(is_host).map(Self).ok_or_else(|| format!("{text:?} is no host: expected host or host:port"))
    }
}

impl ReturnAddresses {
    pub(crate) fn new(hosts: Vec<ReturnHost>, environment: Environment) -> Self {
        Self { hosts, environment }
    }

    /// Whether a fan may be sent there: otherwise our payment page would lead wherever whoever made the link likes.
    pub(crate) fn allow(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        let listed = || self.hosts.iter().any(|host| url.host() == host.0.host() && url.port() == host.0.port());
        match (url.scheme(), self.environment) {
            ("https", Environment::Production) => listed(),
            ("https", Environment::Development) => url.has_host(),
            ("http", Environment::Development) => url.host().is_some_and(|host| is_loopback(&host)),
            _ => false,
        }
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fans_are_sent_where_the_installation_says_and_nowhere_else() {
        let hosts = ["tickets.example", "shop.example:8443", "bücher.example"];
        let hosts: Vec<ReturnHost> = hosts.map(|host| host.to_owned().try_into().unwrap()).to_vec();
        let production = ReturnAddresses::new(hosts, Environment::Production);
        let development = ReturnAddresses::new(Vec::new(), Environment::Development);
        // address → allowed in production, in development
        let rows = [
            ("https://tickets.example/thanks?a=b#c", true, true),
            ("https://TICKETS.example:443/", true, true),
            ("https://xn--bcher-kva.example/", true, true),
            ("https://shop.example:8443/", true, true),
            ("https://shop.example/", false, true),
            ("https://tickets.example:8443/", false, true),
            ("http://tickets.example/", false, false),
            ("https://tickets.example.evil.example/", false, true),
            ("https://eviltickets.example/", false, true),
            ("https://www.tickets.example/", false, true),
            ("https://tickets.example@evil.example/", false, false),
            ("https://evil.example\\@tickets.example/", false, true),
            ("https://evil.example/https://tickets.example/", false, true),
            ("http://localhost:3000/", false, true),
            ("http://shop.localhost/", false, true),
            ("http://127.0.0.1:3000/", false, true),
            ("http://[::1]/", false, true),
            ("http://localhost.evil.example/", false, false),
            ("http://10.0.0.1/", false, false),
            ("javascript:alert(1)", false, false),
            ("data:text/html,x", false, false),
        ];
        for (address, in_production, in_development) in rows {
            let url = Url::parse(address).unwrap();
            assert_eq!((production.allow(&url), development.allow(&url)), (in_production, in_development), "{address}");
        }
    }

    #[test]
    fn origins_and_hosts_are_what_browsers_call_them() {
        let origins = [
            ("https://tickets.example", true),
            ("http://localhost:3000", true),
            ("https://tickets.example/", false),
            ("https://tickets.example:443", false),
            ("https://Tickets.example", false),
            ("tickets.example", false),
            ("*", false),
            ("null", false),
            ("", false),
        ];
        for (text, good) in origins {
            assert_eq!(WebOrigin::try_from(text.to_owned()).is_ok(), good, "{text}");
        }
        for (text, good) in
            [("a.example", true), ("a.example:1", true), ("a.example/x", false), ("x@a.example", false), ("", false)]
        {
            assert_eq!(ReturnHost::try_from(text.to_owned()).is_ok(), good, "{text}");
        }
    }
}
