//! What a call costs: the tariff's price of a minute. There is no such method for SMS.

use super::{Method, Verb, Zadarma, wait_in};
use crate::domain::{Money, PhoneNumber};
use crate::provider::ProviderError;
use crate::zadarma::form::Params;
use crate::zadarma::wire::PriceAnswer;

const PRICE: Method = Method { verb: Verb::Get, path: "/v1/info/price/" };

impl Zadarma {
    pub(in crate::provider) async fn price(
        &self,
        to: PhoneNumber,
        from: Option<PhoneNumber>,
    ) -> Result<Money, ProviderError> {
        let params = Params::new().text("number", to.digits());
        let params = match from {
            Some(from) => params.text("caller_id", from.digits()),
            None => params,
        };
        wait_in(&self.queue).await?;
        let answer: PriceAnswer = self.send(&self.queue, PRICE, params).await?;
        let price = Money::told(&answer.info.price, &answer.info.currency);
        price.ok().filter(|price| price.micros() >= 0).ok_or_else(|| ProviderError::Unknown {
            message: "the price is no amount of a currency".to_owned(),
            source: None,
        })
    }
}
