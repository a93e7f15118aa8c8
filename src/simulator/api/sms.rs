//! `/v1/sms/send/`: a text as it is, to one number or several.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::Answer;
use super::received::Received;
use super::required;
use super::verify::{check_phone, delay, fault};
use crate::simulator::inbox::{Channel, Message};
use crate::simulator::numbers;
use crate::simulator::script::Api;
use crate::simulator::world::{World, remember};

/// What one SMS costs.
const COST: f64 = 0.05;

pub(super) async fn send(world: &Arc<World>, received: &Received) -> Answer {
    let numbers = numbers_of(received);
    let Some(first) = numbers.first() else { return required("number") };
    let Some(text) = received.param("message") else { return required("message") };
    let script = world.look(|state| state.script(&numbers::digits(first)));
    delay(world, received, &script).await;
    if let Some(fault) = fault(&script) {
        return fault;
    }
    let (mut sent, mut denied) = (Vec::new(), Vec::new());
    for number in &numbers {
        if let Err(refusal) = check_phone(world, number, None) {
            // With a single number the refusal is the answer.
            if numbers.len() == 1 {
                return refusal;
            }
            denied.push(json!({ "number": number, "message": "Check phone's number" }));
        } else if world.look(|state| state.script(&numbers::digits(number))).api == Api::Denied {
            let message = script.api_message.as_deref().unwrap_or("The number is not served");
            denied.push(json!({ "number": number, "message": message }));
        } else {
            deliver(world, received, number, text);
            sent.push(detail(received, number, text));
        }
    }
    if script.api == Api::AcceptThenDrop {
        return Answer::Dropped;
    }
    Answer::success(json!({
        "messages": sent.len(),
        "cost": COST * sent.len() as f64,
        "currency": "EUR",
        "sms_detalization": sent,
        "denied_numbers": denied,
    }))
}

/// A list between commas, or an array.
fn numbers_of(received: &Received) -> Vec<String> {
    let named = received.fields.iter().filter(|(name, _)| name.split('[').next() == Some("number"));
    let numbers = named.flat_map(|(_, value)| value.split(','));
    numbers.map(str::trim).filter(|number| !number.is_empty()).map(str::to_owned).collect()
}

fn deliver(world: &World, received: &Received, number: &str, text: &str) {
    let message = Message {
        channel: Channel::Sms,
        to: number.to_owned(),
        from: received.param("sender").map(str::to_owned),
        at: world.clock.now(),
        // Whether there is one in the text, only its reader knows.
        code: String::new(),
        text: text.to_owned(),
        subject: None,
        language: received.param("language").map(str::to_owned),
        request_id: String::new(),
    };
    world.change(|state| remember(&mut state.messages, message));
}

fn detail(received: &Received, number: &str, text: &str) -> Value {
    json!({
        "callerid": received.param("sender").unwrap_or("Teamsale"),
        "number": number,
        "cost_min": COST,
        "cost_max": COST,
        "message": text,
        "parts": 1,
    })
}
