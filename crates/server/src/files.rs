//! Folders that hold secrets.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use identity::entropy::{Entropy, draw};

/// Makes the folder and its parents where they are missing, for the owner alone.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a new folder for the owner alone among the system's temporary ones. Its name cannot be
/// guessed, and one that is there already is refused: somebody else may have put it there.
pub fn temporary_folder(prefix: &str, entropy: &dyn Entropy) -> io::Result<PathBuf> {
    let name = format!("{prefix}-{}", identity::ids::hex(&draw::<16>(entropy)));
    let folder = std::env::temp_dir().join(name);
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::clock::SystemEntropy;

    struct Fixed([u8; 16]);
    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.copy_from_slice(&self.0[..buffer.len()]);
        }
    }

    #[test]
    fn a_temporary_folder_is_new_and_its_owners_alone() {
        let own = Fixed(draw(&SystemEntropy));
        let folder = temporary_folder("vestibule-test", &own).expect("a folder");
        let mode = fs::metadata(&folder).expect("it is there").permissions().mode();
        let again = temporary_folder("vestibule-test", &own);
        fs::remove_dir(&folder).expect("removed");
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(again.expect_err("there is one").kind(), io::ErrorKind::AlreadyExists);
    }
}
