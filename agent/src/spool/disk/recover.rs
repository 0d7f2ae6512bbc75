//! Opening a spool that earlier processes left, whole or not.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::crypt::Keys;
use super::super::cursor::{self, Position};
use super::super::segment::{Found, HEADER_BYTES, Header, read_frame};
use super::super::{DiskConfig, Losses, Recovered, SpoolError, SpoolErrorKind, SyncPolicy};
use super::{ByService, Disk, Reader, Segment, World, add};
use crate::ledger::Loss;
use crate::limits::{SPOOL_BYTES_MIN, SPOOL_SEGMENT_BYTES};

/// Service under which records of unreadable frames are counted.
const UNKNOWN: &str = "unknown";

/// Files of a spool directory.
#[derive(Default)]
struct Names {
    /// Ids of segments, in order.
    segments: Vec<u64>,
    quarantined: u64,
}

pub(super) fn open(
    config: &DiskConfig,
    sinks: usize,
    bytes_max: u64,
    world: World,
) -> Result<(Disk, Vec<Recovered>), SpoolError> {
    if bytes_max < SPOOL_BYTES_MIN {
        return Err(SpoolErrorKind::TooSmall.into());
    }
    let keys = Keys::read(&config.key_file)?;
    let lock = lock(&config.dir)?;
    let names = list(&config.dir, config.age_max, (world.now_ns)())
        .map_err(|_| SpoolErrorKind::Directory)?;
    let cursors: Vec<Position> =
        (0..sinks).map(|sink| cursor::read(&config.dir, sink, &keys).unwrap_or_default()).collect();
    let last = names.segments.iter().copied().chain(cursors.iter().map(|c| c.segment)).max();
    let reader = |at: &Position| Reader { at: *at, cursor: *at, durable: *at, ..Reader::default() };
    let mut disk = Disk {
        dir: config.dir.clone(),
        _lock: lock,
        keys,
        world,
        sync: SyncPolicy::default(),
        age_max_ns: i64::try_from(config.age_max.as_nanos()).unwrap_or(i64::MAX),
        bytes_max,
        // Held segments and the one being written are a small part of the whole.
        segment_bytes: SPOOL_SEGMENT_BYTES.min(bytes_max / 16),
        segments: VecDeque::new(),
        writer: None,
        next_id: last.map_or(1, |id| id + 1),
        next_seq: 0,
        bytes: 0,
        quarantined: names.quarantined,
        readers: cursors.iter().map(reader).collect(),
        cache: VecDeque::new(),
        cache_bytes: 0,
        losses: Losses::default(),
        unreported: vec![0; sinks],
    };
    disk.load(&names)?;
    (0..sinks).for_each(|sink| disk.pass_ends(sink));
    disk.collect();
    let recovered = disk.recovered();
    disk.expire();
    Ok((disk, recovered))
}

/// Creates the directory when it is missing and takes its lock.
fn lock(dir: &Path) -> Result<File, SpoolError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|_| SpoolErrorKind::Directory)?;
    let options = File::options().write(true).create(true).truncate(false).mode(0o600).clone();
    let file = options.open(dir.join("lock")).map_err(|_| SpoolErrorKind::Directory)?;
    file.try_lock().map_err(|_| SpoolErrorKind::InUse)?;
    Ok(file)
}

/// Lists segments, and removes what no longer counts: files of unfinished replacements, and
/// segments that were set aside longer ago than the age limit.
fn list(dir: &Path, age_max: Duration, now_ns: i64) -> std::io::Result<Names> {
    let mut names = Names::default();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|s| u64::from_str_radix(s.to_str()?, 16).ok());
        match (path.extension().and_then(|e| e.to_str()), id) {
            (Some("seg"), Some(id)) => names.segments.push(id),
            (Some("bad"), Some(_)) if is_older(&path, age_max, now_ns) => fs::remove_file(path)?,
            (Some("bad"), Some(_)) => names.quarantined += 1,
            (Some("tmp"), _) => fs::remove_file(path)?,
            _ => {}
        }
    }
    names.segments.sort_unstable();
    Ok(names)
}

fn is_older(path: &Path, age_max: Duration, now_ns: i64) -> bool {
    let modified = fs::metadata(path).and_then(|m| m.modified());
    let since = modified.ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    let now = Duration::from_nanos(now_ns.max(0).cast_unsigned());
    since.is_some_and(|since| now.saturating_sub(since) > age_max)
}

impl Disk {
    fn load(&mut self, names: &Names) -> Result<(), SpoolError> {
        let headers: Vec<(u64, File, Option<Header>)> = names
            .segments
            .iter()
            .map(|id| {
                let file = File::options().read(true).write(true).open(self.path(*id))?;
                let header = Header::read(&file).filter(|h| h.id == *id);
                Ok((*id, file, header))
            })
            .collect::<std::io::Result<_>>()
            .map_err(|_| SpoolErrorKind::Directory)?;
        let ours = |h: &Header| h.key_id == self.keys.id();
        let mut known = headers.iter().filter_map(|(_, _, h)| h.as_ref()).peekable();
        if known.peek().is_some() && !known.any(ours) {
            return Err(SpoolErrorKind::WrongKey.into());
        }
        let newest = names.segments.last().copied();
        for (id, file, header) in headers {
            let bytes = file.metadata().map_or(0, |m| m.len());
            match header.filter(|h| h.key_id == self.keys.id()) {
                Some(header) => self.scan(&file, header, bytes, Some(id) == newest)?,
                // Created, but the process ended before the header was written: nothing is in it.
                None if bytes < HEADER_BYTES as u64 => drop(fs::remove_file(self.path(id))),
                None => {
                    let path: PathBuf = self.path(id);
                    fs::rename(&path, path.with_extension("bad"))
                        .map_err(|_| SpoolErrorKind::Directory)?;
                    self.quarantined += 1;
                }
            }
        }
        Ok(())
    }

    /// Reads a segment from end to end and counts what each sink has and has not released.
    fn scan(
        &mut self,
        file: &File,
        header: Header,
        file_bytes: u64,
        newest: bool,
    ) -> Result<(), SpoolError> {
        let mut segment = Segment {
            id: header.id,
            created_ns: header.created_ns,
            oldest_ns: None,
            bytes: HEADER_BYTES as u64,
            file_bytes,
            records: ByService::new(),
            damaged: false,
        };
        let mut at = Position { segment: header.id, frame: 0, offset: HEADER_BYTES as u64 };
        loop {
            let found =
                read_frame(file, &header, &self.keys, at.frame, at.offset, segment.file_bytes);
            let next = match found {
                Found::Batch(batch, next) => {
                    let first = batch.entries().next().map(|e| e.timestamp_ns);
                    segment.oldest_ns = segment.oldest_ns.or(first);
                    let service = batch.container().service();
                    add(&mut segment.records, service, batch.len() as u64);
                    self.count(at, service, batch.len() as u64);
                    next
                }
                Found::Damaged { next, records } => {
                    segment.damaged = true;
                    self.count_damaged(at, records.into());
                    next
                }
                Found::End { torn: true } if newest && !segment.damaged => {
                    let cut = file.set_len(at.offset).and_then(|()| file.sync_data());
                    cut.map_err(|_| SpoolErrorKind::Directory)?;
                    segment.file_bytes = at.offset;
                    break;
                }
                Found::End { torn } => {
                    segment.damaged |= torn;
                    break;
                }
                Found::Lost => {
                    segment.damaged = true;
                    break;
                }
            };
            at = Position { frame: at.frame + 1, offset: next, ..at };
            segment.bytes = next;
        }
        self.bytes += segment.file_bytes;
        self.segments.push_back(segment);
        Ok(())
    }

    fn count(&mut self, at: Position, service: &str, records: u64) {
        for reader in &mut self.readers {
            if at >= reader.cursor {
                reader.pending += records;
            } else if at.segment == reader.cursor.segment {
                add(&mut reader.taken, service, records);
            }
        }
    }

    fn count_damaged(&mut self, at: Position, records: u64) {
        for sink in 0..self.readers.len() {
            if self.readers.get(sink).is_some_and(|r| at >= r.cursor) {
                self.lose(sink, UNKNOWN, Loss::SpoolDamaged, records);
            }
        }
    }

    /// What is pending for each sink, by service, losses found at the start included.
    fn recovered(&self) -> Vec<Recovered> {
        let mut all = Vec::new();
        for (sink, reader) in self.readers.iter().enumerate() {
            let mut sum = ByService::new();
            for segment in self.segments.iter().filter(|s| s.id >= reader.at.segment) {
                for (service, records) in &segment.records {
                    add(&mut sum, service, *records);
                }
            }
            for (service, taken) in &reader.taken {
                sum.entry(service.clone()).and_modify(|n| *n = n.saturating_sub(*taken));
            }
            add(&mut sum, UNKNOWN, self.unreported.get(sink).copied().unwrap_or(0));
            let rows = sum.into_iter().filter(|(_, records)| *records > 0);
            all.extend(rows.map(|(service, records)| Recovered { sink, service, records }));
        }
        all
    }
}
