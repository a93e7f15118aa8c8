//! `/v1/info/`, `/v1/direct_numbers/` and `/v1/pbx/internal/`.

use serde_json::{Value, json};

use super::answer::Answer;
use super::received::Received;
use super::{PBX_ID, required};
use crate::simulator::numbers;
use crate::simulator::world::World;

pub(super) fn balance(world: &World) -> Answer {
    world.look(|state| {
        let settings = &state.settings;
        Answer::success(json!({ "balance": settings.balance, "currency": settings.currency }))
    })
}

/// The PBX's clock, which may be off, in the account's zone.
pub(super) fn timezone(world: &World) -> Answer {
    let (skew, offset) =
        world.look(|state| (state.settings.clock_skew_seconds, state.settings.zone_offset_minutes));
    Answer::success(json!({
        "unixtime": world.clock.now().as_second().saturating_add(skew),
        "datetime": world.pbx_time(0),
        "timezone": zone_name(offset),
    }))
}

/// What a minute costs, by the longest prefix that the settings price.
pub(super) fn price(world: &World, received: &Received) -> Answer {
    let Some(number) = received.param("number") else { return required("number") };
    let digits = numbers::digits(number);
    if digits.len() < 7 {
        return Answer::error("Check phone's number").with_status(400);
    }
    let prefix: String = digits.chars().take(3).collect();
    let settings = world.look(|state| state.settings.clone());
    let priced = settings.prices.iter().filter(|(prefix, _)| digits.starts_with(*prefix));
    let priced = priced.max_by_key(|(prefix, _)| prefix.len());
    let (prefix, price) =
        priced.map_or((&prefix, &settings.price), |(prefix, price)| (prefix, price));
    Answer::success(json!({ "info": {
        "prefix": prefix,
        "description": "Simulated country, mobile",
        "price": price,
        "currency": settings.currency,
    }}))
}

pub(super) fn direct_numbers(world: &World) -> Answer {
    let numbers: Vec<Value> = world.look(|state| {
        let numbers = state.settings.direct_numbers.iter();
        numbers.map(|number| direct_number(number)).collect()
    });
    Answer::success(json!({ "info": numbers }))
}

pub(super) fn internal(world: &World) -> Answer {
    let numbers = world.look(|state| state.settings.internal_numbers.clone());
    Answer::success(json!({ "pbx_id": PBX_ID, "numbers": numbers }))
}

fn direct_number(number: &str) -> Value {
    json!({
        "number": number,
        "status": "on",
        "country": "Simulated country",
        "description": "Simulated city",
        "number_name": null,
        "sip": "00001",
        "sip_name": null,
        "start_date": "2024-01-01 00:00:00",
        "stop_date": "2034-01-01 00:00:00",
        "monthly_fee": 1.8,
        "currency": "USD",
        "channels": 2,
        "autorenew": "true",
        "is_on_test": "false",
        "type": "common",
    })
}

fn zone_name(offset_minutes: i32) -> String {
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
    if minutes == 0 {
        format!("UTC{sign}{hours}")
    } else {
        format!("UTC{sign}{hours}:{minutes:02}")
    }
}
