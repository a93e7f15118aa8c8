//! Rust source as a scanner sees it: without comments, without texts, without tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file of the library or the binary.
pub struct Source {
    /// Its path below `src`, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// The same lines with comments and the insides of literals blanked, up to the tests.
    pub code: String,
}

impl Source {
    /// Reads a snippet as if it were the file at `path`.
    pub fn new(path: &str, text: &str) -> Self {
        let code = blanked(text);
        let end = if is_test_file(path) { 0 } else { start_of_tests(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code: code[..end].to_owned() }
    }

    /// The room the file is in: the folder below `src`, or the file's name there.
    pub fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or(&self.path);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep the file is: `src/room/mod.rs` is 1, `src/room/file.rs` is 2.
    pub fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// The words of the code with their places.
    pub fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = &self.code;
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = at + code[at..].find(is_word)?;
            let rest = &code[start..];
            let end = start + rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            at = end;
            Some((start, &code[start..end]))
        })
    }

    /// What follows `prefix::` anywhere: one name, or the first names of a group.
    pub fn children_of(&self, prefix: &str) -> Vec<&str> {
        let ends =
            self.words().filter(|(_, word)| *word == prefix).map(|(at, word)| at + word.len());
        ends.flat_map(|end| first_names(&self.code[end..])).collect()
    }

    /// The names reached by going up to the crate's root with `super`.
    pub fn children_of_root(&self) -> Vec<&str> {
        let mut found = Vec::new();
        let mut chain = 0;
        let mut end_of_last = 0;
        for (at, word) in self.words() {
            chain = match word {
                "super" if chain > 0 && self.code[end_of_last..at].trim() == "::" => chain + 1,
                "super" => 1,
                _ => 0,
            };
            end_of_last = at + word.len();
            if chain == self.depth() {
                let names = first_names(&self.code[end_of_last..]);
                found.extend(names.into_iter().filter(|name| *name != "super"));
            }
        }
        found
    }

    /// The number of the line at a place in the code.
    pub fn line(&self, at: usize) -> usize {
        1 + self.code[..at].matches('\n').count()
    }
}

/// Every source file below `src`, in the order of their paths.
pub fn all() -> Vec<Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    let read = |path: PathBuf| {
        let below = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        Source::new(&below, &fs::read_to_string(&path).unwrap())
    };
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let all: Vec<_> = files.into_iter().filter(rust).map(read).collect();
    assert!(all.len() > 10, "src was not found");
    all
}

/// The top of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Collects the files below `folder` in order.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Where the module of tests at the end begins, or the end.
fn start_of_tests(code: &str) -> usize {
    let inline = |at: &usize| {
        code[*at..].replacen("#[cfg(test)]", "", 1).trim_start().starts_with("mod tests {")
    };
    code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(inline).unwrap_or(code.len())
}

/// The name after `::`, or those at the top of the group in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let Some(rest) = rest.trim_start().strip_prefix("::") else { return Vec::new() };
    let rest = rest.trim_start();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn name(path: &str) -> &str {
    let path = path.trim_start();
    if path.starts_with('*') {
        "*"
    } else {
        &path[..path.find(|c| !is_word(c)).unwrap_or(path.len())]
    }
}

/// `text` with comments and the insides of literals replaced by blanks; lines stay.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        for byte in &mut out[at..end.unwrap_or(at)] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.unwrap_or(at + 1);
    }
    // Letters beyond ASCII outside texts would be names; blanks keep the places.
    out.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { ' ' }).collect()
}

/// The end of the comment or literal that begins at `at`, if one does.
fn skipped(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let after_word = at > 0 && is_word(char::from(bytes[at - 1]));
    match rest {
        [b'/', b'/', ..] => Some(at + find(rest, b"\n").unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(at + end_of_block_comment(rest)),
        [b'"', ..] => Some(at + end_of_text(rest)),
        [b'r', b'"' | b'#', ..] | [b'b', b'r', b'"' | b'#', ..] if !after_word => {
            end_of_raw_text(rest).map(|end| at + end)
        }
        [b'\'', b'\\', _, ..] => Some(at + 3 + find(&rest[3..], b"'").map_or(0, |end| end + 1)),
        [b'\'', rest @ ..] => {
            // A lifetime has no quote after its first character.
            let length = std::str::from_utf8(&rest[..rest.len().min(4)])
                .or_else(|error| std::str::from_utf8(&rest[..error.valid_up_to()]))
                .ok()
                .and_then(|text| text.chars().next())?
                .len_utf8();
            (rest.get(length) == Some(&b'\'')).then_some(at + length + 2)
        }
        _ => None,
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn end_of_block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn end_of_text(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_raw_text(bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().position(|byte| *byte == b'r')? + 1;
    let hashes = bytes[start..].iter().take_while(|byte| **byte == b'#').count();
    let open = start + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    find(&bytes[open + 1..], &close).map(|end| open + 1 + end + close.len())
}

#[test]
fn comments_and_texts_are_blank_and_lines_stay() {
    let text = "a /* crate::x /* y */ */ b // crate::z\n\"crate::\\\"\" r#\"cr\"ate\"# '\\'' 'é' '\"' <'a> r#type";
    let source = Source::new("room/file.rs", text);
    let words: Vec<_> = source.words().map(|(_, word)| word).collect();
    assert_eq!(words, ["a", "b", "a", "r", "type"]);
    assert_eq!(source.code.lines().count(), 2);
}

#[test]
fn tests_at_the_end_are_not_code() {
    let source =
        Source::new("room/file.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n use crate::x; }");
    assert_eq!(source.code.trim_end(), "fn a() {}");
    assert!(Source::new("room/tests.rs", "use crate::x;").code.is_empty());
    assert!(
        Source::new("room/mod.rs", "#[cfg(test)]\nmod tests;\nuse crate::x;")
            .code
            .contains("crate")
    );
}

#[test]
fn every_way_to_name_a_room_is_seen() {
    let text = "use crate::{a::{b, c}, d, self};\nfn f() { crate::e::g(); crate :: h::i }\npub(crate) struct S;\nuse crate::*;";
    assert_eq!(
        Source::new("room/file.rs", text).children_of("crate"),
        ["a", "d", "self", "e", "h", "*"]
    );
    let up = "use super::super::store::S; use super::sibling; use super::{super::x};";
    assert_eq!(Source::new("room/file.rs", up).children_of_root(), ["store"]);
    assert_eq!(Source::new("room/mod.rs", "use super::store::S;").children_of_root(), ["store"]);
}
