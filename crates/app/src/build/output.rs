//! How builds show what they do: one of them as it is, several of them one after the other.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows builds on stderr.
pub struct Output {
    /// None: a single build has stdin, stdout and stderr to itself.
    lines: Option<MultiProgress>,
}

impl Output {
    pub fn new(several: bool) -> Self {
        Self {
            lines: several.then(MultiProgress::new),
        }
    }

    /// Says something between builds.
    pub fn say(&self, text: &str) {
        match &self.lines {
            // Writes past the lines at the bottom, if there is a terminal to have them.
            Some(lines) => lines.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Runs the build command of a part, and shows what it writes: at once, or when it ends.
    pub fn run(&self, part: &str, text: &str, mut command: Command) -> Result<ExitStatus> {
        let cannot = || format!("cannot start the build command of {part}");
        self.say(&format!("building {part} with `{text}`"));
        let start = Instant::now();
        let Some(lines) = &self.lines else {
            let status = command.status().with_context(cannot)?;
            self.end(part, status, start);
            return Ok(status);
        };
        // Both into one pipe, so that they keep their order.
        let (mut reader, writer) = std::io::pipe().with_context(cannot)?;
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().with_context(cannot)?)
            .stderr(writer);
        let mut child = command.spawn().with_context(cannot)?;
        // It holds the ends of the pipe that are written to.
        drop(command);
        let line = lines.add(progress(part));
        let mut written = Vec::new();
        let read = reader.read_to_end(&mut written);
        let status = child.wait().with_context(cannot)?;
        read.with_context(|| format!("cannot read what the build of {part} writes"))?;
        line.finish_and_clear();
        lines.remove(&line);
        lines.suspend(|| {
            let mut stderr = std::io::stderr().lock();
            if !written.is_empty() {
                let _ = writeln!(stderr, "output of {part}:");
                let _ = stderr.write_all(&written);
                if !written.ends_with(b"\n") {
                    let _ = writeln!(stderr);
                }
            }
        });
        self.end(part, status, start);
        Ok(status)
    }

    fn end(&self, part: &str, status: ExitStatus, start: Instant) {
        if status.success() {
            let seconds = start.elapsed().as_secs_f32();
            self.say(&format!("built {part} in {seconds:.1} s"));
        }
    }
}

/// A line that moves while a part is built, on terminals.
fn progress(part: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} building {msg} {elapsed}");
    let line = ProgressBar::new_spinner().with_message(part.to_owned());
    line.set_style(style.expect("a template that is written here"));
    line.enable_steady_tick(Duration::from_millis(120));
    line
}
