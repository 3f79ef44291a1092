//! What the kernel answers to a message: nothing wrong, or an error number with its own words.

use netlink_packet_core::{NetlinkBuffer, NLM_F_ACK_TLVS, NLM_F_CAPPED};

use super::attributes::attribute;

const HEADER: usize = 16;
const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSGERR_ATTR_OFFS: u16 = 2;

/// The kernel's refusal of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// A positive error number.
    pub(crate) errno: i32,
    /// The extended acknowledgement's text.
    pub(crate) message: Option<String>,
}

/// Reads an `NLMSG_ERROR` message, which is an acknowledgement when its number is 0.
///
/// `None` when it is cut short.
pub(crate) fn parse_error(packet: &NetlinkBuffer<&[u8]>) -> Option<Result<(), Refusal>> {
    let payload = packet.payload();
    let errno = i32::from_ne_bytes(payload.get(..4)?.try_into().ok()?);
    if errno == 0 {
        return Some(Ok(()));
    }
    let message = (packet.flags() & NLM_F_ACK_TLVS != 0).then(|| extended_text(packet)).flatten();
    Some(Err(Refusal { errno: errno.saturating_neg(), message }))
}

fn extended_text(packet: &NetlinkBuffer<&[u8]>) -> Option<String> {
    let text = String::from_utf8_lossy(extended(packet, NLMSGERR_ATTR_MSG)?);
    Some(text.trim_end_matches('\0').to_owned())
}

/// Where in the refused message, its header included, the attribute is that the kernel blames.
pub(crate) fn bad_attribute(packet: &NetlinkBuffer<&[u8]>) -> Option<usize> {
    if packet.flags() & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let offset = extended(packet, NLMSGERR_ATTR_OFFS)?;
    usize::try_from(u32::from_ne_bytes(offset.try_into().ok()?)).ok()
}

/// The attributes follow the number and the request: its header alone when it was capped.
fn extended<'a>(packet: &NetlinkBuffer<&'a [u8]>, kind: u16) -> Option<&'a [u8]> {
    let payload = packet.payload();
    let request = payload.get(4..4 + HEADER)?;
    let length = match packet.flags() & NLM_F_CAPPED {
        0 => {
            usize::try_from(u32::from_ne_bytes(request.get(..4)?.try_into().ok()?)).ok()?.next_multiple_of(4)
        }
        _ => HEADER,
    };
    attribute(payload.get(4 + length..)?, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(flags: u16, errno: i32, tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes.extend(errno.to_ne_bytes());
        bytes.extend(tail);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes[4..6].copy_from_slice(&2_u16.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Result<(), Refusal>> {
        parse_error(&NetlinkBuffer::new_checked(bytes).unwrap())
    }

    #[test]
    fn an_error_of_zero_is_an_acknowledgement() {
        assert_eq!(parse(&reply(0, 0, &[0; HEADER])), Some(Ok(())));
    }

    #[test]
    fn the_kernels_words_are_found_behind_a_capped_and_behind_a_whole_request() {
        let text = [&9_u16.to_ne_bytes()[..], &1_u16.to_ne_bytes(), b"nope\0\0\0\0"].concat();
        let capped = [&[0; HEADER][..], &text].concat();
        let mut request = [0; HEADER + 8];
        request[..4].copy_from_slice(&22_u32.to_ne_bytes());
        let whole = [&request[..], &text].concat();
        let expected = Some(Err(Refusal { errno: 17, message: Some("nope".to_owned()) }));
        assert_eq!(parse(&reply(NLM_F_ACK_TLVS | NLM_F_CAPPED, -17, &capped)), expected);
        assert_eq!(parse(&reply(NLM_F_ACK_TLVS, -17, &whole)), expected);
    }

    #[test]
    fn attributes_that_are_cut_short_lose_the_words_and_nothing_else() {
        let expected = Some(Err(Refusal { errno: 22, message: None }));
        assert_eq!(parse(&reply(NLM_F_ACK_TLVS | NLM_F_CAPPED, -22, &[0; 3])), expected);
        assert_eq!(parse(&reply(NLM_F_ACK_TLVS, -22, &[0xff; 40])), expected);
    }
}
