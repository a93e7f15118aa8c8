//! From the configuration's plans to what the service walks.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};

use crate::config::{Plan, PlanBy, PlanCode, PlanStep, PromptKey};
use crate::domain::{Name, PhoneNumber};
use crate::service::{Press, WantedBy, WantedCode, WantedSounds, WantedStep};

use super::settings::{key, name, signed};

pub(super) fn plans(
    plans: &BTreeMap<String, Plan>,
) -> anyhow::Result<BTreeMap<Name, Vec<WantedStep>>> {
    let plan = |(plan_name, plan): (&String, &Plan)| {
        let steps = plan.steps.iter().map(step).collect::<anyhow::Result<_>>();
        Ok((name(plan_name)?, steps.with_context(|| format!("in plans.{plan_name}"))?))
    };
    plans.iter().map(plan).collect()
}

fn step(step: &PlanStep) -> anyhow::Result<WantedStep> {
    let named = |text: &Option<String>| text.as_deref().map(name).transpose();
    let by = match &step.by {
        PlanBy::Button { from, prompt, language, press } => WantedBy::Button {
            from: number(from)?,
            sounds: WantedSounds::Prompt { name: named(prompt)?, language: named(language)? },
            press: press.map(|press| match press {
                PromptKey::Random => Press::Random,
                PromptKey::Digit(digit) => Press::Fixed(key(digit)),
            }),
        },
        PlanBy::Code { new_code, language, by } => {
            WantedBy::Code { new_code: *new_code, language: named(language)?, by: code(by)? }
        }
    };
    Ok(WantedStep { wait: step.wait.map(signed), by })
}

fn code(by: &PlanCode) -> anyhow::Result<WantedCode> {
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    Ok(match by {
        PlanCode::Call(from) => WantedCode::Call { from: number(from)? },
        PlanCode::Sms { template, sender } => {
            WantedCode::Sms { template: text(template), sender: text(sender) }
        }
        PlanCode::Email { from, subject, body } => {
            WantedCode::Email { from: from.clone(), subject: text(subject), body: text(body) }
        }
    })
}

fn number(digits: &Option<String>) -> anyhow::Result<Option<PhoneNumber>> {
    let parse = |digits: &String| {
        PhoneNumber::parse(&format!("+{digits}")).map_err(|error| anyhow!("from: {error}"))
    };
    digits.as_ref().map(parse).transpose()
}
