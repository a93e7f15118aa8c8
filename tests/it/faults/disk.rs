//! A disk that is full, and one that may only be read: a small file system in memory,
//! which takes root to mount, as `tests/run.sh` has it in a container.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::damage::refused;
use super::load::{Load, Person};
use super::site::Site;
use super::verdict::verdict;

/// How large the disk is and whose, unless a test needs another.
const SMALL: &str = "size=4m,mode=700";

/// A small mounted disk; unmounted when dropped.
pub struct Disk {
    at: tempfile::TempDir,
}

impl Disk {
    /// `None` for anybody but root.
    pub fn mount(options: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("only root can mount the disk of this test; run it as root, in a container");
            return None;
        }
        let disk = Self { at: tempfile::tempdir().unwrap() };
        disk.run("mount", &["-t", "tmpfs", "-o", options, "tmpfs"]);
        Some(disk)
    }

    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// Takes all room, until the file is removed.
    pub fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut filler = File::create(&path).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
        path
    }

    fn run(&self, command: &str, arguments: &[&str]) {
        let ran = Command::new(command).args(arguments).arg(self.path()).output().unwrap();
        assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process of a failed test may still use it.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_notifications_go_to_the_other_disk_and_when_there_is_room_they_verify() {
    let Some(disk) = Disk::mount(SMALL) else { return };
    let other = tempfile::tempdir().unwrap();
    let spill = other.path().join("spill");
    let setting = format!("[spill]\nfolder = \"{}\"\n", spill.display());
    let site = Arc::new(Site::new(disk.path(), &setting).await);
    let server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    load.run(12).join_all().await;
    let mut places = Vec::new();
    for _ in 0..12 {
        places.push(load.begin(Person::Presses).await.unwrap());
    }

    let filler = disk.fill();
    // What room the log has left is soon used up.
    while load.begin(Person::IsAway).await.is_some() {}
    for place in &places {
        load.act(*place, Person::Presses).await;
    }
    assert!(
        places.iter().all(|place| load.known()[*place].pressed),
        "a press was not acknowledged"
    );
    assert_eq!(site.get(&server.base, "/readyz").await.status, 503);
    assert_eq!(site.get(&server.base, "/healthz").await.status, 200);

    std::fs::remove_file(filler).unwrap();
    for place in &places {
        let ended = site.ended(&server.base, &load.known()[*place].id).await;
        assert_eq!(ended["outcome"], "confirmed", "{ended:#}");
    }
    load.run(6).join_all().await;
    verdict(&load).await;
    assert_eq!(site.get(&server.base, "/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_may_only_be_read_is_named_at_the_start_and_nothing_is_lost_by_it() {
    let Some(disk) = Disk::mount(SMALL) else { return };
    let site = Arc::new(Site::new(disk.path(), "").await);
    let mut server = site.serve();
    let load = Load::on(&site, &[&server.base]);
    load.run(12).join_all().await;
    server.kill();
    disk.run("mount", &["-o", "remount,ro"]);
    let said = refused(&site.config);
    assert!(said.contains("check that the disk is not mounted read-only"), "{said}");
    disk.run("mount", &["-o", "remount,rw"]);
    let server = site.serve();
    load.moves_to(&[&server.base]);
    load.run(6).join_all().await;
    verdict(&load).await;
}
