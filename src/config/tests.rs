use std::time::Duration;

use super::*;

/// A folder with a configuration file in it, and the two secrets of an account.
struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    fn new(config: impl AsRef<[u8]>) -> Self {
        let written = Self { folder: tempfile::tempdir().unwrap() };
        written.put("config.toml", config.as_ref());
        written.put("zadarma.secret", b"from-a-file\r\n");
        written.put("zadarma.token", b"token-from-a-file-0123\n");
        written.put("webhook.secret", WEBHOOK_SECRET.as_bytes());
        written
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn load(
        &self,
        environment: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<Config, Vec<String>> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let flags: Vec<_> = flags.iter().map(owned).collect();
        let path = self.folder.path().join("config.toml");
        let folder = format!("{}/", self.folder.path().display());
        load(Some(&path), environment.iter().map(owned), &flags).map_err(|all| {
            all.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
        })
    }
}

fn problems(config: &str) -> Vec<String> {
    Written::new(config).load(&[], &[]).expect_err(config)
}

/// The one problem of `config`.
fn problem(config: &str) -> String {
    let mut all = problems(config);
    assert_eq!(all.len(), 1, "{config}\n{all:#?}");
    all.remove(0)
}

/// 24 bytes.
const WEBHOOK_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n";

/// An account with the least that it needs.
const ACCOUNT: &str = r#"
[accounts.main]
key = "0123456789abcdef0123"
secret_file = "zadarma.secret"
notification_token_file = "zadarma.token"
"#;

/// The example with every setting taken over.
fn uncommented() -> String {
    let open = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(open).collect()
}

#[test]
fn the_example_is_the_defaults() {
    let config = load(None, std::iter::empty(), &[]).unwrap();
    assert!(config.accounts.is_empty() && config.prompts.is_empty() && config.apps.is_empty());
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.store.url, StoreUrl::Sqlite("ringproof.db".into()));
    assert_eq!(config.verification.result_window, Duration::from_secs(180));
    assert_eq!(config.verification.retention, Duration::from_hours(30 * 24));
}

#[test]
fn the_uncommented_example_loads_and_shows_the_defaults_of_an_account() {
    let example = Written::new(uncommented()).load(&[], &[]).unwrap();
    assert_eq!(example.prompts["default"].languages["en"].press, PromptKey::Digit('1'));
    assert_eq!(example.plans["login"].steps.len(), 3);
    assert_eq!(example.test_numbers.len(), 2);
    assert_eq!(example.plans["login"].steps[0].wait, Some(Duration::from_secs(45)));
    assert_eq!(example.apps["shop"].allowed_origins, ["https://shop.example.com"]);
    let shop = &example.apps["shop"];
    assert!(shop.callback_secret.is_some() && shop.pre_send.is_some());
    assert_eq!(shop.endpoints["orders"].events, Events::Status);
    let mut shown = example.accounts["main"].clone();
    assert_eq!(shown.from.take().as_deref(), Some("442030000000"));
    assert!(shown.forward.take().is_some());
    let least = Written::new(ACCOUNT).load(&[], &[]).unwrap();
    assert_eq!(format!("{shown:?}"), format!("{:?}", least.accounts["main"]));
}

#[test]
fn later_layers_win_and_lists_are_replaced() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 1\ntrusted_proxies = [\"10.0.0.0/8\"]\nmax_waits = 7";
    let config = Written::new(file).load(
        &[
            ("RINGPROOF__SERVER__WORKERS", "2"),
            ("ringproof__server__listen", "127.0.0.1:2"),
            ("RINGPROOF__SERVER__TRUSTED_PROXIES", "192.0.2.1, 2001:db8::/32"),
            ("RINGPROOF_OTHER", "not ours"),
        ],
        &[("server.listen", "127.0.0.1:3")],
    );
    let server = config.unwrap().server;
    assert_eq!(server.listen.port(), 3);
    assert_eq!((server.workers, server.max_waits), (2, 7));
    let proxies: Vec<_> = server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["192.0.2.1/32", "2001:db8::/32"]);
}

#[test]
fn the_size_of_the_spill_has_a_unit_and_bounds() {
    let sized = |size: &str| Written::new(format!("[spill]\nmax_size = {size}\n")).load(&[], &[]);
    for (size, bytes) in [("1MiB", 1 << 20), ("2048KiB", 2 << 20), ("16GiB", 16 << 30)] {
        assert_eq!(sized(&format!("\"{size}\"")).unwrap().spill.max_size, bytes, "{size}");
    }
    let bad =
        ["64", "MiB", "1023KiB", "17GiB", "1.5GiB", "-1MiB", "64MB", "99999999999999999999GiB"];
    for size in bad.map(|size| format!("\"{size}\"")).iter().map(String::as_str).chain(["64"]) {
        let problem = problem(&format!("[spill]\nmax_size = {size}\n"));
        assert!(problem.starts_with("config.toml:2: spill.max_size: must be"), "{size}: {problem}");
    }
}

#[test]
fn an_account_may_come_from_the_environment_alone() {
    let environment = [
        ("RINGPROOF__ACCOUNTS__MAIN__KEY", "key"),
        ("RINGPROOF__ACCOUNTS__MAIN__SECRET", "from-the-environment"),
        ("RINGPROOF__ACCOUNTS__MAIN__NOTIFICATION_TOKEN", "token-0123456789-0123456789"),
        ("RINGPROOF__ACCOUNTS__MAIN__REQUIRE_SOURCE", "false"),
        ("RINGPROOF__ACCOUNTS__MAIN__SOURCE_ADDRESSES", ""),
    ];
    let config = Written::new("").load(&environment, &[]).unwrap();
    config.require_account().unwrap();
    let account = &config.accounts["main"];
    assert_eq!(account.secret.expose(), "from-the-environment");
    assert!(!account.require_source && account.source_addresses.is_empty());
}

#[test]
fn a_missing_account_is_reported_with_what_to_set() {
    let config = load(None, std::iter::empty(), &[]).unwrap();
    let problem = config.require_account().unwrap_err().to_string();
    for word in [
        "accounts.main",
        "notification_token",
        "RINGPROOF__ACCOUNTS__MAIN__SECRET",
        "ringproof demo",
    ] {
        assert!(problem.contains(word), "{problem}");
    }
}

#[test]
fn secrets_come_from_files_and_never_show() {
    let written = Written::new(format!("{ACCOUNT}previous_secrets_file = \"old\""));
    written.put("old", b"first-old\n\nsecond-old\n");
    let config = written.load(&[], &[]).unwrap();
    let account = &config.accounts["main"];
    assert_eq!(account.secret.expose(), "from-a-file");
    let old: Vec<_> = account.previous_secrets.iter().map(crate::domain::Secret::expose).collect();
    assert_eq!(old, ["first-old", "second-old"]);
    let shown = format!("{config:?}");
    assert!(!shown.contains("from-a-file") && !shown.contains("-old"), "{shown}");
}

#[test]
fn bad_secrets_are_refused_without_showing_them() {
    let account = |lines: &str| problem(&format!("[accounts.a]\nkey = \"k\"\n{lines}"));
    let token = "notification_token_file = \"zadarma.token\"\n";
    let both = account(&format!("{token}secret = \"se cret\"\nsecret_file = \"zadarma.secret\""));
    assert_eq!(
        both,
        "config.toml:5: accounts.a.secret_file: is set, and so is secret; keep one of the two"
    );
    let blank = account(&format!("{token}secret = \"se cret\""));
    assert!(blank.starts_with("config.toml:4: accounts.a.secret: must be one line"), "{blank}");
    assert!(!blank.contains("se cret"));
    let empty = account(&format!("{token}secret = \"\""));
    assert_eq!(empty, "config.toml:4: accounts.a.secret: is empty");
    let number = account(&format!("{token}secret = 8726354"));
    assert_eq!(number, "config.toml:4: accounts.a.secret: must be text in quotes");
    let gone = account(&format!("{token}secret_file = \"nowhere\""));
    assert!(
        gone.contains("secret_file: nowhere cannot be read") && gone.contains("or set secret"),
        "{gone}"
    );
    let missing = account(token);
    assert!(
        missing.starts_with("config.toml:1: accounts.a.secret: missing; set it, or secret_file"),
        "{missing}"
    );
    let short = account("secret = \"s\"\nnotification_token = \"too-short-to-be-safe\"");
    assert!(
        short.starts_with("config.toml:4: accounts.a.notification_token: must be at least 22"),
        "{short}"
    );
    assert!(!short.contains("too-short-to-be-safe"));
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let near = problem("[server]\n\nlistn = \"127.0.0.1:1\"");
    assert_eq!(near, "config.toml:3: server.listn: unknown key; did you mean \"listen\"?");
    let far = problem("[log]\ncolour = \"blue\"");
    assert_eq!(far, "config.toml:2: log.colour: unknown key; known here: format, level");
    assert!(problem("[acounts.main]\nkey = \"k\"").ends_with("did you mean \"accounts\"?"));
    let nested = problem(&format!("{ACCOUNT}secrets = []"));
    assert!(nested.ends_with("did you mean \"secret\"?"), "{nested}");
    let variables = [("RINGPROOF__SERVER__LISTN", "x"), ("RINGPROOF__", "x")];
    let all = Written::new("").load(&variables, &[("log.levle", "info")]).unwrap_err();
    assert_eq!(all.len(), 3, "{all:#?}");
    assert!(all[0].starts_with("RINGPROOF__: "), "{all:#?}");
    assert_eq!(
        all[1],
        "RINGPROOF__SERVER__LISTN: server.listn: unknown key; did you mean \"listen\"?"
    );
    assert_eq!(all[2], "command line: log.levle: unknown key; did you mean \"level\"?");
}

#[test]
fn each_kind_of_wrong_value_is_named_at_its_line() {
    for (config, expected) in [
        (
            "[server]\nworkers = \"two\"",
            "2: server.workers: must be a whole number from 0 to 1024, but is text",
        ),
        (
            "[server]\nworkers = 5000",
            "2: server.workers: must be a whole number from 0 to 1024, but is 5000",
        ),
        (
            "[server]\nworkers = -1",
            "2: server.workers: must be a whole number from 0 to 1024, but is -1",
        ),
        ("[server]\nlisten = \"localhost\"", "2: server.listen: must be an address and a port"),
        ("[server]\nlisten = 8080", "2: server.listen: must be text in quotes, but is a number"),
        (
            "[server]\npublic_url = \"http://example.com\"",
            "2: server.public_url: \"http://example.com\" is unencrypted",
        ),
        ("[server]\ntrusted_proxies = \"10.0.0.1\"", "2: server.trusted_proxies: must be a list"),
        (
            "[server]\ntrusted_proxies = [\n  \"10.0.0.1/8\",\n]",
            "3: server.trusted_proxies: \"10.0.0.1/8\" has bits",
        ),
        (
            "[server.tls]\nkey = \"k\"",
            "1: server.tls.certificate: missing; set it, or RINGPROOF__SERVER__TLS__CERT",
        ),
        ("server = 3", "1: server: is a section with keys of its own, as in [server]"),
        ("accounts = 3", "1: accounts: must be a section, as in [accounts]"),
        ("[accounts]\nmain = 3", "2: accounts.main: must be a section, as in [accounts.main]"),
        ("[apps.Shop]", "1: apps.Shop: a name is 1 to 64"),
        ("[apps.a__b]", "1: apps.a__b: a name is 1 to 64"),
        (
            "[apps.a]\nallowed_origins = [\"https://a.example:443\"]",
            "2: apps.a.allowed_origins: browsers leave out",
        ),
        (
            "[apps.a]\nallowed_origins = [\"https://a.example/\"]",
            "2: apps.a.allowed_origins: must be an address",
        ),
        ("[log]\nformat = \"xml\"", "2: log.format: must be \"text\" or \"json\""),
        ("[log]\nlevel = \"loud\"", "2: log.level: must be error, warn"),
        ("[log]\nlevel = 1.5", "2: log.level: must be text in quotes, but is a fraction"),
        (
            "store = \"postgres://u:pass@host/db\"",
            "1: store: PostgreSQL needs secret_key_file, the same on all replicas",
        ),
        ("store = \"postgres://host\"", "1: store: must be \"sqlite://\" and a path, or"),
        ("store = \"postgres://u:pa ss@host/db\"", "1: store: must be \"sqlite://\" and a path"),
        ("store = \"ringproof.db\"", "1: store: must be \"sqlite://\" and a path"),
        (
            "[verification]\nexpires_in = 300",
            "2: verification.expires_in: needs a unit: ms, s, m, h or d, as in \"300s\"",
        ),
        ("[verification]\nexpires_in = \"300\"", "2: verification.expires_in: needs a unit"),
        (
            "[verification]\nexpires_in = \"5 minutes\"",
            "2: verification.expires_in: must be a duration, such as",
        ),
        (
            "[verification]\nexpires_in = \"11m\"",
            "2: verification.expires_in: must be from 10s to 10m, but is 11m",
        ),
        (
            "[verification]\nexpires_in = \"99999999999999999999d\"",
            "2: verification.expires_in: must be a duration",
        ),
        ("[verification]\nexpires_in = true", "2: verification.expires_in: must be a duration"),
        (
            "[verification]\ncall_lost_after = \"100s\"",
            "2: verification.result_window: must be at most call_lost_after",
        ),
        (
            "[verification]\nresult_window = \"20s\"",
            "2: verification.clock_tolerance: must be shorter than result_window",
        ),
        (
            "[outbound]\nallowed_networks = [\"10.0.0.1/8\"]",
            "2: outbound.allowed_networks: \"10.0.0.1/8\" has bits",
        ),
        ("[outbound]\nconnect_timeout = \"20s\"", "2: outbound.connect_timeout: must be at most"),
        ("[prompts.p]", "1: prompts.p: has no language"),
        ("[prompts.p.english]", "1: prompts.p.english: a language is"),
        ("[prompts.p.pt-BR]", "1: prompts.p.pt-BR: a language is"),
        (
            "[prompts.p]\ndefault_language = \"de\"",
            "2: prompts.p.default_language: is none of the prompt's languages",
        ),
    ] {
        let all = problems(config);
        let expected = format!("config.toml:{expected}");
        assert!(all.iter().any(|problem| problem.starts_with(&expected)), "{expected}\n{all:#?}");
    }
}

#[test]
fn each_kind_of_wrong_account_is_named_at_its_line() {
    for (line, expected) in [
        ("provider = \"other\"", "provider: must be \"zadarma\""),
        (
            "base_url = \"http://api.zadarma.com\"",
            "base_url: \"http://api.zadarma.com\" is unencrypted",
        ),
        ("base_url = \"ftp://127.0.0.1\"", "base_url: must be an address"),
        ("base_url = \"https://api.zadarma.com/v1\"", "base_url: must be an address"),
        ("from = \"0991234567\"", "from: must be a number in international form"),
        (
            "own_numbers = [\"+44 20 3000 0000\"]",
            "own_numbers: must be a number in international form",
        ),
        ("result_called_did = [\"a\"]", "result_called_did: must be 1 to 15 digits"),
        ("result_called_did = []", "result_called_did: is empty"),
        (
            "result_called_did = [\"442030000000\"]\nown_numbers = [\"+442030000000\"]",
            "result_called_did: 442030000000 is one",
        ),
        ("source_addresses = []", "source_addresses: is empty while require_source is true"),
        ("require_source = \"yes\"", "require_source: must be true or false, but is text"),
        ("requests_per_minute = 0", "requests_per_minute: must be a whole number from 1 to 1000"),
        ("connect_timeout = \"20s\"", "connect_timeout: must be at most request_timeout"),
        ("request_timeout = \"0ms\"", "request_timeout: must be from 10ms to 1m"),
    ] {
        let problems = problems(&format!("{ACCOUNT}{line}"));
        let expected = format!("config.toml:6: accounts.main.{expected}");
        assert!(
            problems.iter().any(|problem| problem.starts_with(&expected)),
            "{expected}\n{problems:#?}"
        );
    }
}

#[test]
fn two_accounts_never_share_a_token() {
    let other = ACCOUNT.replace("main", "other").replace("0123456789abcdef0123", "another_key");
    let problem = problem(&format!("{ACCOUNT}{other}"));
    assert!(
        problem.contains("accounts: other has a notification token that another account has too"),
        "{problem}"
    );
}

#[test]
fn two_accounts_never_are_the_same_one_at_the_provider() {
    let all = problems(&format!("{ACCOUNT}{}", ACCOUNT.replace("main", "other")));
    assert!(all.concat().contains("other has the key of another account"), "{all:#?}");
}

#[test]
fn claims_never_end_before_the_call_is_given_up() {
    let problem = problem("[verification]\nclock_tolerance = \"2s\"\nresult_grace = \"20s\"\n");
    assert!(problem.contains("result_grace"), "{problem}");
}

#[test]
fn all_problems_are_reported_in_the_order_of_their_lines() {
    let config = "stroe = \"x\"\n[server]\nworkers = true\nlisten = 1\n[verification]\nmax_wait = \"61s\"\n[apps.a]\nb = 1";
    let all = problems(config);
    let lines: Vec<_> = all.iter().map(|problem| &problem[..14]).collect();
    let expected = [1, 3, 4, 6, 8].map(|line| format!("config.toml:{line}:"));
    assert_eq!(lines, expected.iter().collect::<Vec<_>>(), "{all:#?}");
}

#[test]
fn files_that_are_no_configuration_are_refused() {
    let all = problems("[server\nlisten = \"x\"\n\n[log]\nlevel = =\nsecret = hunter2\n");
    assert!(
        all.len() >= 2
            && all[0].starts_with("config.toml:1: ")
            && all[1].starts_with("config.toml:5: "),
        "{all:#?}"
    );
    assert!(!all.concat().contains("hunter2"), "{all:#?}");
    let twice = problem("[log]\nlevel = \"info\"\nlevel = \"warn\"");
    assert!(twice.starts_with("config.toml:3: "), "{twice}");
    let bytes = Written::new(b"\n\n[log]\nlevel = \"\xff\"").load(&[], &[]).unwrap_err();
    assert_eq!(bytes, ["config.toml:4: is not UTF-8 text; save the file as UTF-8"]);
    let gone = load(Some(Path::new("no/such/config.toml")), std::iter::empty(), &[]).unwrap_err();
    assert!(gone[0].to_string().starts_with("no/such/config.toml: cannot be read: "), "{gone:?}");
}

#[test]
fn paths_start_at_the_folder_of_the_file_that_holds_them() {
    let written = Written::new("store = \"sqlite://data/a.db\"\n");
    let store = |flags: &[(&str, &str)]| written.load(&[], flags).unwrap().store.url;
    assert_eq!(store(&[]), StoreUrl::Sqlite(written.folder.path().join("data/a.db")));
    assert_eq!(store(&[("store", "sqlite:///tmp/a.db")]), StoreUrl::Sqlite("/tmp/a.db".into()));
    assert_eq!(store(&[("store", "sqlite://b.db")]), StoreUrl::Sqlite("b.db".into()));
}

#[test]
fn addresses_are_kept_without_the_slash_at_their_end() {
    let file = format!(
        "{ACCOUNT}base_url = \"http://[::1]:8081/\"\n[server]\npublic_url = \"https://A.example/rp/\""
    );
    let config = Written::new(file).load(&[], &[]).unwrap();
    assert_eq!(config.accounts["main"].base_url, "http://[::1]:8081");
    assert_eq!(config.server.public_url.as_deref(), Some("https://a.example/rp"));
}

#[test]
fn each_kind_of_wrong_endpoint_is_named_without_its_secret() {
    let endpoint = |lines: &str| problems(&format!("[apps.shop.endpoints.a]\n{lines}")).concat();
    let url = "url = \"https://a.example/\"\n";
    let secret = "secret_file = \"webhook.secret\"\n";
    for (lines, expected) in [
        (url.to_owned(), "a.secret: missing; set it, or secret_file"),
        (secret.to_owned(), "a.url: missing; set it"),
        (format!("{url}secret = \"hunter2-hunter2\""), "a.secret: must be \"whsec_\" and"),
        (format!("{url}secret = \"whsec_aHVudGVyMg==\""), "a.secret: must be \"whsec_\" and"),
        (format!("{url}{secret}previous_secrets = [\"hunter2\"]"), "a.previous_secrets: must be"),
        (format!("{url}{secret}events = \"all\""), "a.events: must be \"status\" or"),
        (format!("{secret}url = \"ftp://a.example\""), "a.url: must be an address"),
        (format!("{secret}url = \"https://u:hunter2@a.example\""), "a.url: must be an address"),
        (format!("{secret}url = \"http://a.example\""), "a.url: is unencrypted"),
        (format!("{secret}url = \"https://10.0.0.1\""), "a.url: is not a public address"),
        (format!("{secret}url = \"https://[::ffff:127.0.0.1]\""), "a.url: is not a public"),
        (format!("{secret}url = \"https://2130706433/\""), "a.url: is not a public address"),
    ] {
        let said = endpoint(&lines);
        assert!(said.contains(&format!("apps.shop.endpoints.{expected}")), "{expected}\n{said}");
        assert!(!said.contains("hunter2") && !said.contains("aHVudGVy"), "{said}");
    }
    let allowed = "[outbound]\nallowed_networks = [\"10.0.0.0/8\"]\n[apps.shop.endpoints.a]\n";
    let inside = format!("{allowed}{secret}url = \"http://10.0.0.1:8080/hook\"");
    assert!(Written::new(inside).load(&[], &[]).is_ok());
    let lonely = problem("[apps.shop]\nprevious_callback_secrets_file = \"webhook.secret\"");
    assert!(lonely.ends_with("is of no use without callback_secret"), "{lonely}");
    let hook = problems("[apps.shop.pre_send]\non_failure = \"ask\"\ntimeout = \"1m\"").concat();
    for said in ["on_failure: must be \"deny\" or", "timeout: must be from 100ms to 10s"] {
        assert!(hook.contains(said), "{hook}");
    }
}

#[test]
fn bad_rules_of_the_guard_are_named_with_what_would_be_right() {
    for (config, said) in [
        ("[guard.per_number]\nmode = \"on\"", "must be \"off\", \"shadow\" or \"enforce\""),
        ("[guard.per_app]\nlimits = [{ max = 0, per = \"1m\" }]", "from 1 to 1000000000"),
        ("[guard.per_app]\nlimits = [{ max = 1 }]", "missing"),
        ("[guard.per_app]\nlimits = [{ max = 1, per = \"400d\" }]", "from 1s to 31d"),
        (
            "[guard.per_app]\nlimits = [{ max = 1, per = \"60s\" }, { max = 2, per = \"1m\" }]",
            "same \"per\"",
        ),
        ("[guard.countries]\nallow = [\"ua\"]", "two capital letters"),
        ("[guard.countries.email]\nallow = [\"UA\"]", "unknown key"),
        ("[guard.prefixes]\nrefuse = [\"0800\"]", "in international form"),
        ("[guard.number_types]\nrefuse = [\"mobile\"]", "must be one of premium_rate"),
        ("[guard.cooldown]\nrejected = \"10\"", "needs a unit"),
        ("[guard.quiet_hours]\nfrom = \"22:00\"", "missing"),
        ("[guard.quiet_hours]\nfrom = \"24:00\"\nto = \"07:00\"", "from \"00:00\" to \"23:59\""),
        ("[guard.quiet_hours]\nfrom = \"7:00\"\nto = \"08:00\"", "from \"00:00\" to \"23:59\""),
        ("[guard.quiet_hours]\nfrom = \"07:00\"\nto = \"07:00\"", "another time than"),
        (
            "[guard.quiet_hours]\nfrom = \"22:00\"\nto = \"07:00\"\nchannels = [\"email\"]",
            "must be one of call_button, call_code, sms",
        ),
        ("[guard.conversion]\nmin_percent = 101", "from 1 to 100"),
        ("[guard.conversion]\nmin_volume = 0", "from 1 to 1000000"),
        ("[guard.conversion]\nblock_for = \"10s\"", "from 1m to 31d"),
        ("[guard.conversion]\nwindow = \"10m\"\nsettle = \"11m\"", "at most \"window\""),
        ("[guard.conversion]\nmin_share = 10", "min_percent"),
        (
            "[apps.shop.guard.conversion]\nmin_percent = 10\nmin_volume = 50\nwindow = \"1h\"\nsettle = \"5m\"",
            "missing",
        ),
        ("[guard]\nnever_again = \"some\"", "must be \"app\" or \"all\""),
        ("[apps.shop.guard.cooldown]\nrejected = \"10m\"", "unknown key"),
    ] {
        let problem = problem(config);
        assert!(problem.contains(said), "{config}: {problem}");
    }
}
