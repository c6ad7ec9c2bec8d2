//! Which addresses one customer can choose among.

use std::net::IpAddr;

/// Bits that name a network of IPv4 (/24) and of IPv6 (/48): the smallest that are routed on the Internet, so that who has many addresses
/// seldom has them in many networks.
const V4_BITS: u32 = 24;
const V6_BITS: u32 = 48;

/// The network of an address: its first one.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & (u32::MAX << (u32::BITS - V4_BITS))).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << (u128::BITS - V6_BITS))).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn neighbours_are_one_network() {
        let rows = [
            ("1.2.3.4", "1.2.3.0"),
            ("1.2.3.255", "1.2.3.0"),
            ("1.2.4.0", "1.2.4.0"),
            ("::ffff:1.2.3.4", "1.2.3.0"),
            ("2001:db8:1:2:3::4", "2001:db8:1::"),
            ("2001:db8:2::", "2001:db8:2::"),
        ];
        for (address, expected) in rows {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }
}
