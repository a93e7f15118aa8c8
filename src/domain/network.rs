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
