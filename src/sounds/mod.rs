//! Sounds and prompts: what is played into calls.
//!
//! Inspects files and converts them to what telephones play, knows which prompts
//! there are and which sounds they name, and brings sounds to the provider. It
//! decides nothing about calls, and trusts no file.

mod advice;
mod catalogue;
mod convert;
mod decode;
mod format;
mod inspect;
mod measure;
mod prompt;
#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, Known, SoundUse, Version};
pub use inspect::{BadSound, Inspection, MAX_BYTES, MAX_SECONDS, MIN_MILLIS, Prepared, prepare};
pub use prompt::{Prompt, PromptKey, PromptSounds};
