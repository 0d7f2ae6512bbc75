//! What the synthetic services write: the line formats of the real ones, with persons in them.

use std::io;

use super::Service;
use super::persons::{Person, cast};
use super::tree::Container;
use crate::clock;

/// Writes bursts of lines into the containers.
pub(super) struct Writer {
    containers: Vec<Container>,
    cast: Vec<Person>,
    random: u64,
    ticks: u64,
}

impl Writer {
    pub(super) fn new(containers: Vec<Container>) -> Self {
        Writer { containers, cast: cast(), random: 0x2545_f491_4f6c_dd1d, ticks: 0 }
    }

    /// One burst: a few requests through the whole stack, then the counters.
    pub(super) fn tick(&mut self) -> io::Result<()> {
        self.ticks += 1;
        // A slow wave, so that rates move on the page.
        let phase = (self.ticks % 600) as i64 - 300;
        let requests = 1 + (300 - phase.unsigned_abs()) / 100;
        for _ in 0..requests {
            self.request()?;
        }
        for container in &mut self.containers {
            container.flush()?;
            if self.ticks.is_multiple_of(10) {
                container.load()?;
            }
        }
        Ok(())
    }

    fn pick(&mut self, n: u64) -> u64 {
        // xorshift64: any spread will do here.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % n
    }

    fn request(&mut self) -> io::Result<()> {
        let who = self.pick(self.cast.len() as u64) as usize;
        let shape = self.pick(100);
        let numbers = [0; 4].map(|_| self.pick(10_000));
        let Some(person) = self.cast.get(who) else { return Ok(()) };
        for container in &mut self.containers {
            for (stream, line) in lines(container.service, person, shape, numbers) {
                container.line(stream, &line)?;
            }
        }
        Ok(())
    }
}

fn stamp(format: &str) -> String {
    let now = jiff::Timestamp::from_nanosecond(clock::now_ns().into()).unwrap_or_default();
    now.strftime(format).to_string()
}

fn lines(service: Service, p: &Person, shape: u64, n: [u64; 4]) -> Vec<(&'static str, String)> {
    match service {
        Service::Proxy => vec![("stderr", proxy(p, shape, n))],
        Service::Backend => backend(p, shape, n),
        Service::Gateway => gateway(p, shape, n),
        Service::Ollama => ollama(p, shape, n),
        Service::Postgres => postgres(p, shape, n),
    }
}

fn proxy(p: &Person, shape: u64, n: [u64; 4]) -> String {
    let seconds = clock::now_ns() / 1_000_000_000;
    let email = p.email.replace('@', "%40");
    let (status, size) = if shape < 90 { (200, 400 + n[0]) } else { (502, 0) };
    let logger = if status == 200 { "http.log.access.log0" } else { "http.log.error.log0" };
    let (level, msg) = match status {
        200 => ("info", "handled request"),
        _ => ("error", "dial tcp 10.5.0.4:8000: connect: connection refused"),
    };
    format!(
        "{{\"level\":\"{level}\",\"ts\":{seconds}.{:04},\"logger\":\"{logger}\",\"msg\":\"{msg}\",\
         \"request\":{{\"remote_ip\":\"203.0.113.{}\",\"remote_port\":\"{}\",\
         \"proto\":\"HTTP/2.0\",\"method\":\"POST\",\"host\":\"chat.example.org\",\
         \"uri\":\"/v1/chat/completions?user={email}&nir={}\",\
         \"headers\":{{\"User-Agent\":[\"Mozilla/5.0\"],\"X-Openwebui-User-Email\":[\"{}\"],\
         \"Authorization\":[\"Bearer {}\"]}}}},\"user_id\":\"\",\"duration\":0.{:04},\
         \"size\":{size},\
         \"status\":{status}}}",
        n[1],
        1 + n[2] % 250,
        1024 + n[3],
        p.nir,
        p.email,
        p.token,
        n[0],
    )
}

fn backend(p: &Person, shape: u64, n: [u64; 4]) -> Vec<(&'static str, String)> {
    let access = format!(
        "INFO:     203.0.113.{}:0 - \"POST /api/conversations/{}/messages?email={} HTTP/1.1\" \
         200 OK",
        1 + n[0] % 250,
        n[1],
        p.email
    );
    let time = stamp("%Y-%m-%d %H:%M:%S");
    let mut rows = vec![("stdout", access)];
    if shape < 25 {
        let text = format!(
            "{time},{:03} - rag.ingest - INFO - indexed document dossier-{}.pdf for {} {} \
             ({}), account {}, 42 chunks in {} ms",
            n[2] % 1000,
            p.last,
            p.first,
            p.last,
            p.phone,
            p.iban,
            n[3]
        );
        rows.push(("stdout", text));
    }
    if shape >= 95 {
        rows.push((
            "stderr",
            format!(
                "{time},{:03} - rag.store - ERROR - connection to server \
            failed: timeout expired after {} ms",
                n[2] % 1000,
                n[3]
            ),
        ));
        rows.push(("stderr", "Traceback (most recent call last):".to_owned()));
        rows.push(("stderr", format!("ValueError: no such user: {}", p.email)));
    }
    rows
}

fn gateway(p: &Person, shape: u64, n: [u64; 4]) -> Vec<(&'static str, String)> {
    let time = stamp("%H:%M:%S");
    let access = format!(
        "INFO:     10.5.0.3:{} - \"POST /v1/chat/completions HTTP/1.1\" 200 OK",
        30_000 + n[0]
    );
    let mut rows = vec![("stdout", access)];
    if shape < 10 {
        rows.push((
            "stderr",
            format!(
                "{time} - LiteLLM Proxy:DEBUG: common_request_processing.py:2296 - receiving data: \
             {{'model': 'local', 'messages': [{{'role': 'user', 'content': '{}. Je suis {} {}, \
             NIR {}'}}], 'user': '{}'}}",
                p.prompt, p.first, p.last, p.nir_spaced, p.email
            ),
        ));
    }
    if shape >= 93 {
        rows.push((
            "stderr",
            format!(
                "{time} - LiteLLM:WARNING: router.py:{} - model mistral is in cooldown, \
             retrying in {} s",
                n[1],
                1 + n[2] % 30
            ),
        ));
    }
    rows
}

fn ollama(p: &Person, shape: u64, n: [u64; 4]) -> Vec<(&'static str, String)> {
    let day = stamp("%Y/%m/%d - %H:%M:%S");
    let time = stamp("%Y-%m-%dT%H:%M:%S.%3fZ");
    let mut rows = vec![(
        "stderr",
        format!(
            "[GIN] {day} | 200 | {:>5}.{:06}ms |       10.5.0.5 | POST     \"/api/chat\"",
            20 + n[0] % 4000,
            n[1]
        ),
    )];
    if shape < 8 {
        rows.push((
            "stderr",
            format!(
                "time={time} level=DEBUG source=routes.go:208 msg=\"generate request\" \
             prompt=\"<|im_start|>user\\n{}<|im_end|>\" images=[]",
                p.prompt
            ),
        ));
    }
    if shape >= 97 {
        rows.push((
            "stderr",
            format!(
                "time={time} level=INFO source=server.go:264 msg=\"starting llama server\" port={}",
                30_000 + n[2]
            ),
        ));
    }
    rows
}

fn postgres(p: &Person, shape: u64, n: [u64; 4]) -> Vec<(&'static str, String)> {
    let prefix = format!("{}.{:03} UTC [{}]", stamp("%Y-%m-%d %H:%M:%S"), n[0] % 1000, 100 + n[1]);
    if shape < 12 {
        return vec![
            (
                "stderr",
                format!(
                    "{prefix} ERROR:  duplicate key value violates unique constraint \
                \"users_email_key\""
                ),
            ),
            ("stderr", format!("{prefix} DETAIL:  Key (email)=({}) already exists.", p.email)),
            (
                "stderr",
                format!(
                    "{prefix} STATEMENT:  insert into users(email, nom, iban) values \
                ('{}', '{}', '{}')",
                    p.email, p.last, p.iban
                ),
            ),
        ];
    }
    if shape < 40 {
        return vec![(
            "stderr",
            format!(
                "{prefix} LOG:  duration: {}.{:03} ms  execute <unnamed>: select * from users \
                 where nir = '{}'",
                n[2] % 900,
                n[3] % 1000,
                p.nir
            ),
        )];
    }
    if shape > 96 {
        return vec![(
            "stderr",
            format!("{prefix} LOG:  checkpoint complete: wrote {} buffers", n[2]),
        )];
    }
    Vec::new()
}
