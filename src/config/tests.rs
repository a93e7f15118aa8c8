use super::*;

#[test]
fn the_defaults_load() {
    let config = load(None, std::iter::empty(), &[]).unwrap();
    assert!(config.accounts.is_empty());
    println!("{config:#?}");
}

fn uncommented() -> String {
    let open = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(open).collect()
}

#[test]
fn the_uncommented_example_loads() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("zadarma.secret"), "s3cret\n").unwrap();
    fs::write(folder.path().join("zadarma.token"), "0123456789012345678901\n").unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, uncommented()).unwrap();
    let config = load(Some(&path), std::iter::empty(), &[]).unwrap();
    println!("{config:#?}");
}
