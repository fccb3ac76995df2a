//! The output of builds: of one build as it comes, of several builds one after the other.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows builds on stderr.
pub struct Output {
    /// None for a single build, which uses the terminal itself.
    lines: Option<MultiProgress>,
}

impl Output {
    pub fn new(several: bool) -> Self {
        Self {
            lines: several.then(MultiProgress::new),
        }
    }

    /// Prints a line between the outputs of builds.
    pub fn say(&self, text: &str) {
        match &self.lines {
            // On a terminal, the moving lines stay at the bottom.
            Some(lines) => lines.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Runs the build command of a part. Shows its output at once, or when it ends if there are
    /// several.
    pub fn run(&self, part: &str, text: &str, mut command: Command) -> Result<ExitStatus> {
        let cannot = || format!("cannot start the build command of {part}");
        self.say(&format!("building {part} with `{text}`"));
        let start = Instant::now();
        let Some(lines) = &self.lines else {
            let status = command.status().with_context(cannot)?;
            self.end(part, status, start);
            return Ok(status);
        };
        // One pipe keeps the order of stdout and stderr.
        let (mut reader, writer) = std::io::pipe().with_context(cannot)?;
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().with_context(cannot)?)
            .stderr(writer);
        let mut child = command.spawn().with_context(cannot)?;
        // `command` holds the writing ends of the pipe, which must close for the reader to end.
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

/// On a terminal, a line that moves while a part is built.
fn progress(part: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} building {msg} {elapsed}");
    let line = ProgressBar::new_spinner().with_message(part.to_owned());
    line.set_style(style.expect("the template is valid"));
    line.enable_steady_tick(Duration::from_millis(120));
    line
}
