//! A stand-in Zadarma over HTTP, with scripted phones and a virtual handset. It
//! shares the protocol with the client and knows nothing of the product, or it would
//! agree with our mistakes. Its guide, which it also serves:
#![doc = include_str!("guide.md")]

mod api;
mod call;
mod control;
mod events;
mod exchange;
mod follow;
mod inbox;
mod limits;
mod numbers;
mod patterns;
mod post;
mod script;
mod settings;
mod world;

use std::borrow::Cow;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::{App, HttpServer, web};

use crate::clock::Clock;
use crate::zadarma::Secret;
use script::Script;
use settings::Settings;
use world::World;

/// The largest request body, for sounds.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// What a simulator is started with.
pub struct Options {
    /// Where it listens; already bound.
    pub listener: TcpListener,
    /// The account's API key.
    pub key: String,
    /// The account's API secret, which also signs notifications.
    pub secret: Secret,
    /// Where notifications go from the start, without a handshake.
    pub notify: Option<String>,
    /// Its time.
    pub clock: Clock,
    /// Sounds that the account already holds.
    pub sounds: Vec<Sound>,
    /// Whether phones take their time.
    pub pace: Pace,
    /// What a number without a script does.
    pub unscripted: Unscripted,
}

/// One sound of the account.
#[derive(Clone, Debug)]
pub struct Sound {
    /// As the API names it.
    pub id: String,
    /// As given at upload.
    pub name: String,
    /// The file: WAV, or MP3 if it was uploaded so.
    pub wav: Cow<'static, [u8]>,
}

/// Whether scripted phones take their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Rings two seconds, presses and hangs up after a moment.
    Real,
    /// Does everything at once; delays that a script sets are still kept.
    Instant,
}

/// What a number without a script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unscripted {
    /// Waits for a person at the virtual handset, and gives up ringing after 30 s.
    Handset,
    /// Answers and presses 1. With [`Pace::Real`] the number patterns are on.
    Press1,
}

/// A running simulator.
pub struct Simulator {
    address: SocketAddr,
    server: ServerHandle,
    world: Arc<World>,
}

/// The connection that a request came by, so that it can be dropped.
struct Connection(TcpStream);

/// Starts the simulator on the current tokio runtime.
///
/// # Errors
/// If the listener cannot be served or the HTTP client cannot be built.
///
/// # Panics
/// Outside a tokio runtime.
pub fn start(options: Options) -> std::io::Result<Simulator> {
    let listener = options.listener.try_clone()?;
    let address = listener.local_addr()?;
    let default_script = match options.unscripted {
        Unscripted::Handset => Script::handset(),
        Unscripted::Press1 => Script::default(),
    };
    let patterns = options.pace == Pace::Real && options.unscripted == Unscripted::Press1;
    let settings = Settings::new(options.notify.clone(), patterns, default_script);
    let world = Arc::new(World::new(options, settings).map_err(std::io::Error::other)?);
    let state = web::Data::from(Arc::clone(&world));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(web::PayloadConfig::new(BODY_LIMIT))
            .configure(control::routes)
            .configure(api::routes)
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .on_connect(keep_connection)
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the simulator's server failed");
        }
    });
    Ok(Simulator { address, server: handle, world })
}

impl Simulator {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it: calls under way end without a result, open connections are closed.
    pub async fn stop(self) {
        self.world.abort_calls();
        self.server.stop(false).await;
    }
}

impl Sound {
    /// How long it plays, by its WAV header; at most 30 s, zero if that is unreadable.
    fn length(&self) -> Duration {
        let read = |at: usize| {
            let bytes = self.wav.get(at..at + 4)?;
            Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let header = self.wav.starts_with(b"RIFF") && self.wav.get(8..12) == Some(b"WAVE");
        match read(28) {
            Some(bytes_a_second) if header && bytes_a_second > 0 => {
                let seconds = self.wav.len().saturating_sub(44) as f64 / f64::from(bytes_a_second);
                Duration::from_secs_f64(seconds.min(30.0))
            }
            _ => Duration::ZERO,
        }
    }
}

/// Remembers the socket of a connection. The copy is closed with the connection.
fn keep_connection(io: &dyn std::any::Any, extensions: &mut Extensions) {
    let Some(stream) = io.downcast_ref::<tokio::net::TcpStream>() else { return };
    if let Ok(copy) = stream.as_fd().try_clone_to_owned() {
        extensions.insert(Connection(TcpStream::from(copy)));
    }
}
