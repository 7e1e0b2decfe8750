//! Password hashes as text: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use identity::entropy::{Entropy, draw};

/// Bytes of a salt that we make.
const SALT: usize = 16;

/// Bytes of a hash that we make.
const OUTPUT: usize = 32;

/// Most memory that a stored hash may ask for, in KiB: a row that somebody tampered with must not
/// bring the house down.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;

/// Most passes and lanes that a stored hash may ask for.
const MOST_PASSES: u32 = 64;
const MOST_LANES: u32 = 16;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes; ours are always 1.
    pub lanes: u32,
}

impl Cost {
    /// Whether a hash of this cost is dearer to guess than one of `other` in any respect.
    pub const fn exceeds(self, other: Self) -> bool {
        self.memory_kib > other.memory_kib || self.passes > other.passes
    }

    /// Memory blocks of 1 KiB that argon2 works in.
    pub(super) fn blocks(self) -> Result<usize, PhcError> {
        self.params(OUTPUT).map(|params| params.block_count())
    }

    fn params(self, output: usize) -> Result<Params, PhcError> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(output)).map_err(|_| PhcError)
    }
}

/// A text that is no argon2id hash that we can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored password hash is no argon2id hash of version 19 in the PHC string format")]
pub struct PhcError;

/// A password's hash with everything that is needed to make it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Phc {
    /// What making it costs.
    pub cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl fmt::Debug for Phc {
    /// The cost alone: a hash in a log could be guessed at leisure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phc({:?})", self.cost)
    }
}

impl Phc {
    /// Reads what the database holds.
    pub fn parse(text: &str) -> Result<Self, PhcError> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["", "argon2id", "v=19", cost, salt, hash] = parts[..] else {
            return Err(PhcError);
        };
        let decode = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| PhcError);
        let own = Self { cost: read_cost(cost)?, salt: decode(salt)?, hash: decode(hash)? };
        if own.salt.len() < 8 || !(16..=128).contains(&own.hash.len()) {
            return Err(PhcError);
        }
        own.cost.params(own.hash.len()).map(|_| own)
    }

    /// What nobody's password makes: random bytes in place of a hash. Verifying against it is the
    /// same work as against a real one.
    pub fn nobody(cost: Cost, entropy: &dyn Entropy) -> Self {
        let hash = draw::<OUTPUT>(entropy).to_vec();
        Self { cost, salt: draw::<SALT>(entropy).to_vec(), hash }
    }

    /// Hashes with a fresh salt, in `memory` of at least the cost's blocks.
    pub(super) fn make(
        cost: Cost,
        password: &[u8],
        memory: &mut [argon2::Block],
        entropy: &dyn Entropy,
    ) -> Result<Self, PhcError> {
        let salt = draw::<SALT>(entropy).to_vec();
        let hash = derive(cost, password, &salt, OUTPUT, memory)?;
        Ok(Self { cost, salt, hash })
    }

    /// Whether `password` makes this hash.
    pub(super) fn verify(
        &self,
        password: &[u8],
        memory: &mut [argon2::Block],
    ) -> Result<bool, PhcError> {
        let made = derive(self.cost, password, &self.salt, self.hash.len(), memory)?;
        Ok(constant_time::verify_slices_are_equal(&made, &self.hash).is_ok())
    }
}

impl fmt::Display for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.hash));
        write!(f, "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
    }
}

fn derive(
    cost: Cost,
    password: &[u8],
    salt: &[u8],
    output: usize,
    memory: &mut [argon2::Block],
) -> Result<Vec<u8>, PhcError> {
    let mut made = vec![0; output];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params(output)?)
        .hash_password_into_with_memory(password, salt, &mut made, memory)
        .map_err(|_| PhcError)?;
    Ok(made)
}

fn read_cost(text: &str) -> Result<Cost, PhcError> {
    let parts: Vec<&str> = text.split(',').collect();
    let [memory, passes, lanes] = parts[..] else { return Err(PhcError) };
    let number = |part: &str, name: &str, most: u32| {
        let value = part.strip_prefix(name).and_then(|digits| digits.parse::<u32>().ok());
        value.filter(|&value| value <= most).ok_or(PhcError)
    };
    Ok(Cost {
        memory_kib: number(memory, "m=", MOST_MEMORY_KIB)?,
        passes: number(passes, "t=", MOST_PASSES)?,
        lanes: number(lanes, "p=", MOST_LANES)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::Block;

    /// Made by the reference implementation (P-H-C/phc-winner-argon2, `test.c`).
    const REFERENCE: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn memory() -> Vec<Block> {
        vec![Block::default(); 256]
    }

    #[test]
    fn the_reference_implementations_hashes_verify() {
        let phc = Phc::parse(REFERENCE).expect("hash");
        assert_eq!(phc.verify(b"password", &mut memory()), Ok(true));
        assert_eq!(phc.verify(b"Password", &mut memory()), Ok(false));
        assert_eq!(phc.to_string(), REFERENCE);
    }

    #[test]
    fn nothing_else_is_read() {
        for bad in [
            "",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=4000000000,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
            "$argon2id$v=19$m=256,t=2,p=1$$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ] {
            assert_eq!(Phc::parse(bad), Err(PhcError), "{bad}");
        }
    }

    #[test]
    fn a_hash_does_not_print_itself() {
        let phc = Phc::parse(REFERENCE).expect("hash");
        assert!(!format!("{phc:?}").contains("nf65EOg"));
    }
}
