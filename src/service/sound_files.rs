//! Preparing uploaded files: a few at a time, apart from everything else, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::sounds::SoundRefusal;
use crate::sounds::{self, Prepared};

/// How many files are received and decoded at the same time: each takes some 70 MB
/// at most.
const AT_ONCE: usize = 4;
/// How long decoding may take.
const WITHIN: Duration = Duration::from_secs(30);

/// What limits the work with files.
pub(super) struct SoundFiles {
    places: Arc<Semaphore>,
    /// Held by whoever brings a sound to a provider, so that two do not bring the same.
    pub(super) placing: Mutex<()>,
}

/// A place among those whose files are received and decoded.
pub struct PlaceToPrepare(OwnedSemaphorePermit);

impl Default for SoundFiles {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), placing: Mutex::default() }
    }
}

impl SoundFiles {
    /// A place, to be had before a file is received.
    pub(super) fn place(&self) -> Result<PlaceToPrepare, SoundRefusal> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map(PlaceToPrepare).map_err(|_| SoundRefusal::Busy)
    }
}

/// Inspects and converts a file; gives it back with what came of it. Decoding that does
/// not end keeps its place, so that there is never more of it than places.
pub(super) async fn prepare(
    place: PlaceToPrepare,
    bytes: Vec<u8>,
) -> Result<(Vec<u8>, Prepared), SoundRefusal> {
    let work = tokio::task::spawn_blocking(move || {
        let _place = place.0;
        let prepared = sounds::prepare(&bytes);
        (bytes, prepared)
    });
    let done = tokio::time::timeout(WITHIN, work).await.map_err(|_| SoundRefusal::TooSlow)?;
    let (bytes, prepared) = done.map_err(|_| SoundRefusal::Bad(sounds::BadSound::Damaged))?;
    Ok((bytes, prepared?))
}
