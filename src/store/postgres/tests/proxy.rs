//! Between the store and its server, to lose what is to be lost.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::domain::Secret;
use crate::store::tests::server::Server;

/// What does not come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loses {
    Nothing,
    /// The next COMMIT, and its connection.
    Commit,
    /// The answer to the next COMMIT, and its connection.
    AnswerToCommit,
    /// That answer, and from then on all else; no connection ends.
    AnswerToCommitAndAllElse,
    /// All; new connections are accepted, and none ends.
    AllElse,
}

pub(super) struct Proxy {
    /// The database as it is seen from behind the proxy.
    pub(super) url: Secret,
    loses: watch::Sender<Loses>,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    /// A proxy that loses nothing yet before the database of a URL.
    pub(super) async fn before(url: &str) -> Self {
        let folder = url.split_once("host=").unwrap().1;
        let server = PathBuf::from(folder).join(".s.PGSQL.5432");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (loses, _) = watch::channel(Loses::Nothing);
        let task = tokio::spawn(accept(listener, server, loses.clone()));
        let url = format!("postgres://ringproof@{address}/{}", Server::database(url));
        Self { url: Secret::new(url), loses, _task: AbortOnDropHandle::new(task) }
    }

    pub(super) fn set(&self, loses: Loses) {
        self.loses.send_replace(loses);
    }

    /// Whether a COMMIT was lost that was to be.
    pub(super) fn has_lost(&self) -> bool {
        *self.loses.borrow() == Loses::Nothing
    }
}

async fn accept(listener: TcpListener, server: PathBuf, loses: watch::Sender<Loses>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&server).await.unwrap();
        tokio::spawn(carry(client, server, loses.clone()));
    }
}

/// Carries bytes until one side ends, or the connection is to be lost.
async fn carry(mut client: TcpStream, mut server: UnixStream, loses: watch::Sender<Loses>) {
    let mut lost = loses.subscribe();
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                let asked = &up[..read];
                let is_commit = asked.windows(6).any(|word| word == b"COMMIT");
                let now = *lost.borrow();
                if is_commit && now == Loses::Commit {
                    loses.send_replace(Loses::Nothing);
                    return;
                }
                if now == Loses::AllElse
                    && lost.wait_for(|now| *now != Loses::AllElse).await.is_err()
                {
                    return;
                }
                let _ = server.write_all(asked).await;
                let then = match now {
                    Loses::AnswerToCommit => Loses::Nothing,
                    Loses::AnswerToCommitAndAllElse => Loses::AllElse,
                    Loses::Nothing | Loses::Commit | Loses::AllElse => continue,
                };
                if is_commit {
                    let _ = server.read(&mut down).await;
                    loses.send_replace(then);
                    let _ = lost.wait_for(|now| *now != Loses::AllElse).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if lost.wait_for(|now| *now != Loses::AllElse).await.is_err() {
                    return;
                }
                let _ = client.write_all(&down[..read]).await;
            }
        }
    }
}
