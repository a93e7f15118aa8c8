//! Until when a certificate is valid: of X.509 no more than the way to that one field.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the first certificate of a PEM file.
///
/// # Errors
/// When it cannot be read, in words for people.
pub(super) fn valid_until(path: &Path) -> Result<Timestamp, String> {
    let first = CertificateDer::from_pem_file(path).map_err(|error| error.to_string())?;
    not_after(&first).ok_or_else(|| "it holds no certificate that can be read".to_owned())
}

fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate)?;
    let (SEQUENCE, signed, _) = element(certificate)? else { return None };
    let (first, _, rest) = element(signed)?;
    // A certificate of version 1 does not say so.
    let after_serial = if first == VERSION { element(rest)?.2 } else { rest };
    let after_algorithm = element(after_serial)?.2;
    let after_issuer = element(after_algorithm)?.2;
    let (SEQUENCE, validity, _) = element(after_issuer)? else { return None };
    let (_, _, rest) = element(validity)?;
    let (tag, time, _) = element(rest)?;
    let time = std::str::from_utf8(time).ok()?;
    let civil = match tag {
        // Two digits of a year are of 1950 to 2049.
        UTC_TIME => {
            let century = if time.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
            DateTime::strptime("%Y%m%d%H%M%SZ", format!("{century}{time}"))
        }
        GENERALIZED_TIME => DateTime::strptime("%Y%m%d%H%M%SZ", time),
        _ => return None,
    };
    Offset::UTC.to_timestamp(civil.ok()?).ok()
}

/// The first element: its tag, what it holds, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((tag, inside, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(year: i32) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 3, 14);
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_ways_of_writing_years() {
        for year in [2031, 2077] {
            let until = not_after(&made(year)).unwrap();
            assert_eq!(until.to_string(), format!("{year}-03-14T00:00:00Z"));
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let whole = made(2031);
        for cut in 0..whole.len().min(200) {
            assert!(not_after(&whole[..cut]).is_none(), "{cut}");
        }
        assert!(not_after(b"no certificate at all").is_none());
    }
}
