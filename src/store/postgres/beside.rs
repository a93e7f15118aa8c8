//! Reading sounds and prompts of a server whose schema is left as it is.

use super::address::Address;
use super::columns::Failure;
use super::connect::{Connections, Link, within};
use super::sounds;
use crate::domain::{Name, Secret};
use crate::store::{CatalogueRows, OpenError, SoundFile, StoreError};

/// A server, to be read by the way.
pub struct Beside(Connections);

impl Beside {
    pub(in crate::store) fn new(url: &Secret) -> Result<Self, OpenError> {
        Ok(Self(Connections::new(Address::read(url)?.connector)))
    }

    pub(in crate::store) async fn catalogue(&self) -> Result<CatalogueRows, StoreError> {
        let Some(mut link) = self.open().await? else { return Ok(CatalogueRows::default()) };
        Ok(within(sounds::catalogue(&mut link)).await?)
    }

    pub(in crate::store) async fn sound_file(
        &self,
        name: &Name,
        version: u32,
        which: SoundFile,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(link) = self.open().await? else { return Ok(None) };
        Ok(within(sounds::file(&link, name, version, which)).await?)
    }

    /// None where nothing is, or only what a version from before sounds made.
    async fn open(&self) -> Result<Option<Link>, Failure> {
        let link = self.0.take().await?;
        let looking = async {
            link.batch_execute("SET default_transaction_read_only = on").await?;
            let row = link.query_one("SELECT to_regclass('sounds') IS NOT NULL", &[]).await?;
            Ok(row.try_get::<_, bool>(0)?)
        };
        let has_sounds = within(looking).await?;
        Ok(has_sounds.then_some(link))
    }
}
