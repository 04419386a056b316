//! Sound files: reads any kind that symphonia knows, whole, and writes 16-bit WAV. Playing them in
//! real time is left to `audio::file`, changing their rate to `features`. Runs on any thread but
//! the audio thread.

use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

/// A sound in memory; 1 is full scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    pub rate_hz: u32,
    pub channels: usize,
    /// Interleaved; whole frames only.
    pub samples: Vec<f32>,
}

#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    #[error("cannot open sound file {name}: {reason}")]
    Open { name: String, reason: std::io::Error },
    #[error(
        "cannot read {name} as sound: {reason} \
         (WAV, FLAC, Ogg Vorbis, MP3, AAC, M4A and AIFF are read)"
    )]
    Format { name: String, reason: SymphoniaError },
    #[error("{name} has no audio track")]
    NoTrack { name: String },
    #[error("{name} has no sound in it, or all of it is damaged")]
    Empty { name: String },
    #[error("cannot write sound file {name}: {reason}")]
    Write { name: String, reason: std::io::Error },
    #[error("{name} would be {bytes} bytes long; a WAV file holds at most {}", u32::MAX)]
    TooLong { name: String, bytes: usize },
}

impl Sound {
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    pub fn duration_s(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 frames")]
        let frames = self.frames() as f64;
        frames / f64::from(self.rate_hz)
    }

    /// One channel: the mean of all.
    pub fn mono(&self) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "channels are few")]
        let scale = 1.0 / self.channels as f32;
        let samples = self
            .samples
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().sum::<f32>() * scale)
            .collect();
        Self { rate_hz: self.rate_hz, channels: 1, samples }
    }
}

/// Reads a file whole. A file that is cut short gives what is there; damaged packets are skipped.
pub fn read_file(path: &Path) -> Result<Sound, SoundError> {
    let name = path.display().to_string();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(reason) => return Err(SoundError::Open { name, reason }),
    };
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        hint.with_extension(extension);
    }
    decode(&name, &hint, Box::new(file))
}

/// The same for a file that is in the program; `name` is for the error's text.
pub fn read_bytes(name: &str, bytes: &'static [u8]) -> Result<Sound, SoundError> {
    decode(name, &Hint::new(), Box::new(Cursor::new(bytes)))
}

/// Writes 16-bit PCM. Samples beyond full scale are clipped; NaN becomes 0.
pub fn write_file(path: &Path, sound: &Sound) -> Result<(), SoundError> {
    let name = || path.display().to_string();
    let header = wav_header(sound)
        .ok_or_else(|| SoundError::TooLong { name: name(), bytes: sound.samples.len() * 2 })?;
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&header)?;
        for sample in &sound.samples {
            file.write_all(&to_pcm16(*sample).to_le_bytes())?;
        }
        file.flush()
    };
    write().map_err(|reason| SoundError::Write { name: name(), reason })
}

fn decode(name: &str, hint: &Hint, source: Box<dyn MediaSource>) -> Result<Sound, SoundError> {
    let format_error = |reason| SoundError::Format { name: name.to_owned(), reason };
    let empty = || SoundError::Empty { name: name.to_owned() };
    let stream = MediaSourceStream::new(source, Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(format_error)?;
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| SoundError::NoTrack { name: name.to_owned() })?;
    let track_id = track.id;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| SoundError::NoTrack { name: name.to_owned() })?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(format_error)?;

    let mut sound = Sound { rate_hz: 0, channels: 0, samples: Vec::new() };
    // An error of the container is its end: files cut short are common and worth their beginning.
    while let Ok(Some(packet)) = format.next_packet() {
        if packet.track_id != track_id {
            continue;
        }
        let Ok(decoded) = decoder.decode(&packet) else { continue };
        let (rate_hz, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        if sound.samples.is_empty() {
            (sound.rate_hz, sound.channels) = (rate_hz, channels);
        } else if (sound.rate_hz, sound.channels) != (rate_hz, channels) {
            break; // a chained stream of another kind: the first one is the file
        }
        let start = sound.samples.len();
        sound.samples.resize(start + decoded.samples_interleaved(), 0.0);
        decoded.copy_to_slice_interleaved(&mut sound.samples[start..]);
    }
    if sound.samples.is_empty() || sound.rate_hz == 0 {
        return Err(empty());
    }
    Ok(sound)
}

/// The 44 bytes before the samples (Microsoft's RIFF specification of 1991), or `None` when the
/// lengths do not fit their fields.
fn wav_header(sound: &Sound) -> Option<Vec<u8>> {
    const BYTES_PER_SAMPLE: u16 = 2;
    const FORMAT_BYTES: u32 = 16;
    const PCM: u16 = 1;
    /// What the RIFF length counts besides the samples.
    const OVERHEAD_BYTES: u32 = 36;
    let data_bytes = u32::try_from(sound.samples.len()).ok()?.checked_mul(2)?;
    let riff_bytes = data_bytes.checked_add(OVERHEAD_BYTES)?;
    let channels = u16::try_from(sound.channels).ok()?;
    let frame_bytes = channels.checked_mul(BYTES_PER_SAMPLE)?;
    let bytes_per_s = sound.rate_hz.checked_mul(u32::from(frame_bytes))?;

    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&riff_bytes.to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&FORMAT_BYTES.to_le_bytes());
    header.extend_from_slice(&PCM.to_le_bytes());
    header.extend_from_slice(&channels.to_le_bytes());
    header.extend_from_slice(&sound.rate_hz.to_le_bytes());
    header.extend_from_slice(&bytes_per_s.to_le_bytes());
    header.extend_from_slice(&frame_bytes.to_le_bytes());
    header.extend_from_slice(&(8 * BYTES_PER_SAMPLE).to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    Some(header)
}

/// 1.0 is 32768, one more than the largest value, so that reading back gives the same numbers.
fn to_pcm16(sample: f32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates and makes NaN 0")]
    let value = (sample * 32_768.0).round() as i16;
    value
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "test numbers are small")]
mod tests {
    use super::*;
    use std::f32::consts::TAU;
    use std::process::{Command, Stdio};

    const RATE_HZ: u32 = 16_000;

    /// Two channels, one second: 440 Hz at half scale left, silence right.
    fn tone() -> Sound {
        let samples = (0..RATE_HZ)
            .flat_map(|frame| [0.5 * (TAU * 440.0 * frame as f32 / RATE_HZ as f32).sin(), 0.0])
            .collect();
        Sound { rate_hz: RATE_HZ, channels: 2, samples }
    }

    /// Mean square of a channel; a sine of amplitude 0.5 has 0.125.
    fn power(sound: &Sound, channel: usize) -> f32 {
        let samples = sound.samples.iter().skip(channel).step_by(sound.channels);
        samples.map(|sample| sample * sample).sum::<f32>() / sound.frames() as f32
    }

    /// Has ffmpeg convert the tone, and reads the result. Nothing to check where ffmpeg is missing.
    fn check(extension: &str, arguments: &[&str]) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (wav, other) =
            (folder.path().join("tone.wav"), folder.path().join(format!("other.{extension}")));
        write_file(&wav, &tone()).expect("the tone is written");
        let converted = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&wav)
            .args(arguments)
            .arg(&other)
            .stdin(Stdio::null())
            .status();
        let Ok(status) = converted else { return };
        assert!(status.success(), "ffmpeg makes {extension}");
        let sound = read_file(&other).expect("the file is read");
        assert_eq!((sound.rate_hz, sound.channels), (RATE_HZ, 2), "{extension}");
        // Lossy formats add a little silence at the ends.
        assert!((0.97..1.2).contains(&sound.duration_s()), "{extension} {}", sound.duration_s());
        assert!((power(&sound, 0) - 0.125).abs() < 0.02, "{extension} {}", power(&sound, 0));
        assert!(power(&sound, 1) < 1e-4, "{extension}");
    }

    #[test]
    fn a_written_sound_reads_back_the_same() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("tone.wav");
        write_file(&path, &tone()).expect("the tone is written");
        let back = read_file(&path).expect("the tone is read");
        assert_eq!((back.rate_hz, back.channels, back.frames()), (RATE_HZ, 2, 16_000));
        for (read, written) in back.samples.iter().zip(&tone().samples) {
            assert!((read - written).abs() <= 0.5 / 32_768.0);
        }
    }

    #[test]
    fn samples_beyond_full_scale_are_clipped_and_nan_is_silence() {
        assert_eq!([2.0, -2.0, f32::NAN].map(to_pcm16), [i16::MAX, i16::MIN, 0]);
    }

    #[test]
    fn mono_is_the_mean_of_the_channels() {
        let sound = Sound { rate_hz: RATE_HZ, channels: 2, samples: vec![1.0, 0.0, 0.5, 0.5] };
        assert_eq!(sound.mono().samples, [0.5, 0.5]);
    }

    #[test]
    fn flac_is_read() {
        check("flac", &[]);
    }

    #[test]
    fn ogg_vorbis_is_read() {
        check("ogg", &["-c:a", "libvorbis"]);
    }

    #[test]
    fn mp3_is_read() {
        check("mp3", &[]);
    }

    #[test]
    fn aac_in_m4a_is_read() {
        check("m4a", &[]);
    }

    #[test]
    fn wav_of_24_bits_and_of_floats_and_aiff_are_read() {
        check("wav", &["-c:a", "pcm_s24le"]);
        check("wav", &["-c:a", "pcm_f32le"]);
        check("aiff", &[]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_file(Path::new("no/such.wav")).expect_err("no such file");
        assert!(error.to_string().starts_with("cannot open sound file no/such.wav: "), "{error}");
    }

    #[test]
    fn a_file_that_is_no_sound_says_what_can_be_read() {
        let error = read_bytes("letter", b"Dear Sir or Madam, ").expect_err("a letter is no sound");
        let text = error.to_string();
        assert!(text.starts_with("cannot read letter as sound: "), "{text}");
        assert!(text.contains("FLAC"), "{text}");
    }

    #[test]
    fn a_header_without_samples_is_empty() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("empty.wav");
        write_file(&path, &Sound { samples: vec![], ..tone() }).expect("the header is written");
        assert!(matches!(read_file(&path), Err(SoundError::Empty { .. })));
    }

    #[test]
    fn a_file_cut_short_gives_its_beginning() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("cut.wav");
        write_file(&path, &tone()).expect("the tone is written");
        let bytes = std::fs::read(&path).expect("the tone is there");
        std::fs::write(&path, &bytes[..20_000]).expect("the cut tone is written");
        let sound = read_file(&path).expect("the beginning is read");
        assert!(0 < sound.frames() && sound.frames() < 16_000);
    }
}
