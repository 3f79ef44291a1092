//! Attributes (`struct nlattr`): written into the message that they are part of, read where they are.

/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`, which are no part of an attribute's number.
const FLAGS: u16 = 0xc000;
const NESTED: u16 = 0x8000;
const HEADER: usize = 4;

/// Appends attributes to a message, each with the padding that the next needs. None may have more than 65,531
/// bytes.
pub(crate) struct Attributes<'a>(pub(crate) &'a mut Vec<u8>);

impl Attributes<'_> {
    /// Some bytes.
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        self.attribute(kind, |bytes| bytes.extend(value))
    }

    /// A number in network order.
    pub(crate) fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A string, which ends with NUL.
    pub(crate) fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        self.attribute(kind, |bytes| {
            bytes.extend(value.as_bytes());
            bytes.push(0);
        })
    }

    /// Attributes within one.
    pub(crate) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        self.attribute(kind | NESTED, |bytes| fill(&mut Attributes(bytes)))
    }

    /// Where in the buffer the next begins.
    pub(crate) fn position(&self) -> usize {
        self.0.len()
    }

    fn attribute(&mut self, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let start = self.0.len();
        self.0.extend([0; HEADER]);
        fill(self.0);
        let length = u16::try_from(self.0.len() - start).unwrap_or(u16::MAX);
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.0[start + 2..start + HEADER].copy_from_slice(&kind.to_ne_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
}

/// The attributes in `bytes`, by number; what follows one that is cut short is passed over.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (header, _) = bytes.split_first_chunk::<HEADER>()?;
        let [length, kind] = [[header[0], header[1]], [header[2], header[3]]].map(u16::from_ne_bytes);
        let value = bytes.get(HEADER..usize::from(length))?;
        bytes = bytes.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
        Some((kind & !FLAGS, value))
    })
}

/// The first attribute of that number.
pub(crate) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(own, _)| *own == kind).map(|(_, value)| value)
}

/// The first attribute of that number, a number in network order.
pub(crate) fn number(bytes: &[u8], kind: u16) -> Option<u32> {
    attribute(bytes, kind)?.try_into().ok().map(u32::from_be_bytes)
}

/// The first attribute of that number, a string that ends with NUL.
pub(crate) fn text(bytes: &[u8], kind: u16) -> Option<&str> {
    std::str::from_utf8(attribute(bytes, kind)?.strip_suffix(&[0])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut bytes = Vec::new();
        Attributes(&mut bytes).text(1, "name").number(2, 7).nested(3, |inner| {
            inner.bytes(4, &[1, 2, 3]);
        });
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(text(&bytes, 1), Some("name"));
        assert_eq!(number(&bytes, 2), Some(7));
        assert_eq!(attribute(&bytes, 3).and_then(|inner| attribute(inner, 4)), Some(&[1, 2, 3][..]));
        assert_eq!(attribute(&bytes, 5), None);
    }

    #[test]
    fn bytes_that_are_no_attributes_are_none() {
        for bytes in [&[][..], &[0; 3], &[0; 8], &[3, 0, 1, 0], &[9, 0, 1, 0, 0, 0, 0, 0], &[0xff; 64]] {
            assert_eq!(attributes(bytes).count(), 0, "{bytes:?}");
        }
        let cut_short = [6, 0, 1, 0, 5, 6, 0, 0, 0xff, 0xff, 2, 0, 1];
        assert_eq!(attributes(&cut_short).collect::<Vec<_>>(), [(1, &[5, 6][..])]);
        assert_eq!((text(&cut_short, 1), number(&cut_short, 1)), (None, None));
    }
}
