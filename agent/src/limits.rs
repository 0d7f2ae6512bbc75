//! Every named maximum of the agent. Units are in the names; const asserts hold them together.

use std::time::Duration;

/// Longest record after reassembly; beyond it the sieved prefix is kept and counted as truncated.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Payload of one fragment that the engine writes for a longer line.
pub const DOCKER_FRAGMENT_BYTES: usize = 16 * 1024;
/// Longest time an unfinished record waits for its next fragment.
pub const FRAGMENT_WAIT_MAX: Duration = Duration::from_secs(5);
/// Open fragments held per container and stream (partial ids interleaved).
pub const OPEN_FRAGMENTS_MAX: usize = 4;
/// Fragments of one record (the engine's are 16 KiB, all but the last).
pub const FRAGMENTS_MAX: usize = 1024;
/// One message on a log driver's FIFO: a line of any engine setting, and what goes with it.
pub const FRAME_BYTES_MAX: usize = LINE_BYTES_MAX + 4096;
/// Size asked for a log driver's pipe; what the engine writes while the agent is away waits there.
pub const PIPE_BYTES: usize = 1024 * 1024;
/// Log driver FIFOs open at once; a further container is refused its start.
pub const DRIVER_FIFOS_MAX: usize = 4096;
/// The saved map of FIFOs, as read at start.
pub const DRIVER_MAP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Answers to `docker logs` being written at once.
pub const READ_LOGS_MAX: usize = 64;

/// A source hands over a batch at this size, or when it has nothing more to read.
pub const RAW_BATCH_BYTES: usize = 256 * 1024;
/// Records in one batch from a source.
pub const RAW_BATCH_LINES_MAX: usize = 4096;
/// Batches waiting for one worker. A full queue makes a source wait for the CPU, never for a sink.
pub const WORKER_QUEUE_BATCHES: usize = 64;
/// Bytes that sources able to wait (files) may have between reading and storing.
pub const FILE_CREDIT_BYTES: usize = 8 * 1024 * 1024;

/// One read from a log file. Also the longest line of the engine's own format: 16 KiB of text may
/// be escaped to six times its size, and attributes come with each line.
pub const FILE_CHUNK_BYTES: usize = 256 * 1024;
/// A log file that was written to lately is looked at this often.
pub const FILE_POLL_INTERVAL: Duration = Duration::from_millis(30);
/// A log file that was not written to for this long is left to inotify.
pub const FILE_IDLE_AFTER: Duration = Duration::from_secs(1);
/// An idle log file is looked at this often when inotify has no room for it.
pub const FILE_POLL_INTERVAL_UNWATCHED: Duration = Duration::from_millis(250);
/// The engine's directory is listed this often, in case inotify has missed something.
pub const FILE_RESCAN_INTERVAL: Duration = Duration::from_secs(2);
/// Rotated predecessors of one log file that are looked for.
pub const ROTATED_FILES_MAX: usize = 1000;
/// Rotated files of one container held open until they are read.
pub const HELD_FILES_MAX: usize = 256;
/// Bytes of files that the engine has deleted, held open until they are read, per container.
/// Beyond, the oldest is given up and counted as lost: the engine's limits on disk use are the
/// operator's.
pub const HELD_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The checkpoint file is written at most this often.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// Checkpoint file read at start.
pub const CHECKPOINT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Text held in memory for sinks when no spool directory is configured.
pub const MEMORY_SPOOL_BYTES: usize = 32 * 1024 * 1024;
/// What one record costs in the memory spool beyond its text.
pub const SPOOL_RECORD_OVERHEAD_BYTES: usize = 56;
/// What one batch costs in the memory spool beyond its records.
pub const SPOOL_BATCH_OVERHEAD_BYTES: usize = 256;
/// Size at which a spool segment ends; less in a small spool.
pub const SPOOL_SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// Smallest spool on disk.
pub const SPOOL_BYTES_MIN: u64 = 64 * 1024;
/// Segments at once.
pub const SPOOL_SEGMENTS_MAX: usize = 4096;
/// Damaged segments kept for inspection; further ones are removed.
pub const SPOOL_QUARANTINE_MAX: u64 = 4;
/// One batch on disk.
pub const SPOOL_FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Text of recent batches kept in memory for sinks that keep up with a spool on disk.
pub const SPOOL_CACHE_BYTES: usize = 4 * 1024 * 1024;
/// Sinks at once.
pub const SINKS_MAX: usize = 16;

/// One push to a store: text bytes after which the batch is sent.
pub const SINK_BATCH_BYTES: usize = 512 * 1024;
/// One push to a store: records.
pub const SINK_BATCH_LINES_MAX: usize = 20_000;

/// Longest line that Loki takes by default; it drops longer ones without telling which.
pub const LOKI_LINE_BYTES_MAX: usize = 256 * 1024;
/// Longest label value that Loki takes.
pub const LOKI_LABEL_BYTES_MAX: usize = 2048;
/// Key, credential or certificate file.
pub const CREDENTIAL_BYTES_MAX: usize = 256 * 1024;

/// Containers known at once; further ones are counted as uncovered.
pub const CONTAINERS_MAX: usize = 4096;
/// Clean records kept in memory per container for `docker logs` and the page.
pub const RECENT_LINES_MAX: usize = 1000;
/// Bytes of clean records kept in memory per container.
pub const RECENT_BYTES_MAX: usize = 256 * 1024;
/// Containers with recent records in memory; the one idle longest is forgotten first.
pub const RECENT_CONTAINERS_MAX: usize = 256;
/// Services with their own series; further ones are counted under `other`.
pub const SERVICES_MAX: usize = 512;

/// Request body accepted by the plugin API.
pub const PLUGIN_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Answer body read from a store.
pub const SINK_ANSWER_BYTES_MAX: usize = 16 * 1024;
/// `config.v2.json` read from the engine's directory.
pub const CONTAINER_CONFIG_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Configuration or policy file.
pub const CONFIG_BYTES_MAX: usize = 4 * 1024 * 1024;

const _: () = assert!(LINE_BYTES_MAX >= DOCKER_FRAGMENT_BYTES);
const _: () = assert!(FRAGMENTS_MAX > LINE_BYTES_MAX / DOCKER_FRAGMENT_BYTES);
const _: () = assert!(FILE_CREDIT_BYTES >= LINE_BYTES_MAX + RAW_BATCH_BYTES);
const _: () = assert!(FILE_CHUNK_BYTES > 8 * DOCKER_FRAGMENT_BYTES);
const _: () = assert!(FILE_CREDIT_BYTES >= 4 * FILE_CHUNK_BYTES);
// Twice the containers (gone ones are forgotten late), 128 bytes of id, position and punctuation.
const _: () = assert!(CHECKPOINT_BYTES_MAX as usize >= 2 * CONTAINERS_MAX * 256);
// What files may have in flight never fills the memory spool by itself, so they are never dropped.
const _: () = assert!(MEMORY_SPOOL_BYTES >= 2 * FILE_CREDIT_BYTES);
