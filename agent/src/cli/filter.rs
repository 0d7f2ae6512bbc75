//! `tamis scrub` and `tamis sieve`: exactly one output line per input line, in bounded memory.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;

use tamis_scrubber::record::{RawLine, Stream};
use tamis_scrubber::report::Report;
use tamis_scrubber::scrub::{ScrubScratch, Scrubber};
use tamis_scrubber::sieve::{Envelope, Scratch, Sieve, Verdict};

use super::lines::{Line, Lines};
use super::{Exit, Failure, ScrubArgs, SieveArgs};

/// Wall 2 alone, with what a policy says of kinds and rules.
pub(super) fn scrub(args: ScrubArgs) -> Result<Exit, Failure> {
    let mut scratch = ScrubScratch::default();
    let mut report = Report::default();
    let Some(policy) = args.policy else {
        // Profiles and lexicon are of no use here: the detectors are ready at once.
        let input = open(args.input.file)?;
        let scrubber = Scrubber::default();
        return filter(input, Take::Many, |lines, out| {
            scrubber.scrub_lines(lines.bytes, out, &mut scratch, &mut report);
        });
    };
    let sieve = crate::app::compile(crate::app::load_policy(Some(&policy))?)?;
    filter(open(args.input.file)?, Take::One, |line, out| {
        sieve.scrub(line.bytes, out, &mut scratch, &mut report);
    })
}

/// Both walls.
pub(super) fn sieve(args: SieveArgs) -> Result<Exit, Failure> {
    let sieve = crate::app::compile(crate::app::load_policy(args.policy.as_deref())?)?;
    let profile = match (&args.profile, &args.service) {
        (Some(name), _) => {
            let names: Vec<&str> = sieve.profiles().collect();
            let hint = format!("profiles: {}", names.join(", "));
            Some(sieve.profile(name).ok_or(Failure::new(Exit::Usage, "unknown profile", hint))?)
        }
        (None, Some(service)) => sieve.profile_for(service, ""),
        (None, None) => None,
    };
    let input = open(args.input.file)?;
    let mut scratch = Scratch::new(&sieve);
    filter(input, Take::One, |line, out| {
        let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
        let at = Envelope {
            timestamp_ns: 0,
            stream: Stream::Stdout,
            profile,
            truncated: line.truncated,
        };
        judge(&sieve, bytes, &at, &mut scratch, out);
    })
}

fn judge(sieve: &Sieve, line: &[u8], at: &Envelope, scratch: &mut Scratch, out: &mut Vec<u8>) {
    match sieve.sieve(RawLine::new(line), at, scratch) {
        Verdict::Keep(record) => record.write_json(out),
        Verdict::Drop(_) => {}
    }
}

fn open(file: Option<PathBuf>) -> Result<Box<dyn Read>, Failure> {
    let hint = "give a readable file, or `-` for standard input";
    let failed = |e: &io::Error| Failure::io("cannot open the input file", e, hint);
    match file {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).map_err(|e| failed(&e))?;
            if file.metadata().is_ok_and(|m| m.is_dir()) {
                return Err(failed(&io::ErrorKind::IsADirectory.into()));
            }
            Ok(Box::new(file))
        }
        _ => Ok(Box::new(io::stdin().lock())),
    }
}

/// How many lines are handed over at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    One,
    /// As many as were read, with LF between them.
    Many,
}

/// Feeds the lines to `each`, which appends its answer; writes the answers.
fn filter(
    input: Box<dyn Read>,
    take: Take,
    mut each: impl FnMut(&Line<'_>, &mut Vec<u8>),
) -> Result<Exit, Failure> {
    let out = std::cell::RefCell::new(BufWriter::with_capacity(256 * 1024, io::stdout().lock()));
    let mut lines = Lines::new(input);
    let mut answer = Vec::new();
    let mut cut: u64 = 0;
    let written = loop {
        // What was answered is written before a read that may block, so that `tail -f | tamis
        // scrub` shows each line at once.
        let flush = || out.borrow_mut().flush();
        let line = match take {
            Take::One => lines.next(flush),
            Take::Many => lines.batch(flush),
        };
        let line = match line {
            Ok(Some(line)) => line,
            Ok(None) => break out.borrow_mut().flush(),
            Err(e) => break Err(e),
        };
        cut += u64::from(line.truncated);
        answer.clear();
        each(&line, &mut answer);
        // A last line without a newline stays so, unless nothing of it is left: an empty line
        // shows only by its newline.
        if line.newline || answer.is_empty() {
            answer.push(b'\n');
        }
        if let Err(e) = out.borrow_mut().write_all(&answer) {
            break Err(e);
        }
    };
    match written {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // Nobody reads any more: dropping the writer would try to flush again.
            let _ = out.into_inner().into_parts();
            return Ok(Exit::Ok);
        }
        Err(e) => {
            let _ = out.into_inner().into_parts();
            return Err(Failure::io("cannot read the input or write the output", &e, "try again"));
        }
        Ok(()) => {}
    }
    if cut > 0 {
        notice(cut);
    }
    Ok(Exit::Ok)
}

#[allow(clippy::print_stderr, reason = "diagnostics of a command go to standard error")]
fn notice(cut: u64) {
    let limit = crate::limits::LINE_BYTES_MAX;
    eprintln!("tamis: {cut} line(s) longer than {limit} bytes were cut before a token");
}
