//! Whose address a request comes from, behind proxies that are trusted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;

use crate::domain::Network;

/// The client's address: the peer's, unless the peer is a trusted proxy; then the
/// rightmost address of `X-Forwarded-For` that is no trusted proxy. What cannot be
/// read ends the search at the last proxy, whose address no provider has.
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[Network],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let entries = forwarded.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    for entry in entries {
        let Some(address) = address(entry) else { return client };
        client = address;
        if !is_trusted(client) {
            return client;
        }
    }
    client
}

/// The address that a request comes from; loopback for one without a connection.
pub fn client_of(request: &HttpRequest, trusted: &[Network]) -> IpAddr {
    let forwarded = request.headers().get_all("x-forwarded-for").map(|value| value.as_bytes());
    let forwarded: Vec<&[u8]> = forwarded.collect();
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
    client_address(peer, forwarded.into_iter(), trusted)
}

/// An address, bare or with a port, IPv6 also in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bracketed {
        Some(text) => IpAddr::V6(text.parse().ok()?),
        None => match text.parse() {
            Ok(address) => address,
            Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
        },
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let lines = lines.iter().map(|line| line.as_bytes());
        client_address(peer.parse().unwrap(), lines, &trusted).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_peer_counts() {
        assert_eq!(client("9.9.9.9", &["185.45.152.41"], &[]), "9.9.9.9");
        assert_eq!(client("9.9.9.9", &["185.45.152.41"], &["10.0.0.0/8"]), "9.9.9.9");
        assert_eq!(client("::ffff:9.9.9.9", &[], &[]), "9.9.9.9");
    }

    #[test]
    fn behind_proxies_the_rightmost_untrusted_address_counts() {
        for (lines, expected) in [
            (&["185.45.152.41"][..], "185.45.152.41"),
            (&["1.1.1.1, 185.45.152.41"], "185.45.152.41"),
            (&["185.45.152.41, 9.9.9.9"], "9.9.9.9"),
            (&["1.1.1.1,185.45.152.41 , 10.1.2.3"], "185.45.152.41"),
            (&["1.1.1.1", "185.45.152.41", "10.1.2.3"], "185.45.152.41"),
            (&["185.45.152.41:40312"], "185.45.152.41"),
            (&["::ffff:185.45.152.41"], "185.45.152.41"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["\t185.45.152.41\t"], "185.45.152.41"),
        ] {
            assert_eq!(client("10.0.0.1", lines, &["10.0.0.0/8"]), expected, "{lines:?}");
            assert_eq!(client("::ffff:10.0.0.1", lines, &["10.0.0.0/8"]), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_hides_what_is_left_of_it() {
        for (lines, expected) in [
            (&["185.45.152.41, unknown"][..], "10.0.0.1"),
            (&["185.45.152.41, "], "10.0.0.1"),
            (&["185.45.152.41, _hidden, 10.9.9.9"], "10.9.9.9"),
            (&["185.45.152.41, 1.2.3"], "10.0.0.1"),
            (&["185.45.152.41, [1.2.3.4]"], "10.0.0.1"),
            (&["185.45.152.41, fe80::1%eth0"], "10.0.0.1"),
            (&["185.45.152.41, for=1.2.3.4"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
            (&["10.7.7.7, 10.8.8.8"], "10.7.7.7"),
        ] {
            assert_eq!(client("10.0.0.1", lines, &["10.0.0.0/8"]), expected, "{lines:?}");
        }
        let bytes: [&[u8]; 1] = [b"185.45.152.41, \xff"];
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(client_address(peer, bytes.into_iter(), &trusted), peer);
    }
}
