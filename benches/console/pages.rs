//! Every page of the console, asked for as a browser does.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, redirect};

/// What is uploaded, so that there is a sound to look at.
const SOUND: &[u8] = include_bytes!("../../sounds/default/en/greeting.wav");

/// How long a page took, each time.
pub struct Row {
    pub name: &'static str,
    pub bytes: usize,
    took_ms: Vec<f64>,
}

impl Row {
    pub fn median(&self) -> f64 {
        self.took_ms.get(self.took_ms.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub fn slowest(&self) -> f64 {
        self.took_ms.last().copied().unwrap_or(f64::NAN)
    }
}

/// An operator who has signed in.
struct Visitor {
    http: Client,
    base: String,
    key: String,
    cookie: String,
}

/// Signs in and asks for each page in turn, so often.
pub async fn measure(base: &str, key: &str, rounds: usize) -> Result<Vec<Row>> {
    ringproof::app::install_tls();
    let visitor = Visitor::signed_in(base, key).await?;
    visitor.upload().await?;
    // The statistics count the whole journal once after a start from nothing.
    let began = Instant::now();
    visitor.get("/v1/stats?by=channel").await?;
    println!("the journal was counted in {:.1} s", began.elapsed().as_secs_f64());

    let mut rows = Vec::new();
    for (name, path) in pages(&visitor).await? {
        visitor.get(&path).await?;
        let (mut took_ms, mut bytes) = (Vec::new(), 0);
        for _ in 0..rounds.max(1) {
            let began = Instant::now();
            bytes = visitor.get(&path).await?.len();
            took_ms.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        took_ms.sort_by(f64::total_cmp);
        rows.push(Row { name, bytes, took_ms });
    }
    Ok(rows)
}

/// What there is to look at, with one of each kind from the lists.
async fn pages(visitor: &Visitor) -> Result<Vec<(&'static str, String)>> {
    let list = visitor.get("/console/verifications").await?;
    let one = first(&list, "/console/verifications/ver_")?;
    let found = visitor.get(&one).await?;
    let number = found
        .split_once('+')
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let number = number.filter(|digits| digits.len() > 7).context("the page shows no number")?;
    let notifications = visitor.get("/console/notifications").await?;
    let notification = first(&notifications, "/console/notifications/")?;
    let search = |query: &str| format!("/console/verifications?{query}");
    Ok(vec![
        ("overview, today", "/console/overview".to_owned()),
        ("overview, 7 days", "/console/overview?days=7".to_owned()),
        ("overview, 30 days", "/console/overview?days=30".to_owned()),
        ("verifications", search("")),
        ("by number", search(&format!("to=%2B{number}"))),
        ("by number, none", search("to=%2B380991111111")),
        ("by reference", search("reference=order-1")),
        ("by reference, none", search("reference=nothing")),
        ("by app", search("app=shop")),
        ("by status, common", search("status=verified")),
        ("by status, none", search("status=pending")),
        ("by outcome, common", search("outcome=no_key")),
        ("by outcome, none", search("outcome=busy")),
        ("by channel, none", search("channel=sms")),
        ("by time", search("from=2020-01-01T00:00&until=2030-01-01T00:00")),
        ("by all at once, none", search("app=shop&status=failed&outcome=busy&channel=call_button")),
        ("one verification", one),
        ("notifications", "/console/notifications".to_owned()),
        ("notifications, none", "/console/notifications?verdict=no_match".to_owned()),
        ("one notification", notification),
        ("sounds and prompts", "/console/sounds".to_owned()),
        ("one sound", "/console/sounds/bench-greeting".to_owned()),
        ("guard", "/console/guard".to_owned()),
        ("apps and keys", "/console/keys".to_owned()),
        ("audit log", "/console/audit".to_owned()),
        ("/v1/stats by channel", "/v1/stats?by=channel".to_owned()),
        ("/v1/stats by country", "/v1/stats?by=country".to_owned()),
        ("/v1/stats by prefix", "/v1/stats?by=prefix".to_owned()),
        ("/v1/stats by day", "/v1/stats?by=day".to_owned()),
        ("/v1/stats by hour", "/v1/stats?by=hour".to_owned()),
    ])
}

/// The first address in a page that begins so and goes on.
fn first(page: &str, begins: &str) -> Result<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found =
        links.filter(|link| link.starts_with(begins)).find(|link| link.len() > begins.len());
    Ok(found.with_context(|| format!("no link to {begins}…"))?.to_owned())
}

impl Visitor {
    async fn signed_in(base: &str, key: &str) -> Result<Self> {
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build()?;
        let sign_in = http.post(format!("{base}/console/sign-in")).form(&[("key", key)]);
        let answer = sign_in.header("sec-fetch-site", "same-origin").send().await?;
        ensure!(answer.status() == 303, "the sign-in answered {}", answer.status());
        let cookie = answer.headers().get("set-cookie").context("the sign-in set no cookie")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { http, base: base.to_owned(), key: key.to_owned(), cookie })
    }

    async fn get(&self, path: &str) -> Result<String> {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.key);
        let answer = request.header("cookie", &self.cookie).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == 200, "{path} answered {status}: {text}");
        Ok(text)
    }

    async fn upload(&self) -> Result<()> {
        let file = Part::bytes(SOUND).file_name("greeting.wav");
        let form = Form::new().text("name", "bench-greeting").part("file", file);
        let request = self.http.post(format!("{}/v1/sounds", self.base)).multipart(form);
        let answer = request.bearer_auth(&self.key).send().await?;
        ensure!(answer.status().is_success(), "the upload answered {}", answer.text().await?);
        Ok(())
    }
}
