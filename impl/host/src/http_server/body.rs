//! The body of a request, of bounded size.

use api::{Reason, Status};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::BODY_BYTES_MAX;
use super::answer::REQUEST_PATIENCE;

/// How much of a body that is too large is read before its sender is cut off.
const DROPPED_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// A body, if it comes in time and is not too large.
pub(super) async fn whole<B>(body: B) -> Result<Bytes, Status>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    match tokio::time::timeout(REQUEST_PATIENCE, read(body)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => {
            let message = format!("Request entity too large: limit is {BODY_BYTES_MAX}");
            Err(Status::new(Reason::RequestEntityTooLarge, message))
        }
        Ok(Err(error)) => Err(Status::bad_request(format!("the body cannot be read: {error}"))),
        Err(_) => {
            let message = "request did not complete within the allotted timeout";
            Err(Status::new(Reason::Timeout, message))
        }
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
    use http_body_util::channel::Channel;

    use super::*;
    use crate::transport::BoxError;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let (mut sender, body) = Channel::<Bytes, BoxError>::new(1);
        sender.send_data(Bytes::from_static(b"{")).await.unwrap();

        let refusal = whole(body).await.unwrap_err();

        assert_eq!((refusal.reason, refusal.reason.code()), (Reason::Timeout, 504));
        drop(sender);
    }

    #[tokio::test]
    async fn a_body_is_whole_or_too_large() {
        let of = |bytes: usize| http_body_util::Full::new(Bytes::from(vec![b' '; bytes]));

        let most = whole(of(BODY_BYTES_MAX)).await.unwrap();
        let more = whole(of(BODY_BYTES_MAX + 1)).await.unwrap_err();

        assert_eq!(most.len(), BODY_BYTES_MAX);
        assert_eq!(more.message, "Request entity too large: limit is 3145728");
    }
}
