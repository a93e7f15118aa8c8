//! Whether all is well: accounts at providers, the store, alarms.

use maud::{Markup, html};

use crate::service::Account;

use super::super::state::State;
use super::elements::{badge, dash, instant, plain};

/// Everything, for the overview.
pub async fn panels(state: &State) -> Markup {
    let takes_writes = state.readiness.ask(state).await;
    let (held, waiting) = state.service.load();
    html! {
        div {
            section.panel {
                h2 { "Health" }
                table.plain.cards {
                    thead { tr { th { "What" } th { "State" } th { "Known" } } }
                    tbody {
                        tr {
                            td data-label="What" { "Store" }
                            td data-label="State" { @if takes_writes { (badge("good", "takes writes")) } @else { (badge("bad", "takes no writes")) } }
                            td.text data-label="Known" { (held) " held in memory, " (waiting) " waiting for an answer" }
                        }
                        @for account in state.service.accounts() { (provider(state, account)) }
                    }
                }
                p.hint { "The money left is shown if the guard has a balance floor; else ask " code { "ringproof doctor" } "." }
            }
            (alarms(&state.metrics.alarms()))
        }
    }
}

fn provider(state: &State, account: &Account) -> Markup {
    let facts = account.facts();
    let is_known = *account.answers().borrow();
    html! {
        tr {
            td data-label="What" { "Account " (account.name) }
            td data-label="State" {
                @if is_known { (badge("good", "answers")) } @else { (badge("bad", "has not answered")) }
            }
            td.text data-label="Known" {
                @match (&facts.sounds, facts.sounds_at) {
                    (Some(sounds), Some(at)) => { (sounds.len()) " sounds, asked " (instant(at)) }
                    _ => { @if is_known { (dash()) } @else { "Its clock is unknown, so no button call begins. Check its key and secret, and that this host reaches it." } }
                }
                @if let Some((left, at)) = state.service.money_left(&account.name) {
                    div { (left) " left, asked " (instant(at)) }
                }
            }
        }
    }
}

fn alarms(alarms: &[(String, u64)]) -> Markup {
    html! {
        section.panel {
            h2 { "Alarms since this process began" }
            @if alarms.iter().all(|(_, count)| *count == 0) {
                p.empty { "None. Each is an error in the log as well, with what to do." }
            } @else {
                table.plain {
                    tbody { @for (kind, count) in alarms.iter().filter(|(_, count)| *count > 0) {
                        tr { td { (badge("bad", kind)) } td.number { (count) } td.text { (what_to_do(kind)) } }
                    } }
                }
            }
        }
    }
}

fn what_to_do(kind: &str) -> String {
    match kind {
        "disputed" => "Two reports of one call contradict each other; look at the verification.",
        "endpoint_disabled" => "An app's endpoint answered 410; enable it once it is back.",
        "near_miss" => "A report named almost the number of a call in flight; look at the log.",
        "provider_refused" => "The provider gave up a call: money, or a limit of the account.",
        "store_away" => {
            "The store takes no writes; make room on its disk, or mend what the log names."
        }
        "store_damaged" => "Pages of the store are damaged; restore a backup.",
        "spill_refused" | "spill_damaged" => {
            "The spill beside the store is at fault; the log says how."
        }
        "unlisted_source" => {
            "A signed report came from an address that is not listed; the log names it."
        }
        other => return format!("See {} in the log.", plain(other)),
    }
    .to_owned()
}
