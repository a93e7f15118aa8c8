//! Phone numbers as they may be shown.

/// How many digits are shown at either end.
const HEAD: usize = 3;
const TAIL: usize = 2;
/// The fewest digits that stay hidden in what may be a whole number.
const HIDDEN: usize = 4;
/// More digits than any number has; what is longer is cut here.
const MOST: usize = 20;

/// A number as received, with its middle hidden: `+380•••••••99`. What is no digit is
/// left out, save a leading `+`, so that nothing a stranger sent reaches a log as it is.
#[must_use]
pub fn mask_number(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).take(MOST).collect();
    let tail = TAIL.min(digits.len().saturating_sub(HIDDEN));
    let head = HEAD.min(digits.len().saturating_sub(HIDDEN + tail));
    let shown = |(at, digit): (usize, &char)| match at < head || at >= digits.len() - tail {
        true => *digit,
        false => '•',
    };
    let plus = if number.starts_with('+') { "+" } else { "" };
    plus.chars().chain(digits.iter().enumerate().map(shown)).collect()
}

#[cfg(test)]
mod tests {
    use super::mask_number;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        for (number, shown) in [
            ("+380991234599", "+380•••••••99"),
            ("0991234599", "099•••••99"),
            ("+1234567", "+1••••67"),
            ("12345", "••••5"),
            ("100", "•••"),
            ("", ""),
        ] {
            assert_eq!(mask_number(number), shown);
        }
    }

    #[test]
    fn what_is_no_digit_is_left_out() {
        assert_eq!(mask_number("\n<b>+38099 123-45-99\u{202e}"), "380•••••••99");
        assert_eq!(mask_number(&"9".repeat(500)).chars().count(), 20);
    }
}
