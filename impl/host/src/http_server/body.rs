//! The body of a request, of bounded size.

use api::{Reason, Status};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::BODY_BYTES_MAX;

/// How much of a body that is too large is read before its sender is cut off.
const DROPPED_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// A body, if it comes and is not too large.
pub(super) async fn whole<B>(body: B) -> Result<Bytes, Status>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    match read(body).await {
        Ok(Some(body)) => Ok(body),
        Ok(None) => {
            let message = format!("Request entity too large: limit is {BODY_BYTES_MAX}");
            Err(Status::new(Reason::RequestEntityTooLarge, message))
        }
        Err(error) => Err(Status::bad_request(format!("the body cannot be read: {error}"))),
    }
}

/// Reads a body; nothing when it is too large. Some of the excess is read and dropped, so that a client
/// that is still sending hears the answer.
async fn read<B>(mut body: B) -> Result<Option<Bytes>, B::Error>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let (mut kept, mut seen) = (vec![], 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen <= BODY_BYTES_MAX {
            kept.extend_from_slice(&data);
        } else if seen > DROPPED_BYTES_MAX {
            break;
        }
    }
    Ok((seen <= BODY_BYTES_MAX).then(|| Bytes::from(kept)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_whole_or_too_large() {
        let of = |bytes: usize| http_body_util::Full::new(Bytes::from(vec![b' '; bytes]));

        let most = whole(of(BODY_BYTES_MAX)).await.unwrap();
        let more = whole(of(BODY_BYTES_MAX + 1)).await.unwrap_err();

        assert_eq!(most.len(), BODY_BYTES_MAX);
        assert_eq!(more.message, "Request entity too large: limit is 3145728");
    }
}
