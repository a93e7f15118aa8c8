//! The two cookies of the console. Their values are plain words of ours, so nothing of
//! the format beyond that is needed.

use actix_web::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};

/// A cookie about to be set. Scripts never see it, and only pages of this site send it.
pub struct Cookie<'a> {
    /// Its name.
    pub name: &'a str,
    /// A word of letters, digits, "-" and "_".
    pub value: &'a str,
    /// Below which path it is sent.
    pub path: &'static str,
    /// Seconds that it lasts; as long as the browser runs unless given.
    pub max_age: Option<u32>,
    /// Whether it is sent over TLS only.
    pub secure: bool,
}

/// The value of a request's cookie; the first, if somebody sends several.
#[must_use]
pub fn read<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(known, value)| (known.trim(), value.trim())).find_map(|(known, value)| {
        let fits = known == name && (1..=128).contains(&value.len()) && is_word(value);
        fits.then_some(value)
    })
}

/// Has the browser keep a cookie.
pub fn set(answer: &mut HttpResponse, cookie: &Cookie<'_>) {
    let Cookie { name, value, path, max_age, secure } = cookie;
    let mut text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict");
    if let Some(seconds) = max_age {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    if *secure {
        text.push_str("; Secure");
    }
    // Names and values are words, so this always is one.
    if let Ok(value) = HeaderValue::try_from(text) {
        answer.headers_mut().append(SET_COOKIE, value);
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn one_value_is_read_among_others_and_only_a_word() {
        let read_from = |line: &'static str| {
            let request = TestRequest::default().insert_header((COOKIE, line)).to_http_request();
            read(&request, "a").map(str::to_owned)
        };
        assert_eq!(read_from("b=2; a=x-1_Z;c=3").as_deref(), Some("x-1_Z"));
        assert_eq!(read_from("a=; a=second").as_deref(), Some("second"));
        for line in ["b=2", "a", "a=", "a=x y", "a=\"x\"", "aa=1", ""] {
            assert_eq!(read_from(line), None, "{line}");
        }
    }
}
