//! One HTTP request to a loopback server, without a client library: HTTP/1.0, so no chunks.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer, or nothing when the server does not listen or does not answer.
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Body, invalid UTF-8 replaced.
    pub(crate) body: String,
}

/// `GET path` from `127.0.0.1:port` or any `host:port`.
pub(crate) fn get(address: &str, path: &str) -> Option<Answer> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(socket, "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

/// The body of a successful answer.
pub(crate) fn body(address: &str, path: &str) -> Option<String> {
    get(address, path).filter(|a| a.status == 200).map(|a| a.body)
}

/// A query parameter's value, percent-encoded.
pub(crate) fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|b| match b.is_ascii_alphanumeric() {
            true => char::from(b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect()
}
