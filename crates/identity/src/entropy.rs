//! Randomness, always handed in: this crate draws none of its own.

/// A source of bytes that nobody can predict.
///
/// The server hands in the operating system's generator; a test may hand in a fixed sequence.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` completely.
    fn fill(&self, buffer: &mut [u8]);
}

impl<T: Entropy + ?Sized> Entropy for &T {
    fn fill(&self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

impl<T: Entropy + ?Sized> Entropy for std::sync::Arc<T> {
    fn fill(&self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

/// `N` fresh bytes.
pub fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn a_borrowed_or_shared_source_is_the_same_source() {
        assert_eq!(draw::<3>(&&Sevens), [7; 3]);
        assert_eq!(draw::<3>(&std::sync::Arc::new(Sevens)), [7; 3]);
    }
}
