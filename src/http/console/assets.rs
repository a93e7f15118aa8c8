//! What pages load: the stylesheet and the modules, compiled in.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use super::refused::Refused;

const STYLE: &str = include_str!("assets/console.css");
const LIVE: &str = include_str!("assets/live.js");
const ICON: &str = include_str!("assets/icon.svg");

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files: name, type, content.
const ALL: [(&str, &str, &str); 3] = [
    ("console.css", "text/css; charset=utf-8", STYLE),
    ("live.js", SCRIPT, LIVE),
    ("icon.svg", "image/svg+xml", ICON),
];

/// One file. It may be kept for a while and is asked for again by its tag.
pub async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Refused> {
    let found = ALL.iter().find(|(known, ..)| *known == name.as_str());
    let Some((_, kind, content)) = found else {
        return Err(Refused::not_found("There is no such file."));
    };
    let unchanged = request.headers().get(header::IF_NONE_MATCH);
    let unchanged = unchanged.is_some_and(|tag| tag.as_bytes() == tag_of_all().as_bytes());
    let mut answer = match unchanged {
        true => HttpResponse::build(StatusCode::NOT_MODIFIED),
        false => HttpResponse::Ok(),
    };
    answer.insert_header((CACHE_CONTROL, "no-cache")).insert_header((ETAG, tag_of_all()));
    Ok(if unchanged { answer.finish() } else { answer.content_type(*kind).body(*content) })
}

/// Another one with every release that changes a file.
fn tag_of_all() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| {
        let mut hash = Sha256::new();
        for (_, _, content) in ALL {
            hash.update(content);
        }
        format!("\"{}\"", const_hex::encode(&hash.finalize()[..8]))
    })
}

#[cfg(test)]
mod tests {
    use super::STYLE;

    /// WCAG 2.2 AA: of text, and of what bounds a control or is a shape with a meaning.
    const TEXT: f64 = 4.5;
    const SHAPE: f64 = 3.0;

    /// The two values of a colour of the stylesheet: in the light and in the dark theme.
    fn colours(name: &str) -> [f64; 2] {
        let (_, rest) = STYLE.split_once(&format!("--{name}: light-dark(")).unwrap();
        let (both, _) = rest.split_once(')').unwrap();
        let (light, dark) = both.split_once(", ").unwrap();
        [light, dark].map(luminance)
    }

    /// The relative luminance of `#rrggbb`, as WCAG defines it.
    fn luminance(colour: &str) -> f64 {
        let bytes: [u8; 3] = const_hex::decode_to_array(colour.trim_start_matches('#')).unwrap();
        let [red, green, blue] = bytes.map(|byte| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn every_pair_of_colours_has_the_contrast_of_aa_in_both_themes() {
        let grounds = ["ground", "surface", "raised"];
        let on_grounds = |name, least| grounds.map(|ground| (name, ground, least));
        let mut pairs = vec![
            ("on-accent", "accent", TEXT),
            ("good", "good-ground", TEXT),
            ("bad", "bad-ground", TEXT),
            ("open", "open-ground", TEXT),
        ];
        for name in ["text", "muted", "accent", "good", "bad", "open"] {
            pairs.extend(on_grounds(name, TEXT));
        }
        pairs.extend(on_grounds("edge", SHAPE));
        for (front, back, least) in pairs {
            for (front_light, back_light) in colours(front).into_iter().zip(colours(back)) {
                let (high, low) = (front_light.max(back_light), front_light.min(back_light));
                let contrast = (high + 0.05) / (low + 0.05);
                assert!(contrast >= least, "{front} on {back}: {contrast:.2}");
            }
        }
    }
}
