//! What this process costs: memory and processor time, from `/proc/self/stat`.

/// Memory and processor time of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Resident memory, bytes.
    pub resident_bytes: u64,
    /// Processor time in user mode and in the kernel, seconds.
    pub cpu_seconds: f64,
}

impl Process {
    /// Asks the kernel; zeros when it does not tell.
    pub fn read() -> Process {
        std::fs::read_to_string("/proc/self/stat").map(|t| parse(&t)).unwrap_or_default()
    }
}

/// The name in parentheses may hold spaces and parentheses; what follows it starts with field 3.
/// Fields 14 and 15 are ticks in user mode and in the kernel, 24 is resident pages.
fn parse(text: &str) -> Process {
    let fields: Vec<&str> = text.rsplit_once(") ").map_or("", |(_, t)| t).split(' ').collect();
    let field = |n: usize| fields.get(n - 3).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
    Process {
        resident_bytes: field(24).saturating_mul(rustix::param::page_size() as u64),
        cpu_seconds: field(14).saturating_add(field(15)) as f64 / ticks_per_second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_an_odd_name() {
        let text = "7 (a) b) S 1 2 3 0 -1 4 5 0 0 0 250 50 0 0 20 0 1 0 99 9404416 1000 18\n";
        let page = rustix::param::page_size() as u64;
        let hz = rustix::param::clock_ticks_per_second() as f64;
        let want = Process { resident_bytes: 1000 * page, cpu_seconds: 300.0 / hz };
        assert_eq!(parse(text), want);
        assert_eq!(parse("garbage"), Process::default());
        assert!(Process::read().resident_bytes > 0);
    }
}
