//! The compile error for a job that is larger than its slot, with both sizes in it.

use core::str;

/// Text that is put together at compile time.
pub(crate) struct Message {
    text: [u8; 512],
    length: usize,
}

impl Message {
    /// What the compiler says about a job of `needs` bytes, where a slot has `has`.
    pub(crate) const fn too_large(needs: usize, has: usize) -> Self {
        let empty = Self {
            text: [b' '; 512],
            length: 0,
        };
        empty
            .then("ringpool: this job takes ")
            .number(needs)
            .then(" bytes, a slot of this pool has ")
            .number(has)
            .then(
                ". Capture less (a reference to a static, an index), box it \
                 (`pool.execute(Box::new(move || ..))`), or raise the pool's WORDS parameter",
            )
    }

    const fn then(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut k = 0;
        while k < text.len() {
            self.text[self.length] = text[k];
            self.length += 1;
            k += 1;
        }
        self
    }

    const fn number(mut self, number: usize) -> Self {
        if number >= 10 {
            self = self.number(number / 10);
        }
        self.text[self.length] = b'0' + (number % 10) as u8;
        self.length += 1;
        self
    }

    pub(crate) const fn as_str(&self) -> &str {
        match str::from_utf8(self.text.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => panic!(),
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    #[test]
    fn the_message_has_both_sizes() {
        for (needs, has) in [(0, 9), (10, 48), (1000, usize::MAX)] {
            let message = Message::too_large(needs, has);
            let beginning = format!(
                "ringpool: this job takes {needs} bytes, a slot of this pool has {has}. Capture"
            );
            assert!(message.as_str().starts_with(&beginning));
            assert!(message.as_str().ends_with("WORDS parameter"));
        }
    }
}
