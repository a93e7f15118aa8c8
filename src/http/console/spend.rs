//! What apps have spent on this day, beside what they may.

use maud::{Markup, html};

use crate::domain::Mode;
use crate::service::SpentToday;

use super::super::state::State;
use super::elements::badge;

/// How many apps are shown.
const APPS: usize = 12;

/// The panel, for the overview.
pub async fn panel(state: &State) -> Markup {
    let spent = state.service.spent_today().await;
    html! {
        section.panel #spend {
            h2 { "Spend today (UTC)" }
            @match &spent {
                Ok(spent) if !spent.is_empty() => (table(spent)),
                Ok(_) => p.empty {
                    "Nothing is counted, since no app has a budget. Set " code { "per_day" } " in "
                    code { "[guard.app_budget]" } " of the configuration, with mode " code { "shadow" }
                    " to count without refusing."
                },
                Err(_) => p.empty { "The store does not tell." },
            }
        }
    }
}

fn table(spent: &[SpentToday]) -> Markup {
    let more = spent.len().saturating_sub(APPS);
    html! {
        table.plain.cards {
            thead { tr { th { "App" } th { "Spent, about" } th { "Of a budget of" } } }
            tbody { @for one in spent.iter().take(APPS) {
                tr {
                    td data-label="App" { (one.app) }
                    td data-label="Spent" { (one.spent) @if is_spent(one) { " " (badge("bad", "spent")) } }
                    td data-label="Budget" { (one.budget) @if one.mode == Mode::Shadow { " " (badge("quiet", "shadow")) } }
                }
            } }
        }
        @if more > 0 { p.hint { "and " (more) " more" } }
        p.hint { "An estimate: each attempt counts with the price known before it, a call as one minute. What it really cost is on the provider's bill." }
    }
}

const fn is_spent(one: &SpentToday) -> bool {
    one.spent.micros() >= one.budget.micros()
}
