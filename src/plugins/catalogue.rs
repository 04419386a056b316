//! What plug-ins are installed, asked of a process of its own: looking at CLAP plug-ins runs their
//! code. One line of JSON for each step, and one with all that was found.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audio::helper::with_time_limit;
use crate::plugins::formats::Formats;
use crate::plugins::processor::Listed;

/// The word that the command line knows the process by.
pub const COMMAND: &str = "plugin-scan";

/// A scan that says nothing for so long hangs; all LV2 plug-ins of Debian take some seconds.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

#[derive(Deserialize, Serialize)]
enum Line {
    /// 0..1, and what is looked at.
    Progress(f32, String),
    Found(Vec<Listed>),
}

/// The process's body: looks at all and says so on standard output.
pub fn tell() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut say = |line: &Line| -> io::Result<()> {
        // On a line of its own, whatever a plug-in has printed before it.
        out.write_all(b"\n")?;
        serde_json::to_writer(&mut out, line)?;
        out.write_all(b"\n")?;
        out.flush()
    };
    let mut shown = -1.0;
    let found = Formats::default().list(&mut |share, what| {
        // A hundred steps are enough for a bar; who has gone is seen below.
        if shown + 0.01 <= share {
            shown = share;
            say(&Line::Progress(share, what.to_owned())).unwrap_or_default();
        }
    });
    say(&Line::Found(found))
}

/// Asks such a process; takes some seconds.
pub fn scan(progress: &mut dyn FnMut(f32, &str)) -> io::Result<Vec<Listed>> {
    let program = std::env::current_exe()?;
    let mut child =
        Command::new(program).arg(COMMAND).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let found = listen(&mut child, progress);
    // It has ended by itself, unless it hangs.
    child.kill().unwrap_or_default();
    let status = child.wait()?;
    found?.ok_or_else(|| {
        io::Error::other(format!("a plug-in ended the process that looked at them all: {status}"))
    })
}

fn listen(
    child: &mut Child,
    progress: &mut dyn FnMut(f32, &str),
) -> io::Result<Option<Vec<Listed>>> {
    let mut stdout = child.stdout.take().map(BufReader::new);
    while let Some(reader) = stdout.take() {
        let read = with_time_limit("the scan of plug-ins", SILENCE_LIMIT, || next_line(reader));
        let (line, reader) = read.map_err(io::Error::other)??;
        match serde_json::from_str(&line) {
            Ok(Line::Progress(share, what)) => progress(share, &what),
            Ok(Line::Found(all)) => return Ok(Some(all)),
            Err(_) if line.is_empty() => return Ok(None),
            // A plug-in that prints when it is loaded.
            Err(_) => log::debug!("while plug-ins are looked at: {}", line.trim_end()),
        }
        stdout = Some(reader);
    }
    Ok(None)
}

/// Empty at the end.
fn next_line(mut reader: BufReader<ChildStdout>) -> io::Result<(String, BufReader<ChildStdout>)> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Ok((String::from_utf8_lossy(&line).into_owned(), reader))
}
