//! The account's settings, as the control API shows and changes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::RateLimitMode;
use super::script::Script;

/// Everything that is not one number's business.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub notification_url: Option<String>,
    pub rate_limit_mode: RateLimitMode,
    pub rate_limit: u32,
    pub statistics_rate_limit: u32,
    pub zone_offset_minutes: i32,
    pub clock_skew_seconds: i64,
    pub balance: f64,
    pub currency: String,
    /// What a minute costs, where `prices` says nothing.
    pub price: String,
    /// What a minute costs, by the first digits of the number.
    pub prices: BTreeMap<String, String>,
    pub direct_numbers: Vec<String>,
    pub internal_numbers: Vec<u32>,
    pub refuse_all: Option<String>,
    pub drop_all: bool,
    pub patterns: bool,
    pub default_script: Script,
}

impl Settings {
    pub fn new(notification_url: Option<String>, patterns: bool, default_script: Script) -> Self {
        Self {
            notification_url,
            rate_limit_mode: RateLimitMode::Http429,
            rate_limit: 100,
            statistics_rate_limit: 3,
            zone_offset_minutes: 0,
            clock_skew_seconds: 0,
            balance: 10.34,
            currency: "USD".to_owned(),
            price: "0.009".to_owned(),
            prices: BTreeMap::new(),
            direct_numbers: vec!["380441234567".to_owned()],
            internal_numbers: vec![100, 101],
            refuse_all: None,
            drop_all: false,
            patterns,
            default_script,
        }
    }

    /// These settings with the named ones of `change` replaced.
    pub fn changed_by(&self, change: &[u8]) -> Result<Self, serde_json::Error> {
        let change: serde_json::Map<String, Value> = serde_json::from_slice(change)?;
        let mut whole = serde_json::to_value(self)?;
        if let Value::Object(fields) = &mut whole {
            fields.extend(change);
        }
        serde_json::from_value(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_what_it_does_not_name_and_refuses_what_it_does_not_know() {
        let settings = Settings::new(None, false, Script::default());
        let changed = settings.changed_by(br#"{"zone_offset_minutes":180}"#).unwrap();
        assert_eq!((changed.zone_offset_minutes, changed.rate_limit), (180, 100));
        let error = settings.changed_by(br#"{"zone":1}"#).unwrap_err().to_string();
        assert!(error.contains("zone"), "{error}");
        assert!(settings.changed_by(b"[]").is_err());
    }
}
