//! Lists in pages that cost the same however far in they are: by the last key, never by offset.

/// Which page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// `next` of the page before; none for the first.
    pub after: Option<String>,
    /// How many at most; 1 to 1,000.
    pub limit: u32,
}

impl Paging {
    /// The first `limit` of a list.
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// The page behind `cursor`.
    pub fn after(cursor: impl Into<String>, limit: u32) -> Self {
        Self { after: Some(cursor.into()), limit }
    }

    fn size(&self) -> u32 {
        self.limit.clamp(1, 1000)
    }

    /// One more than asked for tells whether there is a next page.
    pub(crate) fn fetch(&self) -> u32 {
        self.size() + 1
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Cursor of the next page, when there is one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn of(mut items: Vec<T>, paging: &Paging, cursor: impl Fn(&T) -> String) -> Self {
        let size = paging.size() as usize;
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}
