//! Strangers who hold connections open, at a process that may open few files.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::json;

use crate::app::answer;
use crate::demo::Demo;

/// Files that the process may open.
const FILES: usize = 384;
/// Files that are kept for the store, the logs and providers.
const KEPT: usize = 256;

/// A connection that asks for something and does not hang up.
fn stranger(address: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    connection
}

#[tokio::test]
async fn strangers_do_not_use_up_the_files_that_a_start_needs() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    let limited = format!("ulimit -n {FILES} && exec \"$0\" demo --no-call");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_ringproof")]);
    let demo = Demo::of(&mut command, folder.path());
    let address = demo.service.strip_prefix("http://").unwrap();
    let http = crate::app::client();
    // A connection of our own, kept for what follows.
    let healthz = answer(http.get(format!("{}/healthz", demo.service))).await;
    assert_eq!(healthz.status, 200);
    let before = demo.open_files();
    // Each worker takes its share.
    let workers = std::thread::available_parallelism().unwrap().get();
    let connections = (FILES - KEPT) / workers * workers;

    let mut strangers = Vec::new();
    while strangers.len() < connections - 8 {
        let mut connection = stranger(address);
        assert_ne!(connection.read(&mut [0; 1024]).unwrap(), 0, "it is answered");
        strangers.push(connection);
    }
    // These are left in the queue of the listener.
    strangers.extend((0..100).map(|_| stranger(address)));

    let start = http.post(format!("{}/v1/verifications", demo.service));
    let start = start.bearer_auth(&demo.key).json(&json!({ "to": "+442079460456" }));
    let started = answer(start).await;
    assert_eq!(started.status, 201, "{}", started.text);
    let opened = demo.open_files() - before;
    assert!(opened < connections + 32, "{opened} more files are open than before");
}
