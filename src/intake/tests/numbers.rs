//! A few numbers that are easily taken for one another, and how the PBX may write them.

use std::sync::OnceLock;

use crate::domain::{PhoneNumber, WrittenForm};

/// A number, with what is dear to derive.
pub(super) struct Number {
    pub(super) number: PhoneNumber,
    pub(super) forms: Vec<WrittenForm>,
    pub(super) claimed: Vec<WrittenForm>,
    /// The texts by which the PBX may name it.
    pub(super) written: Vec<String>,
}

/// In groups of two that are hard to tell apart: one's international digits are
/// the other's national ones; a shared ending; a leading zero that belongs to
/// one and is the other's trunk prefix; trunk prefixes 8 and 15; one is the
/// other with a zero behind it.
const LIST: [(&str, &str, &str); 10] = [
    ("380441112222", "441112222", "0441112222"),
    ("49380441112222", "380441112222", "0380441112222"),
    ("12125550123", "2125550123", "12125550123"),
    ("13125550123", "3125550123", "13125550123"),
    ("390612345678", "0612345678", "0612345678"),
    ("33612345678", "612345678", "0612345678"),
    ("79161234567", "9161234567", "89161234567"),
    ("5491123456789", "91123456789", "011 15-2345-6789"),
    ("4930123456", "30123456", "030123456"),
    ("49301234560", "301234560", "0301234560"),
];

pub(super) fn numbers() -> &'static [Number] {
    static NUMBERS: OnceLock<Vec<Number>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        LIST.iter()
            .map(|(digits, national, with_trunk)| {
                let number = PhoneNumber::parse(&format!("+{digits}")).unwrap();
                let written = vec![
                    (*digits).to_owned(),
                    format!("+{digits}"),
                    format!("00{digits}"),
                    format!("011{digits}"),
                    (*national).to_owned(),
                    (*with_trunk).to_owned(),
                ];
                let forms = WrittenForm::all_of(number);
                let claimed = WrittenForm::claimed_with(&forms);
                Number { number, forms, claimed, written }
            })
            .collect()
    })
}

/// Whether some text names both.
pub(super) fn share_a_form(one: usize, other: usize) -> bool {
    let (one, other) = (&numbers()[one], &numbers()[other]);
    one.forms.iter().any(|form| other.forms.contains(form))
}
