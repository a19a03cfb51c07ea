//! Blocks of headers, compressed one after the other with what was seen before.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::frame::SpdyError;
use super::{Headers, dictionary};

/// The longest block. A few bytes can become very many.
const BYTES_MAX: usize = 64 * 1024;

/// How much is unpacked or packed at a time.
const CHUNK: usize = 4 * 1024;

/// Reads the blocks of one direction, which must come in order.
#[derive(Debug)]
pub(super) struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(true))
    }
}

impl Inflater {
    /// The headers of the next block.
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Headers, SpdyError> {
        let mut rest = block;
        let mut unpacked = vec![];
        loop {
            let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
            let mut chunk = [0; CHUNK];
            let result = self.0.decompress(rest, &mut chunk, FlushDecompress::Sync);
            let read = usize::try_from(self.0.total_in() - before_in).unwrap_or(usize::MAX);
            let written = usize::try_from(self.0.total_out() - before_out).unwrap_or(usize::MAX);
            rest = rest.get(read..).ok_or(SpdyError::Headers)?;
            unpacked.extend_from_slice(chunk.get(..written).ok_or(SpdyError::Headers)?);
            match result {
                Err(error) if error.needs_dictionary().is_some() => {
                    let set = self.0.set_dictionary(&dictionary::bytes());
                    set.map_err(|_| SpdyError::Headers)?;
                }
                Err(_) => return Err(SpdyError::Headers),
                Ok(_) if unpacked.len() > BYTES_MAX => return Err(SpdyError::Headers),
                Ok(_) if rest.is_empty() && written < CHUNK => return parse(unpacked.into()),
                Ok(_) if read == 0 && written == 0 => return Err(SpdyError::Headers),
                Ok(_) => {}
            }
        }
    }
}

/// A number of pairs, each of two texts that are led by their lengths.
fn parse(mut block: Bytes) -> Result<Headers, SpdyError> {
    let mut headers = vec![];
    for _ in 0..block.try_get_u32().map_err(|_| SpdyError::Headers)? {
        headers.push((text(&mut block)?.to_lowercase(), text(&mut block)?));
    }
    Ok(headers)
}

fn text(block: &mut Bytes) -> Result<String, SpdyError> {
    let length = block.try_get_u32().map_err(|_| SpdyError::Headers)? as usize;
    if length > block.len() {
        return Err(SpdyError::Headers);
    }
    String::from_utf8(block.split_to(length).into()).map_err(|_| SpdyError::Headers)
}

/// Writes the blocks of one direction.
#[derive(Debug)]
pub(super) struct Deflater(Compress);

impl Default for Deflater {
    fn default() -> Self {
        let mut compress = Compress::new(Compression::default(), true);
        let set = compress.set_dictionary(&dictionary::bytes());
        set.expect("a compressor that has not begun takes a dictionary");
        Self(compress)
    }
}

impl Deflater {
    /// The next block.
    pub(super) fn write(&mut self, headers: &[(&str, &str)]) -> Result<Vec<u8>, SpdyError> {
        let mut block = BytesMut::new();
        block.put_u32(headers.len() as u32);
        for text in headers.iter().flat_map(|(name, value)| [*name, *value]) {
            block.put_u32(text.len() as u32);
            block.put_slice(text.as_bytes());
        }
        let (mut rest, mut packed) = (&block[..], vec![]);
        loop {
            let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
            let mut chunk = [0; CHUNK];
            let result = self.0.compress(rest, &mut chunk, FlushCompress::Sync);
            result.map_err(|_| SpdyError::Headers)?;
            let read = usize::try_from(self.0.total_in() - before_in).unwrap_or(usize::MAX);
            let written = usize::try_from(self.0.total_out() - before_out).unwrap_or(usize::MAX);
            rest = rest.get(read..).ok_or(SpdyError::Headers)?;
            packed.extend_from_slice(chunk.get(..written).ok_or(SpdyError::Headers)?);
            if rest.is_empty() && written < CHUNK {
                return Ok(packed);
            }
        }
    }
}
