//! Advice: what the measurements mean, in plain words. The thresholds are those of
//! recordings for telephones; nothing here refuses.

use super::Inspection;

/// Longer at an end and callers wonder, or hang up, in milliseconds.
const LONG_EDGE: u32 = 500;
/// Shorter before the first word and its beginning is lost while the line opens.
const SHORT_START: u32 = 50;
/// A pause that sounds like the end.
const LONG_PAUSE: u32 = 1_500;
/// Loudness that leaves noise when it is raised, in LUFS.
const QUIET: f64 = -35.0;
/// How far below the target the converted sound may end, in LUFS.
const CONVERTED_QUIET: f64 = -22.0;
/// A long greeting, in milliseconds.
const LONG: u32 = 20_000;

/// What to mend.
pub(super) fn advice(of: &Inspection) -> Vec<String> {
    let mut advice = Vec::new();
    let mut say = |applies: bool, text: String| {
        if applies {
            advice.push(text);
        }
    };
    say(
        of.clipped_samples > 0,
        format!(
            "{} samples are cut off at full scale, which crackles: record again at a lower level.",
            of.clipped_samples
        ),
    );
    say(
        of.loudness_lufs < QUIET,
        format!(
            "It is very quiet ({} LUFS); raising it raises its noise too: record closer to the microphone.",
            of.loudness_lufs
        ),
    );
    say(
        of.converted_loudness_lufs < CONVERTED_QUIET,
        format!(
            "Single loud peaks keep it at {} LUFS where others have -19: even the level out before uploading.",
            of.converted_loudness_lufs
        ),
    );
    say(
        of.leading_silence_ms > LONG_EDGE,
        format!("It begins with {} ms of silence: cut it to about 150 ms.", of.leading_silence_ms),
    );
    say(
        of.leading_silence_ms < SHORT_START,
        "It begins at once, so that the first syllable may be lost: put 100 to 200 ms of silence before it.".to_owned(),
    );
    say(
        of.trailing_silence_ms > LONG_EDGE,
        format!("It ends with {} ms of silence: cut it to about 150 ms.", of.trailing_silence_ms),
    );
    say(
        of.longest_pause_ms > LONG_PAUSE,
        format!("It pauses for {} ms, where people think that it is over.", of.longest_pause_ms),
    );
    say(
        of.duration_ms > LONG,
        format!("It lasts {} s; most people hang up before 20 s.", of.duration_ms / 1000),
    );
    say(
        of.channels > 1,
        format!("Its {} channels are mixed into one, as telephones have it.", of.channels),
    );
    say(
        of.sample_rate < 8_000,
        format!("It was recorded at {} Hz and will sound dull.", of.sample_rate),
    );
    advice
}
