//! What a file is, told from its first bytes and not from its name.

use super::BadSound;

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Wav,
    Mp3,
    Flac,
    OggVorbis,
}

impl Format {
    /// The word used in the API and the store.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::OggVorbis => "ogg",
        }
    }
}

/// How far into an Ogg file the name of its codec is looked for.
const OGG_HEAD: usize = 4096;

/// The format of a file.
///
/// # Errors
/// When it is none that is read, saying what it looks like.
pub(super) fn format_of(bytes: &[u8]) -> Result<Format, BadSound> {
    let at = |place: usize, mark: &[u8]| bytes.get(place..).is_some_and(|b| b.starts_with(mark));
    if bytes.is_empty() {
        return Err(BadSound::Empty);
    }
    if at(0, b"RIFF") && at(8, b"WAVE") {
        return Ok(Format::Wav);
    }
    if at(0, b"fLaC") {
        return Ok(Format::Flac);
    }
    if at(0, b"OggS") {
        let head = &bytes[..bytes.len().min(OGG_HEAD)];
        let holds = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
        return match (holds(b"OpusHead"), holds(b"\x01vorbis")) {
            (true, _) => Err(BadSound::Opus),
            (false, true) => Ok(Format::OggVorbis),
            (false, false) => Err(BadSound::NoSoundFile { looks_like: "Ogg with another codec" }),
        };
    }
    // A frame begins with eleven set bits; the layer after them is never 0.
    let is_frame = bytes[0] == 0xff && bytes.get(1).is_some_and(|b| b & 0xe0 == 0xe0 && b & 6 != 0);
    if at(0, b"ID3") || is_frame {
        return Ok(Format::Mp3);
    }
    Err(BadSound::NoSoundFile { looks_like: looks_like(bytes) })
}

fn looks_like(bytes: &[u8]) -> &'static str {
    let at = |place: usize, mark: &[u8]| bytes.get(place..).is_some_and(|b| b.starts_with(mark));
    if at(4, b"ftyp") {
        "M4A or MP4 (AAC)"
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        "WebM or Matroska"
    } else if at(0, b"FORM") {
        "AIFF"
    } else if at(0, b"#!AMR") {
        "AMR"
    } else if at(0, b".snd") {
        "AU"
    } else if at(0, b"PK\x03\x04") {
        "a ZIP archive"
    } else if at(0, b"RF64") {
        "RF64, a WAV of over 4 GiB"
    } else if std::str::from_utf8(&bytes[..bytes.len().min(64)]).is_ok_and(is_text) {
        "text"
    } else {
        "something else"
    }
}

fn is_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || c.is_whitespace())
}
