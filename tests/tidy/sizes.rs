//! How long files and functions may be.

use crate::assert_none;
use crate::source::{self, Source};

/// The most lines of a file, its tests not counted.
const FILE_LINES: usize = 400;
/// The most lines of a function with its signature.
const FUNCTION_LINES: usize = 70;

/// Files that may be longer, each with the reason: long flat tables.
const LONG_FILES: [(&str, &str); 0] = [];

/// Functions that may be longer, as `path:name`, each with the reason: page templates.
const LONG_FUNCTIONS: [(&str, &str); 1] =
    [("http/error.rs:row", "the one table of codes, a line or two for each")];

#[test]
fn files_and_functions_stay_within_their_budgets() {
    let (mut problems, mut used) = (Vec::new(), Vec::new());
    for (what, lines, budget) in source::all().iter().flat_map(too_long) {
        match LONG_FILES.iter().chain(&LONG_FUNCTIONS).find(|(excepted, _)| *excepted == what) {
            Some((excepted, _)) => used.push(*excepted),
            None => problems.push(format!("src/{what}: {lines} lines, {budget} are allowed")),
        }
    }
    for (excepted, _) in LONG_FILES.iter().chain(&LONG_FUNCTIONS) {
        if !used.contains(excepted) {
            problems.push(format!("src/{excepted} is within its budget; take it off the list"));
        }
    }
    assert_none(&problems);
}

/// What is over its budget, with its lines and the budget.
fn too_long(file: &Source) -> Vec<(String, usize, usize)> {
    let lines = file.code.trim_end().lines().count();
    let mut found = Vec::new();
    if lines > FILE_LINES {
        found.push((file.path.clone(), lines, FILE_LINES));
    }
    let long = functions(file).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES);
    found
        .extend(long.map(|(name, lines)| (format!("{}:{name}", file.path), lines, FUNCTION_LINES)));
    found
}

/// The functions with a body, and the lines of each.
fn functions(file: &Source) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut words = file.words().peekable();
    while let Some((at, word)) = words.next() {
        if word != "fn" {
            continue;
        }
        let Some((name_at, name)) = words.peek().copied() else { break };
        // The type of a function has no name before its parenthesis.
        if file.code[at + word.len()..name_at].trim().is_empty()
            && let Some(end) = end_of_body(&file.code, name_at)
        {
            found.push((name, file.line(end) - file.line(at) + 1));
        }
    }
    found
}

/// Where the body of the function whose signature goes on at `start` ends.
fn end_of_body(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0;
    let mut nested = 0;
    for (at, c) in code[start..].char_indices() {
        match c {
            '(' | '[' if depth == 0 => nested += 1,
            ')' | ']' if depth == 0 => nested -= 1,
            ';' if depth == 0 && nested == 0 => return None,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(start + at);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn long_files_and_functions_are_found() {
    let body = "    let x = \"}\"; // }\n".repeat(FUNCTION_LINES);
    let text = format!(
        "trait T {{ fn a(x: [u8; 2]); }}\nfn long(f: fn(u8)) {{\n{body}}}\nfn short() {{ {{ }} }}\n"
    );
    let file = Source::new("room/file.rs", &text);
    assert_eq!(functions(&file), [("long", FUNCTION_LINES + 2), ("short", 1)]);
    assert_eq!(
        too_long(&file),
        [("room/file.rs:long".to_owned(), FUNCTION_LINES + 2, FUNCTION_LINES)]
    );
    let lines = "const A: u8 = 1;\n".repeat(FILE_LINES + 1);
    assert_eq!(too_long(&Source::new("room/file.rs", &lines)).len(), 1);
    let tested = format!("const A: u8 = 1;\n#[cfg(test)]\nmod tests {{\n{lines}}}");
    assert_eq!(too_long(&Source::new("room/file.rs", &tested)), []);
}
