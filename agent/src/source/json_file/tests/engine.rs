//! Writes container directories the way the engine does: descriptions by temporary name and rename,
//! logs with rotation (read in its `loggerutils/logfile.go`: remove the oldest name, rename up,
//! create anew; one name only: truncate in place).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) struct Container {
    pub(super) id: String,
    dir: PathBuf,
    log: Option<File>,
    size: u64,
    pub(super) size_max: u64,
    files_max: usize,
    clock_ns: u64,
}

impl Container {
    pub(super) fn create(root: &Path, byte: u8, driver: &str, files_max: usize) -> Container {
        let id = format!("{byte:02x}").repeat(32);
        let dir = root.join(&id);
        std::fs::create_dir(&dir).unwrap();
        let mut c = Container {
            id,
            dir,
            log: None,
            size: 0,
            size_max: u64::MAX,
            files_max,
            clock_ns: u64::from(byte),
        };
        c.describe(true, 1);
        let host = format!(
            r#"{{"LogConfig":{{"Type":"{driver}","Config":{{"max-file":"{files_max}"}}}}}}"#
        );
        c.replace("hostconfig.json", &host);
        c
    }

    /// Writes the description, as at each start and stop.
    pub(super) fn describe(&mut self, running: bool, started: u32) {
        let config = format!(
            r#"{{"State":{{"Running":{running},"StartedAt":"1970-01-01T00:00:00.{started:09}Z"}},
            "ID":"{id}","Config":{{"Image":"demo","Env":["X=1"],"Labels":{{
            "com.docker.compose.project":"demo","com.docker.compose.service":"web"}}}},
            "Name":"/demo-web-1"}}"#,
            id = self.id
        );
        self.replace("config.v2.json", &config);
    }

    fn replace(&self, name: &str, text: &str) {
        let temporary = self.dir.join(format!(".tmp-{name}123"));
        std::fs::write(&temporary, text).unwrap();
        std::fs::rename(temporary, self.dir.join(name)).unwrap();
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.dir.join(format!("{}-json.log", self.id))
    }

    fn rotated(&self, n: usize) -> PathBuf {
        self.dir.join(format!("{}-json.log.{n}", self.id))
    }

    /// One call of the driver: a whole line, or a fragment when `text` has no newline.
    pub(super) fn write(&mut self, stream: &str, text: &str) {
        self.clock_ns += 1;
        let (s, ns) = (self.clock_ns / 1_000_000_000, self.clock_ns % 1_000_000_000);
        let text = serde_json::to_string(text).unwrap();
        let line = format!(
            "{{\"log\":{text},\"stream\":\"{stream}\",\
             \"time\":\"1970-01-01T00:00:{s:02}.{ns:09}Z\"}}\n"
        );
        self.raw(line.as_bytes());
    }

    /// Bytes into the log, rotated before when it is full.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if self.log.is_none() {
            self.log = Some(self.open(false));
        }
        if self.size >= self.size_max {
            self.rotate();
        }
        self.log.as_mut().unwrap().write_all(bytes).unwrap();
        self.size += bytes.len() as u64;
    }

    pub(super) fn rotate(&mut self) {
        self.log = None;
        if self.files_max >= 2 {
            let _ = std::fs::remove_file(self.rotated(self.files_max - 1));
            for n in (2..self.files_max).rev() {
                let _ = std::fs::rename(self.rotated(n - 1), self.rotated(n));
            }
            std::fs::rename(self.log_path(), self.rotated(1)).unwrap();
        }
        self.log = Some(self.open(true));
        self.size = 0;
    }

    fn open(&self, truncate: bool) -> File {
        let mut options = OpenOptions::new();
        let options = options.create(true).write(true);
        if truncate {
            options.truncate(true)
        } else {
            options.append(true)
        };
        options.open(self.log_path()).unwrap()
    }

    pub(super) fn remove(self) {
        std::fs::remove_dir_all(self.dir).unwrap();
    }
}
