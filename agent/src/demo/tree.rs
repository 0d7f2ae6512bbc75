//! The files of one synthetic container: engine directory, json-file log, cgroup v2, procfs.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{Service, write};
use crate::clock;

/// The engine rotates a log at this size; two files are kept.
const ROTATE_BYTES: u64 = 4 * 1024 * 1024;

/// One container's files.
pub(super) struct Container {
    pub service: Service,
    log_path: PathBuf,
    log: BufWriter<File>,
    written: u64,
    cgroup: PathBuf,
    net: PathBuf,
    /// Load so far: lines written.
    lines: u64,
}

impl Container {
    pub(super) fn create(root: &Path, service: Service) -> io::Result<Container> {
        let number = Service::ALL.iter().position(|s| *s == service).unwrap_or_default() as u64;
        let id = format!("{:016x}", 0xd1b5_4a32_d192_ed03_u64.wrapping_mul(number + 1)).repeat(4);
        let dir = root.join("containers").join(&id);
        let log_path = dir.join(format!("{id}-json.log"));
        let started = clock::now_ns();
        let config = serde_json::json!({
            "ID": id,
            "Name": format!("/demo-{}-1", service.name()),
            "LogPath": log_path,
            "Config": {
                "Image": service.image(),
                "Tty": false,
                "Labels": {
                    "com.docker.compose.project": "demo",
                    "com.docker.compose.service": service.name(),
                },
            },
            "State": {"Running": true, "Pid": 100 + number, "StartedAt": rfc3339(started)},
        });
        write(&log_path, "")?;
        write(&dir.join("hostconfig.json"), "{\"LogConfig\":{\"Type\":\"json-file\"}}")?;
        write(&dir.join("config.v2.json"), &config.to_string())?;
        let log = BufWriter::new(OpenOptions::new().append(true).open(&log_path)?);
        let cgroup = root.join("cgroup").join("docker").join(&id);
        let net = root.join("proc").join((100 + number).to_string()).join("net").join("dev");
        let container = Container { service, log_path, log, written: 0, cgroup, net, lines: 0 };
        write(&container.cgroup.join("cgroup.procs"), &format!("{}\n", 100 + number))?;
        write(&container.cgroup.join("cpu.max"), "100000 100000\n")?;
        write(&container.cgroup.join("cpu.weight"), "100\n")?;
        write(&container.cgroup.join("memory.max"), "1073741824\n")?;
        write(
            &container.cgroup.join("memory.events"),
            "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
        )?;
        write(&container.cgroup.join("pids.max"), "200\n")?;
        container.load()?;
        Ok(container)
    }

    /// Appends one line as the engine would, and rotates.
    pub(super) fn line(&mut self, stream: &str, text: &str) -> io::Result<()> {
        let time = rfc3339(clock::now_ns());
        let text = format!("{text}\n");
        let text = serde_json::Value::String(text).to_string();
        let row = format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"{time}\"}}\n");
        self.log.write_all(row.as_bytes())?;
        self.written += row.len() as u64;
        self.lines += 1;
        if self.written > ROTATE_BYTES {
            self.log.flush()?;
            let mut old = self.log_path.clone().into_os_string();
            old.push(".1");
            std::fs::rename(&self.log_path, old)?;
            let fresh = OpenOptions::new().create(true).append(true).open(&self.log_path)?;
            self.log = BufWriter::new(fresh);
            self.written = 0;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.log.flush()
    }

    /// Writes resource counters that follow the load.
    pub(super) fn load(&self) -> io::Result<()> {
        let weight = match self.service {
            Service::Ollama => 40,
            Service::Backend => 8,
            Service::Postgres => 6,
            Service::Gateway => 5,
            Service::Proxy => 2,
        };
        let usec = self.lines * weight * 220;
        let mib = 24 * weight + 10 * ((self.lines / 50) % 7);
        let current = mib << 20;
        let f = |name: &str, text: String| write(&self.cgroup.join(name), &text);
        f(
            "cpu.stat",
            format!(
                "usage_usec {usec}\nuser_usec {}\nsystem_usec {}\nnr_periods {}\n\
                 nr_throttled {}\nthrottled_usec {}\n",
                usec * 4 / 5,
                usec / 5,
                self.lines / 2,
                self.lines / 40,
                self.lines * 30,
            ),
        )?;
        f("memory.current", format!("{current}\n"))?;
        f(
            "memory.stat",
            format!(
                "anon {}\nfile {}\nfile_mapped {}\ninactive_file {}\npgfault {}\npgmajfault 3\n",
                current / 2,
                current / 3,
                current / 9,
                current / 5,
                self.lines * 11,
            ),
        )?;
        f("pids.current", format!("{}\n", 4 + weight / 2))?;
        f(
            "io.stat",
            format!(
                "8:0 rbytes={} wbytes={} rios={} wios={} dbytes=0 dios=0\n",
                self.lines * 512,
                self.lines * 2048,
                self.lines / 8,
                self.lines / 2
            ),
        )?;
        let pressure = format!(
            "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\n\
             full avg10=0.00 avg60=0.00 avg300=0.00 total={}\n",
            self.lines * weight * 3,
            self.lines * weight,
        );
        for name in ["cpu.pressure", "memory.pressure", "io.pressure"] {
            f(name, pressure.clone())?;
        }
        let bytes = self.lines * 900;
        write(
            &self.net,
            &format!(
                "Inter-|   Receive                            |  Transmit\n \
                 face |bytes packets errs drop fifo frame compressed multicast|\
                 bytes packets errs drop fifo colls carrier compressed\n    \
                 lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n  \
                 eth0: {bytes} {} 0 0 0 0 0 0 {} {} 0 0 0 0 0 0\n",
                bytes / 700,
                bytes * 2,
                bytes / 600,
            ),
        )
    }
}

/// The machine's own procfs and cgroup files that the sampler reads.
pub(super) fn machine(root: &Path) -> io::Result<()> {
    write(&root.join("cgroup").join("cgroup.controllers"), "cpu io memory pids\n")?;
    write(&root.join("proc").join("meminfo"), "MemTotal: 16384000 kB\nSwapTotal: 0 kB\n")?;
    write(&root.join("proc").join("cpuinfo"), "processor\t: 0\nprocessor\t: 1\n")?;
    write(&root.join("proc").join("stat"), "cpu 0 0 0 0\ncpu0 0 0 0 0\ncpu1 0 0 0 0\nbtime 0\n")?;
    write(&root.join("proc").join("diskstats"), "   8       0 sda 0 0 0 0 0 0 0 0 0 0 0\n")
}

fn rfc3339(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(ns.into())
        .map_or_else(|_| String::new(), |t| format!("{t:.9}"))
}
