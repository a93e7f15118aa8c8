//! What is depended on: from where, under which licence, how often, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::assert_none;
use crate::source;

/// The one registry that dependencies come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The platform that is built for; what others would pull in is not looked at.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Licences, by their SPDX names, under which a binary may be given away with a notice.
const LICENCES: [&str; 9] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates under another licence, each with the reason why that is well.
const LICENCE_EXCEPTIONS: [(&str, &str); 1] =
    [("webdriver", "MPL-2.0, unmodified, and only the tests use it: it drives the browser")];

/// Crates that begin like this are MPL-2.0 and in the binary, unmodified: that licence asks
/// for their source to be offered, which the registry does, and leaves ours alone.
const SHIPPED_UNDER_MPL: &str = "symphonia";

/// Crates that may be there in several versions, by the reason.
const SEVERAL_VERSIONS: [(&str, &[&str]); 11] = [
    ("ebur128 keeps to bitflags 1", &["bitflags"]),
    ("the PostgreSQL driver and its TLS lag behind", &["const-oid", "fallible-iterator"]),
    ("actix-http keeps to http 0.2 and what it needs", &["foldhash", "http"]),
    (
        "rlibphonenumber keeps to older dashmap and thiserror",
        &["dashmap", "thiserror", "thiserror-impl"],
    ),
    (
        "its build script's parser has two versions of a lexer",
        &["logos", "logos-codegen", "logos-derive"],
    ),
    ("dashmap, metrics-util and the build script's petgraph lag behind hashlink", &["hashbrown"]),
    ("reqwest is ahead of everybody else", &["base64"]),
    (
        "ring, const-hex, metrics-util and the rest are at different steps of rand",
        &["cpufeatures", "getrandom", "rand", "rand_core"],
    ),
    ("postcard's two optional ways of writing", &["embedded-io"]),
    (
        "macros are on their way from syn 2 to syn 3; nothing of them is in the binary",
        &["syn", "synstructure"],
    ),
    (
        "tests and benches only: webdriver, fantoccini and criterion lag behind",
        &[
            "cookie",
            "icu_collections",
            "icu_provider",
            "itertools",
            "litemap",
            "tinystr",
            "writeable",
            "yoke",
            "yoke-derive",
            "zerovec",
            "zerovec-derive",
        ],
    ),
];

/// The shortest comment that can be a reason.
const SHORTEST_REASON: usize = 8;

#[test]
fn dependencies_come_from_the_registry_under_good_licences() {
    let metadata = metadata();
    let mut problems = Vec::new();
    for package in
        metadata.packages.iter().filter(|package| !metadata.workspace_members.contains(&package.id))
    {
        let name = package.name.as_str();
        if package.source.as_ref().is_none_or(|source| source.repr != REGISTRY) {
            problems.push(format!("{name} does not come from crates.io"));
        }
        let excepted = LICENCE_EXCEPTIONS.iter().any(|(excepted, _)| *excepted == name);
        let licence = package.license.as_deref().unwrap_or("none");
        if name.starts_with(SHIPPED_UNDER_MPL) && licence == "MPL-2.0" {
            continue;
        }
        if is_allowed(licence) == excepted {
            let wrong = if excepted { "needs no exception for" } else { "has" };
            problems.push(format!("{name} {wrong} the licence {licence}"));
        }
    }
    let shipped = shipped(&metadata);
    for (name, _) in LICENCE_EXCEPTIONS.iter().filter(|(name, _)| shipped.contains(name)) {
        problems.push(format!("{name} is excepted for the tests only, yet the binary has it"));
    }
    assert_none(&problems);
}

#[test]
fn no_crate_is_there_twice_without_a_reason() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in &metadata.packages {
        versions.entry(package.name.as_str()).or_default().push(package.version.to_string());
    }
    versions.retain(|_, versions| versions.len() > 1);
    let allowed: BTreeSet<&str> =
        SEVERAL_VERSIONS.iter().flat_map(|(_, names)| *names).copied().collect();
    let new = versions.iter().filter(|(name, _)| !allowed.contains(*name));
    let mut problems: Vec<_> =
        new.map(|(name, versions)| format!("{name} {}", versions.join(", "))).collect();
    let gone = allowed.iter().filter(|name| !versions.contains_key(*name));
    problems.extend(gone.map(|name| format!("{name} is there once; take it off the list")));
    assert_none(&problems);
}

#[test]
fn every_dependency_has_its_reason_on_its_line() {
    let manifest = fs::read_to_string(source::root().join("Cargo.toml")).unwrap();
    assert_none(&without_reason(&manifest));
}

fn metadata() -> Metadata {
    let manifest = source::root().join("Cargo.toml");
    let options = ["--locked", "--filter-platform", PLATFORM].map(str::to_owned).to_vec();
    MetadataCommand::new().manifest_path(manifest).other_options(options).exec().unwrap()
}

/// The names of what the binary itself holds: reached without test and build dependencies.
fn shipped(metadata: &Metadata) -> BTreeSet<&str> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let mut reached: BTreeSet<&PackageId> = BTreeSet::new();
    let mut next: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    while let Some(id) = next.pop() {
        if !reached.insert(id) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == *id).unwrap();
        let normal = node.deps.iter().filter(|dependency| {
            dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
        });
        next.extend(normal.map(|dependency| &dependency.pkg));
    }
    metadata
        .packages
        .iter()
        .filter(|package| reached.contains(&package.id))
        .map(|package| package.name.as_str())
        .collect()
}

/// Whether an SPDX expression can be satisfied with [`LICENCES`]; `/` is an old way to write OR.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut allowed = all_of(rest);
    while let ["OR", after @ ..] = *rest {
        *rest = after;
        allowed |= all_of(rest);
    }
    allowed
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut allowed = one(rest);
    while let ["AND", after @ ..] = *rest {
        *rest = after;
        allowed &= one(rest);
    }
    allowed
}

fn one(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let allowed = any_of(rest);
            let [")", after @ ..] = *rest else { return false };
            *rest = after;
            allowed
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            LICENCES.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, after @ ..] => {
            *rest = after;
            LICENCES.contains(licence)
        }
        [] => false,
    }
}

/// The direct dependencies whose line does not end in a comment.
fn without_reason(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            if section.contains("dependencies.") {
                found.push(format!("{section}: write a dependency on one line, with its reason"));
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let reason = line.rsplit_once("# ").map_or("", |(_, reason)| reason);
            if reason.len() < SHORTEST_REASON {
                found.push(format!("{line}: has no reason"));
            }
        }
    }
    found
}

#[test]
fn licences_are_told_apart() {
    for allowed in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-3.0) AND ISC",
        "MIT OR Apache-2.0 AND ISC",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in [
        "",
        "none",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND GPL-3.0",
        "MIT MIT",
        "MIT WITH X",
        "(MIT",
    ] {
        assert!(!is_allowed(refused), "{refused}");
    }
}

#[test]
fn dependencies_without_a_reason_are_found() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na = \"1\" # the HTTP server\nb = \"1\"\nc = \"1\" # why\n\
                    [dev-dependencies.d]\nversion = \"1\"\n";
    assert_eq!(without_reason(manifest).len(), 3, "{:?}", without_reason(manifest));
}
