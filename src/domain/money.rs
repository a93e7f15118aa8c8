//! Money: an amount in millionths of a currency's unit. It is compared and added within one
//! currency only; nothing here converts.

use std::fmt;

/// Millionths in one.
const MICROS: i64 = 1_000_000;
/// Digits of them.
const DIGITS: usize = 6;

/// An ISO 4217 code: three capital letters. Whether such a currency exists is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// So much of a currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    micros: i64,
    currency: Currency,
}

/// Why a text is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// It is no amount and currency.
    #[error("it is not an amount and a currency, such as \"0.05 EUR\"")]
    Form,
    /// The currency is no ISO 4217 code.
    #[error("a currency is three capital letters of ISO 4217, such as EUR")]
    Currency,
    /// There are more than six decimals.
    #[error("an amount has at most six decimals")]
    TooFine,
    /// It is beyond what is counted.
    #[error("the amount is too large")]
    TooLarge,
}

impl Currency {
    /// Reads three capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // They are ASCII, since `parse` is the only way here.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Money {
    /// Reads an amount of at most six decimals and a currency, as in `0.05 EUR`.
    ///
    /// # Errors
    /// See [`InvalidMoney`].
    pub fn parse(text: &str) -> Result<Self, InvalidMoney> {
        let (amount, currency) = text.split_once(' ').ok_or(InvalidMoney::Form)?;
        let currency = Currency::parse(currency).ok_or(InvalidMoney::Currency)?;
        match micros(amount)? {
            (micros, Finer::No) => Ok(Self { micros, currency }),
            (_, Finer::Yes) => Err(InvalidMoney::TooFine),
        }
    }

    /// Reads an amount and a currency that somebody else tells. What is finer than a
    /// millionth counts as a whole one, so that no price is taken for less than it is.
    ///
    /// # Errors
    /// See [`InvalidMoney`].
    pub fn told(amount: &str, currency: &str) -> Result<Self, InvalidMoney> {
        let currency =
            Currency::parse(&currency.trim().to_ascii_uppercase()).ok_or(InvalidMoney::Currency)?;
        let (micros, finer) = micros(amount.trim())?;
        let more = i64::from(finer == Finer::Yes && !amount.trim().starts_with('-'));
        let micros = micros.checked_add(more).ok_or(InvalidMoney::TooLarge)?;
        Ok(Self { micros, currency })
    }

    /// So many millionths of a currency.
    #[must_use]
    pub const fn of(micros: i64, currency: Currency) -> Self {
        Self { micros, currency }
    }

    /// In millionths; below zero for a debt.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// In millionths; a debt is nothing.
    #[must_use]
    pub fn spent(self) -> u64 {
        u64::try_from(self.micros).unwrap_or_default()
    }

    /// Of which currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }
}

/// Whether an amount has more decimals than are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finer {
    Yes,
    No,
}

/// Digits, perhaps with decimals, as millionths, and whether there was more behind them.
fn micros(amount: &str) -> Result<(i64, Finer), InvalidMoney> {
    let (sign, digits) = match amount.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, amount),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(decimals) {
        return Err(InvalidMoney::Form);
    }
    let (kept, rest) = decimals.split_at(decimals.len().min(DIGITS));
    let finer = if rest.bytes().any(|digit| digit != b'0') { Finer::Yes } else { Finer::No };
    let whole: i64 = whole.parse().map_err(|_| InvalidMoney::TooLarge)?;
    let kept: i64 = format!("{kept:0<DIGITS$}").parse().map_err(|_| InvalidMoney::Form)?;
    let micros = whole.checked_mul(MICROS).and_then(|whole| whole.checked_add(kept));
    micros.map(|micros| (sign * micros, finer)).ok_or(InvalidMoney::TooLarge)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, micros) = (if self.micros < 0 { "-" } else { "" }, self.micros.unsigned_abs());
        let (whole, rest) = (micros / MICROS.unsigned_abs(), micros % MICROS.unsigned_abs());
        let decimals = format!("{rest:06}");
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{decimals} {}", self.currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_read_to_the_millionth_or_refused() {
        for (text, micros) in [
            ("0.05 EUR", 50_000),
            ("5 USD", 5_000_000),
            ("0.000001 UAH", 1),
            ("-3.25 EUR", -3_250_000),
            ("1.50000000 EUR", 1_500_000),
        ] {
            assert_eq!(Money::parse(text).map(Money::micros), Ok(micros), "{text}");
        }
        for (text, error) in [
            ("0.05", InvalidMoney::Form),
            ("", InvalidMoney::Form),
            (".5 EUR", InvalidMoney::Form),
            ("5. EUR", InvalidMoney::Form),
            ("1e3 EUR", InvalidMoney::Form),
            ("+1 EUR", InvalidMoney::Form),
            ("0,05 EUR", InvalidMoney::Form),
            ("NaN EUR", InvalidMoney::Form),
            ("5 eur", InvalidMoney::Currency),
            ("5  EUR", InvalidMoney::Currency),
            ("5 €", InvalidMoney::Currency),
            ("0.0000001 EUR", InvalidMoney::TooFine),
            ("9999999999999 EUR", InvalidMoney::TooLarge),
            ("99999999999999999999 EUR", InvalidMoney::TooLarge),
        ] {
            assert_eq!(Money::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_price_that_is_told_finer_than_a_millionth_is_never_taken_for_less() {
        assert_eq!(Money::told("0.0000011", "usd").unwrap().micros(), 2);
        assert_eq!(Money::told("-0.0000011", "USD").unwrap().micros(), -1);
        assert_eq!(Money::told("0.009", "USD").unwrap().to_string(), "0.009 USD");
        assert!(Money::told("free", "USD").is_err() && Money::told("1", "").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(micros in -1_000_000_000_000_i64..1_000_000_000_000) {
            let money = Money { micros, currency: Currency(*b"EUR") };
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,40}") {
            let _ = (Money::parse(&text), Money::told(&text, "EUR"));
        }
    }
}
