//! Which profile a line or a container is read by.

use crate::parse::{access, csv, header, logfmt, nginx_error, postgres};
use crate::policy::profile::{Compiled, Profile};
use crate::policy::types::Format;

/// Bytes of a line within which the marks of a profile are looked for.
const LOOK_MAX: usize = 4096;

/// The profile of a line, from its first bytes and keys. The last one, `text`, takes everything.
pub(super) fn by_line(compiled: &Compiled, text: &str) -> usize {
    let mut end = text.len().min(LOOK_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let window = text.get(..end).unwrap_or("");
    let found = compiled.profiles.iter().position(|p| is_of(p, text, window));
    found.or_else(|| by_name(compiled, "text")).unwrap_or(0)
}

/// The profile with a name.
pub(super) fn by_name(compiled: &Compiled, name: &str) -> Option<usize> {
    compiled.profiles.iter().position(|p| &*p.name == name)
}

/// The profile of a container: the policy's services first, then images, then service names.
pub(super) fn by_container(compiled: &Compiled, service: &str, image: &str) -> Option<usize> {
    let declared = compiled.services.iter().find(|(s, _)| &**s == service);
    let image = repository(image);
    declared
        .map(|(_, p)| *p)
        .or_else(|| {
            let takes = |p: &Profile| p.images.iter().any(|i| is_image(image, i));
            (!image.is_empty()).then(|| compiled.profiles.iter().position(takes)).flatten()
        })
        .or_else(|| {
            let takes = |p: &Profile| p.services.iter().any(|s| &**s == service);
            compiled.profiles.iter().position(takes)
        })
}

/// An image reference without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or("");
    let last = image.rfind('/').map_or(0, |i| i + 1);
    match image.get(last..).and_then(|name| name.find(':')) {
        Some(i) => image.get(..last + i).unwrap_or(""),
        None => image,
    }
}

/// Whether a repository is `name`, or ends with it after a slash.
fn is_image(repository: &str, name: &str) -> bool {
    repository.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

fn is_of(profile: &Profile, text: &str, window: &str) -> bool {
    profile.detect.iter().any(|d| {
        text.starts_with(&*d.starts)
            && d.contains
                .iter()
                .all(|c| memchr::memmem::find(window.as_bytes(), c.as_bytes()).is_some())
            && d.format.is_none_or(|f| looks(f, text))
    })
}

fn looks(format: Format, text: &str) -> bool {
    match format {
        Format::Json => text.starts_with("{\"") || text.starts_with("{ \""),
        Format::Logfmt => logfmt::looks(text),
        Format::Access => access::looks(text),
        Format::Postgres => postgres::looks(text),
        Format::PostgresCsv => csv::looks(text),
        Format::NginxError => nginx_error::looks(text),
        Format::Gin => text.starts_with("[GIN"),
        Format::Stack => text.starts_with("  File \""),
        Format::Text => header::time(text).is_some(),
    }
}
