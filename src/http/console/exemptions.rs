//! Prefixes that the rule on proofs never blocks: listed, added, taken away.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use crate::domain::Channel;
use crate::service::{Bar, Exemption, LONGEST_PREFIX, to_the_end};

use super::super::state::State;
use super::elements::{channel, hidden_token, instant, or_dash};
use super::form::Posted;
use super::guard::{HOME, act, gone_or_never_there, key_of, reason, why, wrong};
use super::operator::Operator;
use super::page;
use super::refused::Refused;

/// The channels that reach numbers.
const REACHING: [Channel; 3] = [Channel::CallButton, Channel::CallCode, Channel::Sms];

/// Lets a prefix never be blocked for how little of it is proved.
pub async fn exempt(state: Data<State>, posted: Posted) -> Result<HttpResponse, Refused> {
    let (exemption, reason) =
        match exemption(&posted).and_then(|exempt| Ok((exempt, reason(&posted)?))) {
            Ok(wanted) => wanted,
            Err(why) => return wrong(&posted, &state, &why).await,
        };
    let (service, by) = (state.service.clone(), posted.operator.actor());
    let work = async move { service.exempt(&exemption, reason, &by).await };
    to_the_end(state.service.background(), work).await?;
    Ok(page::see_other(HOME))
}

/// Lets a prefix be blocked again.
pub async fn unexempt(
    state: Data<State>,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let (id, service, by) = (key_of(&id)?, state.service.clone(), posted.operator.actor());
    let work = async move { service.unexempt(id, &by).await };
    gone_or_never_there(to_the_end(state.service.background(), work).await?)
}

fn exemption(posted: &Posted) -> Result<Exemption, String> {
    let of = posted.field("channel").unwrap_or_default();
    let reaching = |word| REACHING.into_iter().find(|one| one.as_str() == word);
    let by = (!of.is_empty()).then(|| reaching(of).ok_or("No such channel reaches numbers."));
    let prefix = posted.field("prefix").unwrap_or_default().trim();
    Exemption::parse(prefix, by.transpose()?).ok_or_else(|| {
        format!(
            "The prefix is what numbers begin with in international form: a plus and 1 to \
             {LONGEST_PREFIX} digits, such as +38099; a number's last four are none of it."
        )
    })
}

/// Every exemption, and the form for another one.
#[must_use]
pub fn section(operator: &Operator, exempt: &[Bar]) -> Markup {
    html! {
        section.panel {
            h2 { "Never blocked for its conversion" }
            @if exempt.is_empty() {
                p.empty { "No prefix. Add below one that the rule on proofs must leave alone." }
            } @else {
                table.cards #exemptions {
                    thead { tr { th { "Prefix" } th { "Since (UTC)" } th { "Why" } th { span.hidden { "Take away" } } } }
                    tbody { @for bar in exempt {
                        tr {
                            td.text data-label="Prefix" { (bar.subject) }
                            td data-label="Since" { (instant(bar.created_at)) }
                            td.text data-label="Why" { (or_dash(bar.reason.as_deref())) }
                            td.actions { (act(operator, bar, "exemptions", "delete", "May be blocked")) }
                        }
                    } }
                }
            }
            details.try {
                summary { "Exempt a prefix" }
                form.fields method="post" action="/console/guard/exemptions" {
                    (hidden_token(&operator.session))
                    label { "Prefix" input type="tel" name="prefix" required placeholder="+38099" autocomplete="off"; }
                    label { "Channel"
                        select name="channel" {
                            option value="" { "every channel" }
                            @for one in REACHING { option value=(one.as_str()) { (channel(one)) } }
                        }
                    }
                    (why())
                    button.primary { "Exempt it" }
                }
                p.hint { "A block that stands holds the prefix no more; limits and budgets still do." }
            }
        }
    }
}
