//! `/v1/verify/` and `/v1/verify/check/`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::answer::Answer;
use super::received::Received;
use super::required;
use crate::simulator::call::{ButtonSounds, CallId, Kind};
use crate::simulator::exchange::{self, Order};
use crate::simulator::inbox::{self, Channel, Check, Message};
use crate::simulator::numbers;
use crate::simulator::script::{Api, Notify, Script};
use crate::simulator::world::{World, remember};

/// The mark in an e-mail's text that the code replaces.
const CODE_MARK: &str = "{#code#}";

pub(super) async fn start(world: &Arc<World>, received: &Received) -> Answer {
    let order = match Wanted::read(world, received) {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    let script = world.look(|state| state.script(&numbers::digits(order.to())));
    if let Some(fault) = fault(&script) {
        delay(world, received, &script).await;
        return fault;
    }
    let (opens, gate) = oneshot::channel();
    let (answer, call) = order.accept(world, &script, gate);
    match (script.api, script.notify) {
        (Api::Slow | Api::AcceptThenDrop, _) | (_, Notify::BeforeAnswer) => drop(opens),
        _ => {
            delay(world, received, &script).await;
            return answer.then(opens);
        }
    }
    if let (Notify::BeforeAnswer, Some(call)) = (script.notify, call) {
        settled(world, call).await;
    }
    delay(world, received, &script).await;
    if script.api == Api::AcceptThenDrop { Answer::Dropped } else { answer }
}

pub(super) fn check(world: &World, received: &Received) -> Answer {
    let Some(code) = received.param("code") else { return required("code") };
    let Some(request_id) = received.param("request_id") else { return required("request_id") };
    let now = world.clock.now();
    match world.look(|state| inbox::check(&state.messages, request_id, code, now)) {
        Check::Right => Answer::success(json!({ "message": "Code is correct" })),
        Check::Wrong => Answer::error("Invalid verification code"),
        Check::UnknownRequest => Answer::error("No such request id"),
    }
}

/// What a valid request asks for.
enum Wanted {
    Button { to: String, from: String, sounds: ButtonSounds },
    Code(Message),
}

impl Wanted {
    fn read(world: &World, received: &Received) -> Result<Self, Answer> {
        let text = |name: &str| received.param(name).map(str::to_owned);
        let channel = received.param("channel").ok_or_else(|| required("channel"))?;
        let to = text("to").ok_or_else(|| required("to"))?;
        let channel = match channel {
            "call_button" => None,
            "call_code" => Some(Channel::CallCode),
            "sms" => Some(Channel::Sms),
            "email" => Some(Channel::Email),
            _ => return Err(Answer::error("Wrong \"channel\" param")),
        };
        if channel == Some(Channel::Email) {
            if !to.contains('@') {
                return Err(Answer::error("Check e-mail address"));
            }
        } else {
            check_phone(world, &to, received.param("from"))?;
        }
        match channel {
            None => Self::button(world, received, to),
            Some(channel) => Self::code(world, received, channel, to),
        }
    }

    fn button(world: &World, received: &Received, to: String) -> Result<Self, Answer> {
        let sound = |name: &str| {
            let id = received.param(name).ok_or_else(|| required(name))?;
            let known = world.look(|state| state.sounds.iter().any(|sound| sound.id == id));
            if known {
                Ok(id.to_owned())
            } else {
                Err(Answer::error(format!("Wrong \"{name}\" param")))
            }
        };
        let sounds = ButtonSounds {
            greeting: sound("greeting_sound_id")?,
            confirmed: sound("button_1_sound_id")?,
            fallback: sound("fallback_sound_id")?,
        };
        Ok(Self::Button { to, from: from(world, received), sounds })
    }

    fn code(
        world: &World,
        received: &Received,
        channel: Channel,
        to: String,
    ) -> Result<Self, Answer> {
        let text = |name: &str| received.param(name).map(str::to_owned);
        let code = match text("code") {
            Some(code) if code.bytes().all(|byte| byte.is_ascii_digit()) => code,
            Some(_) => return Err(Answer::error("Wrong \"code\" param")),
            None => format!("{}", rand::random_range(100_000..1_000_000)),
        };
        let body = text("email_body").unwrap_or_else(|| format!("Your code: {CODE_MARK}"));
        if channel == Channel::Email && !body.contains(CODE_MARK) {
            return Err(Answer::error(format!("\"email_body\" must contain {CODE_MARK}")));
        }
        let language = text("language");
        let known = ["en", "es", "de", "pl", "ru", "ua", "fr"];
        if language.as_deref().is_some_and(|language| !known.contains(&language)) {
            return Err(Answer::error("Wrong \"language\" param"));
        }
        Ok(Self::Code(Message {
            channel,
            to,
            from: text(if channel == Channel::Sms { "caller_id" } else { "from" }),
            at: world.clock.now(),
            text: match channel {
                Channel::Email => body.replace(CODE_MARK, &code),
                Channel::Sms => format!("Your code: {code}"),
                Channel::CallCode => format!("{code}, {code}"),
            },
            code,
            subject: text("email_subject"),
            language,
            request_id: request_id(),
        }))
    }

    fn to(&self) -> &str {
        match self {
            Self::Button { to, .. } => to,
            Self::Code(message) => &message.to,
        }
    }

    /// Does what was asked, and says so.
    fn accept(
        self,
        world: &Arc<World>,
        script: &Script,
        gate: oneshot::Receiver<()>,
    ) -> (Answer, Option<CallId>) {
        match self {
            Self::Button { to, from, sounds } => {
                let (kind, sounds) = (Kind::Button, Some(sounds));
                let order = Order { kind, to, from, sounds, spoken: None };
                let call = exchange::begin(world, order, script.clone(), gate);
                (Answer::success(json!({})), Some(call))
            }
            Self::Code(message) => {
                let answer = Answer::success(json!({ "request_id": message.request_id }));
                let call = (message.channel == Channel::CallCode).then(|| {
                    let order = Order {
                        kind: Kind::Code,
                        to: message.to.clone(),
                        from: message.from.clone().unwrap_or_else(|| own_number(world)),
                        sounds: None,
                        spoken: Some(message.text.clone()),
                    };
                    exchange::begin(world, order, script.of_spoken_code(), gate)
                });
                world.change(|state| remember(&mut state.messages, message));
                (answer, call)
            }
        }
    }
}

pub(super) fn check_phone(world: &World, to: &str, from: Option<&str>) -> Result<(), Answer> {
    let digits = numbers::digits(to);
    let plain = to.strip_prefix('+').unwrap_or(to) == digits;
    if !plain || !(7..=15).contains(&digits.len()) {
        return Err(Answer::error("Check phone's number"));
    }
    if from.is_some_and(|from| numbers::digits(from) == digits) {
        return Err(Answer::error("Field to cannot be equal to Callerid"));
    }
    if world.look(|state| state.settings.balance) <= 0.0 {
        return Err(Answer::error("Not enough money on your account"));
    }
    Ok(())
}

/// The number shown to the person: the one asked for, or the account's first.
fn from(world: &World, received: &Received) -> String {
    received.param("from").map_or_else(|| own_number(world), numbers::digits)
}

fn own_number(world: &World) -> String {
    world
        .look(|state| state.settings.direct_numbers.first().cloned())
        .unwrap_or_else(|| "0".to_owned())
}

/// What the API answers instead of accepting.
pub(super) fn fault(script: &Script) -> Option<Answer> {
    let message =
        || script.api_message.clone().unwrap_or_else(|| "Check phone's number".to_owned());
    Some(match script.api {
        Api::Normal | Api::Slow | Api::AcceptThenDrop | Api::Denied => return None,
        Api::Drop => Answer::Dropped,
        Api::Refuse => Answer::error(message()).with_status(script.api_status.unwrap_or(200)),
        Api::Http => Answer::Html { status: script.api_status.unwrap_or(500) },
        Api::Unreadable => Answer::Html { status: 200 },
        Api::Unauthorized => Answer::unauthorized(),
        Api::RateLimited429 => Answer::rate_limited_429(),
        Api::RateLimited200 => Answer::rate_limited_200(),
    })
}

/// Counts from the request, so that whoever has seen it may move the clock on.
pub(super) async fn delay(world: &World, received: &Received, script: &Script) {
    world.clock.sleep_since(received.at, Duration::from_millis(script.api_delay_ms)).await;
}

async fn settled(world: &World, call: CallId) {
    world.until(|state| state.call(call).is_none_or(|call| call.settled).then_some(())).await;
}

/// 32 characters: base64 of base64 of 17 bytes, as in the provider's samples.
fn request_id() -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    STANDARD.encode(STANDARD.encode(rand::random::<[u8; 17]>()))
}
