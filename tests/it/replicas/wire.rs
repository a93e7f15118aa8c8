//! Between a replica and the database: a wire that can be cut without a word.

use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::server::Server as Database;

/// While it is cut nothing comes through in either direction; no connection ends, and new ones
/// are never answered.
pub struct Wire {
    /// The database as it is seen from behind the wire.
    pub url: String,
    is_cut: watch::Sender<bool>,
    _task: AbortOnDropHandle<()>,
}

impl Wire {
    /// A wire to the database of a URL.
    pub async fn to(url: &str) -> Self {
        let folder = url.split_once("host=").unwrap().1;
        let server = PathBuf::from(folder).join(".s.PGSQL.5432");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, cut) = watch::channel(false);
        let task = tokio::spawn(accept(listener, server, cut));
        let url = format!("postgres://ringproof@{address}/{}", Database::database(url));
        Self { url, is_cut, _task: AbortOnDropHandle::new(task) }
    }

    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn accept(listener: TcpListener, server: PathBuf, cut: watch::Receiver<bool>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(connect(client, server.clone(), cut.clone()));
    }
}

async fn connect(client: TcpStream, server: PathBuf, mut cut: watch::Receiver<bool>) {
    if cut.wait_for(|cut| !*cut).await.is_err() {
        return;
    }
    let server = UnixStream::connect(&server).await.unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        carry(from_client, to_server, cut.clone()),
        carry(from_server, to_client, cut.clone()),
    );
}

/// Carries bytes until one side ends; the other side learns of that only by the wire.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut cut: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 65_536];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        if cut.wait_for(|cut| !*cut).await.is_err() || read == 0 {
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
