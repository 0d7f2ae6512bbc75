//! What the sidecar knows of itself: its directory and its own container.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes the state directory, for its owner's eyes only, and checks that it can be written.
pub(super) fn prepare_dir(dir: &Path) -> io::Result<()> {
    if !dir.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let probe = dir.join(".probe");
    fs::write(&probe, b"")?;
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o600))?;
    fs::remove_file(&probe)
}

/// The id of the container that this process runs in, so that it never collects itself.
pub(super) fn container_id() -> Option<String> {
    find_container_id(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// The engine mounts `hostname`, `hosts` and `resolv.conf` from `…/containers/<id>/`.
fn find_container_id(mountinfo: &str) -> Option<String> {
    let after = mountinfo.split("/containers/").skip(1);
    let mut ids = after.filter_map(|rest| rest.split_once('/')).map(|(id, _)| id);
    let id = ids.find(|id| id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_container_is_found_by_the_files_that_the_engine_mounts() {
        let id = "0123456789abcdef".repeat(4);
        let row = format!(
            "1 2 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda rw\n"
        );
        assert_eq!(find_container_id(&row), Some(id));
        assert_eq!(
            find_container_id("1 2 8:1 / /var/lib/docker/containers ro - ext4 x rw\n"),
            None
        );
    }
}
