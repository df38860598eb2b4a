//! One message of a tunnel: its kind, its number, and what it carries.

use bytes::{BufMut, Bytes, BytesMut};

/// A message's kind and number.
pub(super) const HEAD: usize = 9;
/// Bytes of a reason that are sent.
const REASON_MAX: usize = 1 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Data(Bytes),
    /// The sender says nothing more.
    Fin,
    /// The sender, who has said all, does not listen any more.
    Stop,
    /// The other side may send so much more.
    Credit(u32),
    /// The sender is still there.
    Ping,
    /// The tunnel is broken, and why.
    Reset(String),
}

impl Frame {
    pub fn encode(&self, number: u64) -> Bytes {
        let credit;
        let (kind, body): (u8, &[u8]) = match self {
            Frame::Data(data) => (0, data),
            Frame::Fin => (1, &[]),
            Frame::Stop => (2, &[]),
            Frame::Credit(more) => {
                credit = more.to_be_bytes();
                (3, &credit)
            }
            Frame::Ping => (4, &[]),
            Frame::Reset(why) => (5, &why.as_bytes()[..why.floor_char_boundary(REASON_MAX)]),
        };
        let mut message = BytesMut::with_capacity(HEAD + body.len());
        message.put_u8(kind);
        message.put_u64(number);
        message.put_slice(body);
        message.freeze()
    }

    /// The number and the frame; `None` for what is not one.
    pub fn decode(message: &Bytes) -> Option<(u64, Self)> {
        let (head, _) = message.split_at_checked(HEAD)?;
        let number = u64::from_be_bytes(head[1..].try_into().ok()?);
        let body = message.slice(HEAD..);
        let frame = match head[0] {
            0 => Frame::Data(body),
            1 => Frame::Fin,
            2 => Frame::Stop,
            3 => Frame::Credit(u32::from_be_bytes(body.as_ref().try_into().ok()?)),
            4 => Frame::Ping,
            5 => Frame::Reset(String::from_utf8_lossy(&body).into_owned()),
            _ => return None,
        };
        Some((number, frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for (number, frame) in [
            (0, Frame::Data(Bytes::from_static(b"abc"))),
            (1, Frame::Data(Bytes::new())),
            (2, Frame::Fin),
            (3, Frame::Stop),
            (u64::MAX, Frame::Credit(u32::MAX)),
            (5, Frame::Ping),
            (6, Frame::Reset("why".to_owned())),
        ] {
            assert_eq!(Frame::decode(&frame.encode(number)), Some((number, frame)));
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let long = Frame::Reset("é".repeat(REASON_MAX)).encode(0);
        let Some((0, Frame::Reset(cut))) = Frame::decode(&long) else { panic!("a reset") };
        assert_eq!(cut, "é".repeat(REASON_MAX / 2));
    }

    #[test]
    fn what_is_no_frame_is_none() {
        for message in [&b""[..], &[0; HEAD - 1], &[9; HEAD], &[3, 0, 0, 0, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(Frame::decode(&Bytes::from_static(message)), None);
        }
    }
}
