//! How the PBX writes the number that it called.
//!
//! A small table of our own instead of the product's number library, so that the
//! two cannot share a mistake. Countries outside it are written without a prefix.

use serde::{Deserialize, Serialize};

/// A way of writing a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NumberForm {
    National,
    Bare,
    Plus,
    DoubleZero,
    AsGiven,
}

/// Calling code and trunk prefix.
const TRUNKS: [(&str, &str); 62] = [
    ("1", ""),
    ("7", "8"),
    ("20", "0"),
    ("27", "0"),
    ("30", ""),
    ("31", "0"),
    ("32", "0"),
    ("33", "0"),
    ("34", ""),
    ("36", "06"),
    ("39", ""),
    ("40", "0"),
    ("41", "0"),
    ("43", "0"),
    ("44", "0"),
    ("45", ""),
    ("46", "0"),
    ("47", ""),
    ("48", ""),
    ("49", "0"),
    ("51", "0"),
    ("52", ""),
    ("54", "0"),
    ("55", "0"),
    ("56", ""),
    ("57", ""),
    ("60", "0"),
    ("61", "0"),
    ("62", "0"),
    ("63", "0"),
    ("64", "0"),
    ("65", ""),
    ("66", "0"),
    ("81", "0"),
    ("82", "0"),
    ("84", "0"),
    ("86", "0"),
    ("90", "0"),
    ("91", "0"),
    ("92", "0"),
    ("351", ""),
    ("353", "0"),
    ("355", "0"),
    ("358", "0"),
    ("359", "0"),
    ("370", "0"),
    ("371", ""),
    ("372", ""),
    ("373", "0"),
    ("374", "0"),
    ("375", "80"),
    ("380", "0"),
    ("381", "0"),
    ("385", "0"),
    ("386", "0"),
    ("420", ""),
    ("421", "0"),
    ("506", ""),
    ("972", "0"),
    ("994", "0"),
    ("995", "0"),
    ("996", "0"),
];

/// The digits of a number as given.
pub(super) fn digits(given: &str) -> String {
    given.chars().filter(char::is_ascii_digit).collect()
}

/// Writes the number that was given as `given`.
pub(super) fn written(given: &str, form: NumberForm) -> String {
    let digits = digits(given);
    match form {
        NumberForm::National => national(&digits).unwrap_or(digits),
        NumberForm::Bare => digits,
        NumberForm::Plus => format!("+{digits}"),
        NumberForm::DoubleZero => format!("00{digits}"),
        NumberForm::AsGiven => given.to_owned(),
    }
}

fn national(digits: &str) -> Option<String> {
    let fits = |(code, trunk): &(&str, &str)| {
        digits.strip_prefix(code).map(|rest| (code.len(), format!("{trunk}{rest}")))
    };
    TRUNKS.iter().filter_map(fits).max_by_key(|(length, _)| *length).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_every_form() {
        let write = |form| written("+380999999999", form);
        assert_eq!(write(NumberForm::National), "0999999999");
        assert_eq!(write(NumberForm::Bare), "380999999999");
        assert_eq!(write(NumberForm::Plus), "+380999999999");
        assert_eq!(write(NumberForm::DoubleZero), "00380999999999");
        assert_eq!(write(NumberForm::AsGiven), "+380999999999");
        assert_eq!(written("+12125550123", NumberForm::National), "2125550123");
        assert_eq!(written("+79161234567", NumberForm::National), "89161234567");
        assert_eq!(written("+99912345678", NumberForm::National), "99912345678");
    }
}
