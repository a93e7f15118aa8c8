//! What the guard costs: starts of spoken codes with every rule on and with none, each of
//! which the provider is asked to call.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use jiff::SignedDuration;
use ringproof::clock::Clock;

use crate::drive::{CONNECTIONS, saturate};
use crate::figures::{median, milliseconds, percentile};
use crate::http;
use crate::options::Options;
use crate::process::{Machine, Process};
use crate::report::{Line, Report};
use crate::subject::{Prepared, random};

use super::rounds;

/// Accounts that call in turns, each by a provider of its own: an account may ask a thousand
/// times a minute.
const ACCOUNTS: u64 = 16;
/// Starts of each account, which leave room for what else is asked.
const STARTS: u64 = 850;
/// Prefixes of the numbers, whose prices are asked for before it is measured.
const PREFIXES: u64 = 6;
/// Numbers of a prefix; no more than these are started.
const NUMBERS: u64 = 10_000;
/// End users' addresses and sessions.
const ADDRESSES: u64 = 250;
/// How much of the throughput without a rule must be left.
const GOAL: f64 = 0.85;

/// Nothing is judged.
const NONE: &str = "\
    [guard.countries]\nmode = \"off\"\n\
    [guard.prefixes]\nmode = \"off\"\n\
    [guard.cooldown]\nmode = \"off\"\n\
    [guard.degraded]\nmode = \"off\"\n\
    [guard.number_types]\nmode = \"off\"\n\
    [guard.per_number]\nmode = \"off\"\n";

/// Every rule is on, and none refuses.
const ALL: &str = "\
    [guard.countries]\nallow = [\"UA\"]\nrefuse = [\"RU\"]\n\
    [guard.prefixes]\nrefuse = [\"+38090\", \"+4\"]\n\
    [guard.per_prefix]\nlimits = [{ max = 1000000, per = \"10m\" }, { max = 9000000, per = \"1d\" }]\n\
    [guard.per_country]\nlimits = [{ max = 1000000, per = \"10m\" }, { max = 9000000, per = \"1d\" }]\n\
    [guard.per_app]\nlimits = [{ max = 1000000, per = \"10m\" }, { max = 9000000, per = \"1d\" }]\n\
    [guard.per_address]\nlimits = [{ max = 1000000, per = \"1h\" }]\n\
    [guard.per_rate_key]\nlimits = [{ max = 1000000, per = \"1h\" }]\n\
    [guard.conversion]\nmode = \"enforce\"\nmin_percent = 1\nmin_volume = 1000000\n\
    [guard.price_ceiling]\nmax = \"1 USD\"\n\
    [guard.app_budget]\nper_day = \"1000000 USD\"\n\
    [guard.prefix_budget]\nper_day = \"1000000 USD\"\n\
    [guard.balance_floor]\nmin = \"1 USD\"\n\
    [guard.money_unknown]\nmode = \"enforce\"\n\
    [guard.other_currency]\nmode = \"enforce\"\n";

/// One measurement of one contestant.
struct Run {
    rate: f64,
    p99: Duration,
    others: f64,
}

pub fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let measured = rounds("guard", options.rounds, report, |number| {
        let run = |rules: &str| run(options, rules);
        let (none, all) = if number % 2 == 0 {
            let none = run(NONE)?;
            (none, run(&all())?)
        } else {
            let all = run(&all())?;
            (run(NONE)?, all)
        };
        println!(
            "guard, round {}: {:.0}/s without a rule, {:.0}/s with all, ratio {:.3}",
            number + 1,
            none.rate,
            all.rate,
            all.rate / none.rate
        );
        let others = none.others.max(all.others);
        Ok(((none, all), others))
    })?;
    let of = |figure: fn(&(Run, Run)) -> f64| median(measured.iter().map(figure));
    let ratio = of(|(none, all)| all.rate / none.rate);
    report.line(Line {
        what: format!("starts of spoken codes with every rule on, {CONNECTIONS} connections"),
        goal: "0.85 of those with none",
        measured: format!(
            "{ratio:.2} of those with none: {:.0}/s of {:.0}/s; p99 {:.1} ms (with none {:.1})",
            of(|(_, all)| all.rate),
            of(|(none, _)| none.rate),
            of(|(_, all)| milliseconds(all.p99)),
            of(|(none, _)| milliseconds(none.p99)),
        ),
        is_met: ratio >= GOAL,
    });
    Ok(())
}

/// Every rule, quiet hours that are far from now among them.
fn all() -> String {
    let now = Clock::real().now();
    let from = (now + SignedDuration::from_hours(6)).strftime("%H:%M");
    let to = (now + SignedDuration::from_hours(7)).strftime("%H:%M");
    format!("{ALL}[guard.quiet_hours]\nfrom = \"{from}\"\nto = \"{to}\"\n")
}

fn run(options: &Options, rules: &str) -> Result<Run> {
    let folder = tempfile::tempdir()?;
    let provider = |number| Provider::start(&options.server, folder.path(), number);
    let providers = (0..ACCOUNTS).map(provider).collect::<Result<Vec<_>>>()?;
    let accounts: String = providers.iter().map(|provider| provider.account.as_str()).collect();
    let prepared = Prepared::configured(&options.server, accounts + rules)?;
    let served = prepared.serve()?;
    let warm = ACCOUNTS * PREFIXES;
    let first = prepared.starts_of((0..warm).map(start));
    saturate(served.address, &first, 0, Duration::MAX)?;
    let requests = prepared.starts_of((0..ACCOUNTS * STARTS).map(start));
    let ours: Vec<_> = providers.iter().map(|provider| &provider.process).collect();
    let ours = [&[&served.server, &served.simulator], &*ours].concat();
    let machine = Machine::watch(&ours)?;
    let span = Duration::from_secs(options.seconds);
    let driven = saturate(served.address, &requests, usize::try_from(warm)?, span)?;
    Ok(Run {
        rate: driven.answered as f64 / driven.took.as_secs_f64(),
        p99: percentile(&driven.latencies, 0.99),
        others: machine.others(&ours)?,
    })
}

/// A provider that keeps no limit, with money for all.
struct Provider {
    process: Process,
    /// Its account here.
    account: String,
}

impl Provider {
    fn start(binary: &Path, folder: &Path, number: u64) -> Result<Self> {
        let (key, secret) = (format!("bench{number}"), random());
        let arguments = ["simulate", "--instant", "--key", &key, "--secret", &secret];
        let log = folder.join(format!("provider-{number}.log"));
        let mut process = Process::spawn(binary, arguments, &log)?;
        let address = process.address()?;
        let settings = "{\"rate_limit\":1000000,\"balance\":1000000}";
        http::exchange(address, &http::put("/_simulator/settings", settings))?;
        let account = format!(
            "[accounts.a{number}]\nbase_url = \"http://{address}\"\nkey = \"{key}\"\n\
             secret = \"{secret}\"\nnotification_token = \"{}\"\n\
             requests_per_minute = 1000\n",
            random()
        );
        Ok(Self { process, account })
    }
}

/// A start that differs from every other one by its number.
fn start(index: u64) -> String {
    let (prefix, turn) = (index % PREFIXES, index / PREFIXES);
    let account = turn % ACCOUNTS;
    let number = turn * 7_919 % NUMBERS;
    let user = index % ADDRESSES;
    format!(
        "{{\"to\":\"+38099{prefix:03}{number:04}\",\"channel\":\"call_code\",\
         \"account\":\"a{account}\",\"client_ip\":\"203.0.113.{user}\",\
         \"rate_keys\":[\"session-{index}\"]}}"
    )
}
