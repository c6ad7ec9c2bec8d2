//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::{ForwardedBy, GatewayConfig};

/// Tells clients by their addresses.
pub(crate) struct ClientAddresses {
    trusted_proxies: usize,
    forwarded_by: ForwardedBy,
}

impl ClientAddresses {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let trusted_proxies = usize::try_from(config.trusted_proxies.get()).unwrap_or(0);
        Self { trusted_proxies, forwarded_by: config.forwarded_by }
    }

    /// The address a request comes from; one for all addresses that one customer can choose among.
    pub(crate) fn network(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        network(self.client(peer, headers))
    }

    /// The client's address: what the outermost trusted proxy saw. Everything further left in the header anybody can have written. Where it
    /// cannot be read the proxy is the client: whoever can make it unreadable shares a limit with the others who do.
    fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let Some(place) = self.trusted_proxies.checked_sub(1) else { return peer.ip() };
        let hop = match self.forwarded_by {
            ForwardedBy::XForwardedFor => x_forwarded_for(headers).into_iter().rev().nth(place),
            ForwardedBy::Forwarded => forwarded(headers).and_then(|hops| hops.into_iter().rev().nth(place)),
        };
        hop.as_deref().and_then(node).unwrap_or(peer.ip())
    }
}

/// One IPv6 customer has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A header's lines, in whatever way they can be read: one that was left out would make its neighbour another's.
fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
}

/// What each hop says of the one before it, also where that is no address.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<String> {
    lines(headers, "x-forwarded-for").iter().flat_map(|line| line.split(',').map(ToOwned::to_owned)).collect()
}

/// The same of RFC 7239, section 4: the `for` of each element, unquoted. None where a string does not end: it could be anyone's.
fn forwarded(headers: &HeaderMap) -> Option<Vec<String>> {
    let mut hops = Vec::new();
    for line in lines(headers, "forwarded") {
        for element in parts(&line, ',')? {
            let pairs = parts(element, ';')?;
            let mut values = pairs.into_iter().filter_map(|pair| pair.split_once('='));
            let value = values.find(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, value)| value);
            hops.push(value.unwrap_or_default().trim().trim_matches('"').to_owned());
        }
    }
    Some(hops)
}

/// Parts that are separated outside of quoted strings (RFC 9110, section 5.6.4).
fn parts(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut is_quoted, mut is_escaped, mut begin) = (false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        let escaped = std::mem::take(&mut is_escaped);
        match c {
            '\\' if is_quoted && !escaped => is_escaped = true,
            '"' if !escaped => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => {
                parts.push(&text[begin..at]);
                begin = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!is_quoted).then_some(parts)
}

/// An address as proxies write it: bare, with a port, and IPv6 in brackets (RFC 7239, section 6). None for what is hidden or unknown.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let bracketed = text.strip_prefix('[')?.strip_suffix(']')?;
    bracketed.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn client(forwarded_by: ForwardedBy, trusted_proxies: usize, lines: &[&str]) -> String {
        let name = match forwarded_by {
            ForwardedBy::XForwardedFor => "x-forwarded-for",
            ForwardedBy::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        // What is not trusted says nothing.
        headers.append("x-real-ip", HeaderValue::from_static("6.6.6.6"));
        let addresses = ClientAddresses { trusted_proxies, forwarded_by };
        addresses.client("10.0.0.1:5".parse().unwrap(), &headers).to_string()
    }

    const PEER: &str = "10.0.0.1";

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let rows: [(usize, &[&str], &str); 24] = [
            (0, &["1.1.1.1, 2.2.2.2"], PEER),
            (1, &["1.1.1.1, 2.2.2.2"], "2.2.2.2"),
            (2, &["1.1.1.1, 2.2.2.2"], "1.1.1.1"),
            (3, &["1.1.1.1, 2.2.2.2"], PEER),
            (1, &[], PEER),
            (1, &["nonsense"], PEER),
            // Each hop counts, whether it can be read or not.
            (1, &["6.6.6.6, 203.0.113.9:443"], "203.0.113.9"),
            (1, &["6.6.6.6, unknown"], PEER),
            (1, &["6.6.6.6,"], PEER),
            (2, &["6.6.6.6, 203.0.113.9, "], "203.0.113.9"),
            (2, &["6.6.6.6, 203.0.113.9, x"], "203.0.113.9"),
            (2, &["6.6.6.6, x, 203.0.113.9"], PEER),
            (1, &["6.6.6.6, \u{fc}"], PEER),
            (1, &["6.6.6.6", "2.2.2.2"], "2.2.2.2"),
            (2, &["6.6.6.6, 1.1.1.1", "2.2.2.2"], "1.1.1.1"),
            (1, &["6.6.6.6, \"2.2.2.2"], PEER),
            (2, &["\"6.6.6.6, 1.1.1.1, 2.2.2.2"], "1.1.1.1"),
            // Ports and brackets.
            (1, &["2001:db8::1"], "2001:db8::1"),
            (1, &["[2001:db8::1]"], "2001:db8::1"),
            (1, &["[2001:db8::1]:443"], "2001:db8::1"),
            (1, &["::ffff:1.2.3.4"], "::ffff:1.2.3.4"),
            (1, &["1.2.3.4:99999"], PEER),
            (1, &["1.2.3"], PEER),
            (1, &["[1.2.3.4]"], PEER),
        ];
        for (trusted, lines, expected) in rows {
            assert_eq!(client(ForwardedBy::XForwardedFor, trusted, lines), expected, "{trusted} {lines:?}");
        }
    }

    #[test]
    fn the_standard_header_says_the_same_in_its_own_words() {
        let rows: [(usize, &[&str], &str); 16] = [
            (0, &["for=1.1.1.1"], PEER),
            (1, &["for=1.1.1.1, for=2.2.2.2"], "2.2.2.2"),
            (2, &["for=1.1.1.1, for=2.2.2.2"], "1.1.1.1"),
            (3, &["for=1.1.1.1, for=2.2.2.2"], PEER),
            (1, &["proto=https; FOR = \"203.0.113.9:443\" ;by=10.0.0.2"], "203.0.113.9"),
            (1, &["for=\"[2001:db8::1]\""], "2001:db8::1"),
            (1, &["for=\"[2001:db8::1]:4711\";host=\"a,b;c\""], "2001:db8::1"),
            (2, &["for=1.1.1.1;host=\"a, for=6.6.6.6\", for=2.2.2.2"], "1.1.1.1"),
            (1, &["for=unknown"], PEER),
            (1, &["for=_hidden"], PEER),
            (1, &["for=6.6.6.6, proto=https"], PEER),
            (2, &["for=6.6.6.6, for=1.1.1.1, for=_hidden"], "1.1.1.1"),
            (1, &["6.6.6.6"], PEER),
            // A string that its sender leaves open swallows nothing that a proxy says after it, and gives them no one else's address.
            (1, &["for=6.6.6.6, for=\"2.2.2.2"], PEER),
            (1, &["for=6.6.6.6;host=\"x, for=2.2.2.2"], PEER),
            (2, &["for=6.6.6.6, for=\"\\\", for=1.1.1.1, for=\"[2001:db8::1]:4\""], PEER),
        ];
        for (trusted, lines, expected) in rows {
            assert_eq!(client(ForwardedBy::Forwarded, trusted, lines), expected, "{trusted} {lines:?}");
        }
    }

    #[test]
    fn one_customers_addresses_count_as_one() {
        let rows = [("2001:db8:1:2:3::4", "2001:db8:1:2::"), ("::ffff:1.2.3.4", "1.2.3.4"), ("1.2.3.4", "1.2.3.4")];
        for (address, expected) in rows {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        }
    }
}
