//! What is read of wasm modules.

/// The module without its custom sections (id 0). None where the bytes are no module.
pub fn without_custom_sections(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = bytes.split_at_checked(8)?;
    if !head.starts_with(b"\0asm") {
        return None;
    }
    let mut out = head.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (mut size, mut shift, mut body) = (0usize, 0, after);
        loop {
            let (&byte, next) = body.split_first()?;
            size |= usize::from(byte & 0x7f).checked_shl(shift)?;
            (shift, body) = (shift + 7, next);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (_, next) = body.split_at_checked(size)?;
        if id != 0 {
            let whole = rest.len() - next.len();
            out.extend_from_slice(rest.get(..whole)?);
        }
        rest = next;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_sections_do_not_count() {
        let module = b"\0asm\x01\0\0\0\x00\x03\x01aZ\x01\x04\x01\x60\x00\x00";
        assert_eq!(without_custom_sections(module).as_deref(), Some(b"\0asm\x01\0\0\0\x01\x04\x01\x60\x00\x00".as_slice()));
        assert_eq!(without_custom_sections(b"\0asm\x01\0\0\0\x01\x09"), None);
        assert_eq!(without_custom_sections(b"<html>"), None);
    }
}
