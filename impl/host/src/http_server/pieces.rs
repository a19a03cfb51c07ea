//! An answer in pieces: a connection takes a large one as it is read, and not as a whole.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::transport::{Body, BoxError};

/// How much is given to the connection at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What breaks off an answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct BrokenOff(BoxError);

/// A body whose data comes in pieces.
pub(super) struct Pieces {
    body: Body,
    rest: Bytes,
}

impl Pieces {
    /// The same body.
    pub(super) fn of(body: Body) -> Self {
        Self { body, rest: Bytes::new() }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE_BYTES)))
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(BrokenOff(error)))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Ok(self.piece())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};
    use hyper::body::Body as _;

    use super::*;

    #[tokio::test]
    async fn a_body_in_pieces_is_the_same_body() {
        let bytes: Vec<u8> = (0..2 * PIECE_BYTES + 1).map(|number| (number % 251) as u8).collect();
        let whole = Full::new(Bytes::from(bytes.clone())).map_err(|never| match never {});
        let mut pieces = Pieces::of(whole.boxed_unsync());
        let (mut seen, mut sizes) = (vec![], vec![]);

        while let Some(frame) = pieces.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            sizes.push(data.len());
            seen.extend_from_slice(&data);
            let left = (bytes.len() - seen.len()) as u64;
            assert_eq!(pieces.size_hint().exact(), Some(left));
            assert_eq!(pieces.is_end_stream(), left == 0);
        }

        assert_eq!(sizes, [PIECE_BYTES, PIECE_BYTES, 1]);
        assert!(seen == bytes);
    }
}
