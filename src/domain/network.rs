//! A range of addresses, as in `185.45.152.40/30`.
//!
//! An IPv4 address that arrives mapped into IPv6 is the same address, so that a
//! listener on `[::]` judges as one on `0.0.0.0` does.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network, or a single address as the smallest network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// With the bits after the prefix set to zero.
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` lies in this network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.base.is_ipv4() && masked(address, self.prefix) == self.base
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let wrong = || format!("{text:?} is no address or network, such as \"185.45.152.40/30\"");
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        if address.to_canonical() != address {
            return Err(format!("write the IPv4 address itself instead of {text:?}"));
        }
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= longest).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
            None => longest,
        };
        let base = masked(address, prefix);
        if base != address {
            return Err(format!(
                "{text:?} has bits after its prefix; did you mean \"{base}/{prefix}\"?"
            ));
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// IPv4 networks that are not the public internet, from IANA's registry of special
/// addresses. Cloud machines tell their secrets at addresses among them.
const SPECIAL_V4: [(u32, u8); 15] = [
    (0x0000_0000, 8),  // this network
    (0x0a00_0000, 8),  // private
    (0x6440_0000, 10), // shared, behind carriers' translators
    (0x7f00_0000, 8),  // loopback
    (0xa9fe_0000, 16), // link-local, metadata of clouds
    (0xac10_0000, 12), // private
    (0xc000_0000, 24), // protocols
    (0xc000_0200, 24), // documentation
    (0xc058_6300, 24), // relays from IPv6
    (0xc0a8_0000, 16), // private
    (0xc612_0000, 15), // benchmarks
    (0xc633_6400, 24), // documentation
    (0xcb00_7100, 24), // documentation
    (0xe000_0000, 4),  // multicast
    (0xf000_0000, 4),  // reserved, broadcast
];

/// The only IPv6 network that is given out for the public internet, and what in it is not:
/// protocols, documentation, and tunnels that hide an IPv4 address.
const PUBLIC_V6: (u128, u8) = (0x2000 << 112, 3);
const SPECIAL_V6: [(u128, u8); 4] = [
    (0x2001_0000 << 96, 23),
    (0x2001_0db8 << 96, 32),
    (0x2002 << 112, 16),
    (0x3fff_0000 << 96, 20),
];

/// Whether an address belongs to the public internet, and not to this machine, its
/// network or its provider. An IPv4 address mapped into IPv6 is judged as itself.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    match address {
        IpAddr::V4(_) => SPECIAL_V4.iter().all(|(base, prefix)| {
            masked(address, *prefix) != IpAddr::V4(std::net::Ipv4Addr::from_bits(*base))
        }),
        IpAddr::V6(_) => {
            let lies_in = |(base, prefix): &(u128, u8)| {
                masked(address, *prefix) == IpAddr::V6(std::net::Ipv6Addr::from_bits(*base))
            };
            lies_in(&PUBLIC_V6) && !SPECIAL_V6.iter().any(lies_in)
        }
    }
}

/// `address` with only its first `prefix` bits kept.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_neighbours() {
        let network: Network = "185.45.152.40/30".parse().unwrap();
        for last in 40..44 {
            assert!(network.contains(IpAddr::from([185, 45, 152, last])));
        }
        assert!(!network.contains(IpAddr::from([185, 45, 152, 39])));
        assert!(!network.contains(IpAddr::from([185, 45, 152, 44])));
        assert!(network.contains("::ffff:185.45.152.41".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(IpAddr::from([9, 9, 9, 9])));
        assert!(!"0.0.0.0/0".parse::<Network>().unwrap().contains("2001:db8::1".parse().unwrap()));
        assert!("::/0".parse::<Network>().unwrap().contains("2001:db8::1".parse().unwrap()));
        assert!("::1".parse::<Network>().unwrap().contains("::1".parse().unwrap()));
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for text in ["8.8.8.8", "100.63.255.255", "172.32.0.1", "2a00:1450::1", "::ffff:8.8.8.8"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/+8", "1.2.3.4/", "::/129", "::ffff:1.2.3.4"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let error = "10.1.2.3/8".parse::<Network>().unwrap_err();
        assert!(error.contains("10.0.0.0/8"), "{error}");
    }
}
