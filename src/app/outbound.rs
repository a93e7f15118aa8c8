//! From the configuration to what the sending side takes.

use anyhow::Context;

use super::settings::{current_first, name};
use crate::config::{self, Config};
use crate::domain::{Secret, SigningSecret, WebhookUrl};
use crate::outbound::{AppSettings, Endpoint, Events, PreSend, Settings};

pub(super) fn settings(config: &Config) -> anyhow::Result<Settings> {
    let outbound = &config.outbound;
    let apps = config.apps.iter().map(|(app_name, app)| {
        let settings = app_settings(app).with_context(|| format!("in apps.{app_name}"))?;
        Ok((name(app_name)?, settings))
    });
    let forwards = config.accounts.values();
    let forwards = forwards.filter_map(|one| Some((&one.name, one.forward.clone()?)));
    let forwards = forwards.map(|(account, url)| Ok((name(account)?, url)));
    Ok(Settings {
        allowed_networks: outbound.allowed_networks.clone(),
        connect_timeout: outbound.connect_timeout,
        request_timeout: outbound.request_timeout,
        apps: apps.collect::<anyhow::Result<_>>()?,
        forwards: forwards.collect::<anyhow::Result<_>>()?,
    })
}

fn app_settings(app: &config::App) -> anyhow::Result<AppSettings> {
    let endpoints = app.endpoints.iter().map(|(endpoint_name, endpoint)| {
        let endpoint = Endpoint {
            url: url(endpoint.url.as_ref())?,
            secrets: secrets(&endpoint.secret, &endpoint.previous_secrets)?,
            events: match endpoint.events {
                config::Events::Status => Events::Status,
                config::Events::Timeline => Events::Timeline,
            },
        };
        Ok((name(endpoint_name)?, endpoint))
    });
    let callback = app.callback_secret.as_ref();
    let callback = callback.map(|secret| secrets(secret, &app.previous_callback_secrets));
    Ok(AppSettings {
        endpoints: endpoints.collect::<anyhow::Result<_>>()?,
        callback_secrets: callback.transpose()?.unwrap_or_default(),
        pre_send: app.pre_send.as_ref().map(pre_send).transpose()?,
    })
}

fn pre_send(asked: &config::PreSend) -> anyhow::Result<PreSend> {
    Ok(PreSend {
        url: url(asked.url.as_ref())?,
        secrets: secrets(&asked.secret, &asked.previous_secrets)?,
        timeout: asked.timeout,
        allows_on_failure: match asked.on_failure {
            config::OnFailure::Deny => false,
            config::OnFailure::Allow => true,
        },
    })
}

fn url(url: Option<&WebhookUrl>) -> anyhow::Result<WebhookUrl> {
    url.cloned().context("url is missing")
}

fn secrets(current: &Secret, previous: &[Secret]) -> anyhow::Result<Vec<SigningSecret>> {
    let all = current_first(current, previous);
    all.iter().map(|secret| Ok(SigningSecret::parse(secret.expose())?)).collect()
}
