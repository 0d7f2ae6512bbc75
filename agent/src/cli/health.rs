//! `tamis healthcheck`: works in an image that holds nothing but the binary.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use super::{Exit, Failure};
use crate::config::{self, Config};

/// Time allowed for the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Exit 0 when the sidecar of this configuration is ready.
pub(super) fn healthcheck(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let config = Config::load(&config::path_or_default(config))?;
    let hint = "is `tamis run` running with this configuration?";
    let no_answer = |e: std::io::Error| {
        let message = format!("the sidecar does not answer: {}", crate::config::io_reason(&e));
        Failure::new(Exit::Unavailable, message, hint)
    };
    let ready = ask(address(&config).map_err(no_answer)?).map_err(no_answer)?;
    if ready {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(Exit::Problems, "the sidecar is not ready", "see its log and /readyz"))
}

/// The configured address; with port 0 the one that the running sidecar wrote down.
fn address(config: &Config) -> std::io::Result<SocketAddr> {
    let mut address = config.listen;
    if address.port() == 0 {
        let written = std::fs::read_to_string(config.state_dir.join(crate::app::LISTEN_FILE))?;
        address = written.trim().parse().map_err(|_| std::io::ErrorKind::InvalidData)?;
    }
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(address)
}

fn ask(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head.ends_with(b" 200"))
}
