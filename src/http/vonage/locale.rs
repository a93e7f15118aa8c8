//! Locales that clients may ask for, and what an SMS says in their languages.
//!
//! Every documented locale is taken; where we have no text in its language, the
//! English one is sent.

use crate::domain::MARKER;

/// The locales of a verification.
const VERIFY: &str = "ar-xa cs-cz cy-cy cy-gb da-dk de-de el-gr en-au en-gb en-in en-us es-es es-mx \
    es-us fi-fi fil-ph fr-ca fr-fr hi-in hu-hu id-id is-is it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-br \
    pt-pt ro-ro ru-ru sv-se th-th tr-tr vi-vn yue-cn zh-cn zh-tw";
/// The locales of a payment.
const PSD2: &str = "en-gb bg-bg cs-cz da-dk de-de ee-et el-gr es-es fi-fi fr-fr ga-ie hu-hu it-it \
    lv-lv lt-lt mt-mt nl-nl pl-pl sk-sk sl-si sv-se";

/// What an SMS is about.
pub enum About<'a> {
    /// Who asks for the number.
    Brand(&'a str),
    /// A payment.
    Payment {
        /// Who receives it.
        payee: &'a str,
        /// Euros, with two decimals.
        amount: &'a str,
    },
}

/// The language of a locale, if there is such a locale; English where we cannot speak it.
pub fn language(locale: &str, about: &About<'_>) -> Option<&'static str> {
    let known = match about {
        About::Brand(_) => VERIFY,
        About::Payment { .. } => PSD2,
    };
    let locale = locale.to_ascii_lowercase();
    let found = known.split_whitespace().find(|known| *known == locale)?;
    let spoken = ["es", "de", "pl", "ru", "fr"];
    let prefix = found.split('-').next().unwrap_or_default();
    Some(spoken.into_iter().find(|language| *language == prefix).unwrap_or("en"))
}

/// The text of an SMS, with the marker where the code is to stand.
pub fn text(language: &str, about: &About<'_>) -> String {
    let code = MARKER;
    match about {
        About::Brand(brand) => match language {
            "es" => format!("{brand}: su código es {code}"),
            "de" => format!("{brand}: Ihr Code ist {code}"),
            "pl" => format!("{brand}: Twój kod to {code}"),
            "ru" => format!("{brand}: ваш код {code}"),
            "fr" => format!("{brand} : votre code est {code}"),
            _ => format!("{brand} code: {code}"),
        },
        About::Payment { payee, amount } => match language {
            "es" => format!("Código {code} para confirmar el pago de {amount} EUR a {payee}"),
            "de" => format!("Code {code} bestätigt die Zahlung von {amount} EUR an {payee}"),
            "pl" => format!("Kod {code} potwierdza płatność {amount} EUR dla {payee}"),
            "fr" => format!("Code {code} pour confirmer le paiement de {amount} EUR à {payee}"),
            _ => format!("Code {code} confirms the payment of {amount} EUR to {payee}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_locale_is_taken_and_every_text_says_all() {
        let (brand, payment) =
            (About::Brand("Acme"), About::Payment { payee: "Bob", amount: "9.50" });
        assert_eq!(VERIFY.split_whitespace().count(), 39);
        assert_eq!(PSD2.split_whitespace().count(), 21);
        assert_eq!(
            (language("de-DE", &brand), language("ko-kr", &brand)),
            (Some("de"), Some("en"))
        );
        assert_eq!((language("de", &brand), language("ru-ru", &payment)), (None, None));
        for language in ["en", "es", "de", "pl", "ru", "fr"] {
            assert!(
                text(language, &brand).contains("Acme") && text(language, &brand).contains(MARKER)
            );
            for part in ["Bob", "9.50", MARKER] {
                assert!(text(language, &payment).contains(part), "{language}: {part}");
            }
        }
    }
}
