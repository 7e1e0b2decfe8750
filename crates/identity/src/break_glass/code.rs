//! The sealed code: 256 bits as people write them down and type them.

use crate::entropy::{Entropy, draw};
use crate::letters;
use crate::secret::{Digest, Secret};

/// A fresh code.
pub fn new_code(entropy: &dyn Entropy) -> Secret {
    Secret::new(letters::write(&draw::<32>(entropy)))
}

/// A code as it is printed.
pub fn for_people(code: &Secret) -> String {
    letters::in_groups(code.expose())
}

/// What stands for the code that somebody typed. What cannot be a code has a digest as well, that of
/// no code.
pub fn code_digest(typed: &Secret) -> Digest {
    Secret::new(letters::read(typed.expose())).digest()
}
