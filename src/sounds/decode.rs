//! Files into samples, bounded in memory and in work.
//!
//! What is decoded is never trusted: rates, channels and lengths are checked
//! before anything is kept, one channel is kept whatever there were, and no more
//! packets are read than the file has bytes. A decoder that panics is a damaged file.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;

use super::format::{Format, format_of};
use super::measure::Meter;
use super::{BadSound, MAX_SECONDS};

/// The rates that are read, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;
/// The most channels.
const MAX_CHANNELS: usize = 8;
/// One in how many packets may be damaged; an MP3 that was cut out of a longer one
/// begins with such packets.
const DAMAGED_ONE_IN: usize = 20;
/// Samples beyond this are nonsense; those beyond 1 are clipped later.
const LOUDEST: f32 = 4.0;

/// A file's sound.
pub(super) struct Decoded {
    pub(super) format: Format,
    pub(super) rate: u32,
    pub(super) channels: usize,
    /// The mean of the channels.
    pub(super) mono: Vec<f32>,
    /// What was measured over all channels.
    pub(super) meter: Meter,
}

/// Reads a whole file.
///
/// # Errors
/// When it is no sound, or one that cannot be used; see [`BadSound`].
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, BadSound> {
    let format = format_of(bytes)?;
    if format == Format::OggVorbis && !has_last_page(bytes) {
        return Err(BadSound::Truncated);
    }
    // Nothing outlives the call, so nothing half-changed can be seen after a panic.
    let read = catch_unwind(AssertUnwindSafe(|| read(format, bytes)));
    read.unwrap_or_else(|_| {
        tracing::error!(format = format.as_str(), "a decoder panicked over an uploaded sound");
        Err(BadSound::Damaged)
    })
}

fn read(format: Format, bytes: &[u8]) -> Result<Decoded, BadSound> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(format.as_str());
    let probe = symphonia::default::get_probe();
    let mut reader =
        probe.probe(&hint, source, Default::default(), Default::default()).map_err(bad)?;
    let track = reader.default_track(TrackType::Audio).ok_or(BadSound::NoSound)?;
    let (id, declared) = (track.id, track.num_frames);
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let parameters = parameters.ok_or(BadSound::NoSound)?;
    let rate = parameters.sample_rate;
    if let (Some(frames), Some(rate)) = (declared, rate.filter(|rate| RATES.contains(rate))) {
        // A stream that was written without knowing its length says the greatest there is.
        let is_known = format != Format::Wav || frames < u64::from(u32::MAX) / 8;
        if is_known && frames > u64::from(rate) * u64::from(MAX_SECONDS) {
            return Err(BadSound::TooLong { seconds: frames / u64::from(rate) });
        }
    }
    let options = AudioDecoderOptions::default();
    let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
    let mut decoder = decoder.map_err(bad)?;
    let decoded = read_packets(format, &mut *reader, &mut *decoder, id, bytes)?;
    let decoded = decoded.ok_or(BadSound::NoSound)?;
    let missing = declared.map_or(0, |frames| frames.saturating_sub(decoded.mono.len() as u64));
    // Encoders count what they pad; a tenth of a second is no loss.
    if missing > u64::from(decoded.rate) / 10 {
        return Err(BadSound::Truncated);
    }
    Ok(decoded)
}

fn read_packets(
    format: Format,
    reader: &mut dyn FormatReader,
    decoder: &mut dyn AudioDecoder,
    track: u32,
    bytes: &[u8],
) -> Result<Option<Decoded>, BadSound> {
    let mut decoded: Option<Decoded> = None;
    let mut interleaved: Vec<f32> = Vec::new();
    let (mut packets, mut damaged) = (0_usize, 0_usize);
    // Each packet takes at least a byte of the file.
    let mut last = Box::default();
    for _ in 0..=bytes.len() {
        let Some(packet) = reader.next_packet().map_err(bad)? else { break };
        if packet.track_id != track {
            continue;
        }
        packets += 1;
        let buffer = match decoder.decode(&packet) {
            Ok(buffer) => buffer,
            Err(Error::DecodeError(_)) => {
                damaged += 1;
                continue;
            }
            Err(error) => return Err(bad(error)),
        };
        let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        buffer.copy_to_vec_interleaved(&mut interleaved);
        if interleaved.is_empty() {
            continue;
        }
        let into = match &mut decoded {
            Some(into) if into.rate == rate && into.channels == channels => into,
            Some(_) => return Err(BadSound::Changes),
            none => none.insert(Decoded::new(format, rate, channels)?),
        };
        into.take(&mut interleaved)?;
        last = packet.data;
    }
    if format == Format::Mp3 && begins_another_frame(bytes, &last) {
        return Err(BadSound::Truncated);
    }
    if damaged > packets / DAMAGED_ONE_IN + 1 {
        return Err(BadSound::Damaged);
    }
    Ok(decoded)
}

impl Decoded {
    fn new(format: Format, rate: u32, channels: usize) -> Result<Self, BadSound> {
        if !RATES.contains(&rate) || !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(BadSound::Unusual { rate, channels });
        }
        let meter = Meter::new(rate, channels)?;
        Ok(Self { format, rate, channels, mono: Vec::new(), meter })
    }

    fn take(&mut self, interleaved: &mut [f32]) -> Result<(), BadSound> {
        for sample in interleaved.iter_mut() {
            *sample = if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 };
        }
        self.meter.take(interleaved)?;
        let parts = self.channels as f32;
        let frames = interleaved.chunks_exact(self.channels);
        self.mono.extend(frames.map(|frame| frame.iter().sum::<f32>() / parts));
        if self.mono.len() > self.rate as usize * MAX_SECONDS as usize {
            return Err(BadSound::TooLong { seconds: u64::from(MAX_SECONDS) });
        }
        Ok(())
    }
}

/// Whether a frame begins behind the last whole one, which then was cut off: an MP3
/// does not say how long it is.
fn begins_another_frame(bytes: &[u8], last: &[u8]) -> bool {
    if last.is_empty() {
        return false;
    }
    let at = bytes.windows(last.len()).rposition(|window| window == last);
    let rest = at.map_or(&[][..], |at| &bytes[at + last.len()..]);
    rest.starts_with(&[0xff]) && rest.get(1).is_none_or(|byte| byte & 0xe0 == 0xe0)
}

/// Whether the last page of an Ogg file is there as a whole and says that it is the last.
fn has_last_page(bytes: &[u8]) -> bool {
    let Some(start) = bytes.windows(4).rposition(|window| window == b"OggS") else { return false };
    let page = &bytes[start..];
    let (Some(flags), Some(segments)) = (page.get(5), page.get(26)) else { return false };
    let lengths = page.get(27..27 + usize::from(*segments));
    let body = lengths.map(|lengths| lengths.iter().map(|length| usize::from(*length)).sum());
    let is_whole = body.is_some_and(|body: usize| page.len() >= 27 + usize::from(*segments) + body);
    is_whole && flags & 4 != 0
}

fn bad(error: Error) -> BadSound {
    match error {
        Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            BadSound::Truncated
        }
        Error::Unsupported(_) => BadSound::Unsupported,
        Error::ResetRequired => BadSound::Changes,
        _ => BadSound::Damaged,
    }
}
