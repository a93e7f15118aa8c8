//! The account's settings for notifications, and what is told of its limit.

use crate::provider::{NotificationSettings, ProviderError};
use crate::zadarma::form::Params;
use crate::zadarma::wire::CallInfoAnswer;

use super::client::Verb;
use super::{Method, Zadarma, wait_in};

const SETTINGS: Method = Method { verb: Verb::Get, path: "/v1/pbx/callinfo/" };
const SET_URL: Method = Method { verb: Verb::Post, path: "/v1/pbx/callinfo/url/" };
const SET_TOGGLES: Method = Method { verb: Verb::Post, path: "/v1/pbx/callinfo/notifications/" };

/// The end of a call that came in, and of one that went out. Which of the two carries the
/// result of a button call is told in both ways.
const ENDS: [&str; 2] = ["notify_end", "notify_out_end"];

impl Zadarma {
    pub(in crate::provider) async fn notification_settings(
        &self,
    ) -> Result<NotificationSettings, ProviderError> {
        let answer: CallInfoAnswer = self.ask(SETTINGS).await?;
        let off = ENDS.into_iter().filter(|name| !answer.is_on(name));
        let off = off.map(str::to_uppercase).collect();
        let url = Some(answer.url).filter(|url| !url.is_empty());
        Ok(NotificationSettings { url, off })
    }

    pub(in crate::provider) async fn set_notification_url(
        &self,
        url: &str,
    ) -> Result<(), ProviderError> {
        self.tell(SET_URL, Params::new().text("url", url)).await
    }

    pub(in crate::provider) async fn turn_on_notifications(&self) -> Result<(), ProviderError> {
        let on = |params: Params, name: &&'static str| params.text(*name, "true");
        self.tell(SET_TOGGLES, ENDS.iter().fold(Params::new(), on)).await
    }

    /// Changes a setting; what the answer repeats of it is not read.
    async fn tell(&self, method: Method, params: Params) -> Result<(), ProviderError> {
        wait_in(&self.queue).await?;
        self.send::<serde::de::IgnoredAny>(&self.queue, method, params).await.map(drop)
    }
}
