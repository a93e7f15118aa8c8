//! The spill's folder: its lock, its files and their order.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a file's name ends with.
const ENDING: &str = "spill";

/// Why a spill was not opened. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the folder.
    #[error(
        "the spill folder {folder} is in use by another process; give each its own spill.folder"
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder cannot be used.
    #[error(
        "the spill folder {folder} cannot be used ({source}); let this user create files in it, or set spill.folder"
    )]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A folder that this process holds until it is released or dropped.
pub struct Folder {
    path: PathBuf,
    lock: File,
}

/// A file of the folder, by its number; later ones have greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub u64);

impl Folder {
    /// Takes the folder, making it if need be; nobody else may read it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { folder: path.into(), source };
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(error)),
        }
        let lock = private().create(true).open(path.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: path.into() }),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    /// Lets another take the folder, though this one is not dropped yet.
    pub fn release(&self) {
        // It fails when it is not held, which is as good.
        let _ = self.lock.unlock();
    }

    /// The files there are, with their lengths, in order.
    pub fn list(&self) -> io::Result<Vec<(Number, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == ENDING)
                && let Some(number) = path.file_stem().and_then(|stem| stem.to_str())
                && let Ok(number) = number.parse()
            {
                found.push((Number(number), entry.metadata()?.len()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Makes a new file whose name is on disk.
    pub fn create(&self, number: Number) -> io::Result<File> {
        let file = private().create_new(true).open(self.path_of(number))?;
        self.sync()?;
        Ok(file)
    }

    /// Everything in a file.
    pub fn read(&self, number: Number) -> io::Result<Vec<u8>> {
        fs::read(self.path_of(number))
    }

    /// Removes a file; one that has gone is as good.
    pub fn remove(&self, number: Number) -> io::Result<()> {
        match fs::remove_file(self.path_of(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts bytes aside for a person to look at, behind those put there before; where.
    /// On disk when it returns.
    pub fn set_aside(&self, number: Number, what: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(format!("{:020}.{what}", number.0));
        let mut file = private().create(true).append(true).open(&path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.sync()?;
        Ok(path)
    }

    fn path_of(&self, number: Number) -> PathBuf {
        self.path.join(format!("{:020}.{ENDING}", number.0))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
