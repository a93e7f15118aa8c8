//! Addresses that webhooks go to. Whether one may be reached is decided when its host
//! has been looked up, by whoever sends.

use std::net::IpAddr;

use url::{Host, Url};

/// The longest address, in bytes.
const LONGEST: usize = 2048;

/// An `https` or `http` address with a host, without user, password and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// A text that is no such address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "must be an address as in \"https://example.com/hook\", at most {LONGEST} bytes, without user, password and fragment"
)]
pub struct InvalidWebhookUrl;

impl WebhookUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookUrl> {
        let url = Url::parse(text).map_err(|_| InvalidWebhookUrl)?;
        let fits = text.len() <= LONGEST
            && matches!(url.scheme(), "https" | "http")
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if fits { Ok(Self(url)) } else { Err(InvalidWebhookUrl) }
    }

    /// The address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The text of the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is encrypted on its way.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, if it is an address in whatever spelling and no name.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_and_its_host_is_read_as_connections_read_it() {
        let literal = |text: &str| WebhookUrl::parse(text).unwrap().literal();
        assert_eq!(literal("https://shop.example/hook?a=b"), None);
        for spelling in
            ["http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.1"]
        {
            assert_eq!(literal(spelling), Some(IpAddr::from([127, 0, 0, 1])), "{spelling}");
        }
        assert!(literal("http://[::1]:8080/").is_some_and(|address| address.is_loopback()));
        let long = format!("https://a.example/{}", "a".repeat(LONGEST));
        for wrong in [
            "",
            "shop.example",
            "ftp://a.example/",
            "https://",
            "https://u@a.example/",
            "https://:p@a.example/",
            "https://a.example/#f",
            "file:///etc/passwd",
            &long,
        ] {
            assert_eq!(WebhookUrl::parse(wrong), Err(InvalidWebhookUrl), "{wrong}");
        }
    }
}
