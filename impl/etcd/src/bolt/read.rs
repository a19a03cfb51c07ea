//! Reads a database. Whatever the bytes are, it ends and does not panic: each page is read once at the most.

use std::collections::BTreeMap;

use super::{
    BRANCH, BUCKET_BYTES, Corrupt, ELEMENT_BYTES, HEADER_BYTES, IS_BUCKET, LEAF, MAGIC, META,
    META_BYTES, VERSION, checksum,
};

/// How long pages may be: bbolt takes what the operating system has.
const PAGE_BYTES: [usize; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

/// What comes before all trees.
const META_PAGES: u64 = 2;

/// A key and its value.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// A database that is read.
#[derive(Clone, Copy, Debug)]
pub struct Database<'a> {
    bytes: &'a [u8],
    meta: Meta,
}

/// Where everything is.
#[derive(Clone, Copy, Debug)]
struct Meta {
    page_bytes: usize,
    root: u64,
    pages: u64,
    transaction: u64,
}

impl<'a> Database<'a> {
    /// Finds the later of the two metas.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let second = PAGE_BYTES.iter().filter_map(|page_bytes| Meta::at(bytes, *page_bytes));
        let found = second.chain(Meta::at(bytes, 0)).max_by_key(|meta| meta.transaction);
        let meta = found.ok_or(Corrupt("it has no meta page of bbolt's"))?;
        let length = usize::try_from(meta.pages).ok();
        match length.and_then(|pages| pages.checked_mul(meta.page_bytes)) {
            Some(length) if length <= bytes.len() => Ok(Self { bytes, meta }),
            Some(_) | None => Err(Corrupt("it is cut short")),
        }
    }

    /// All entries of all buckets.
    pub fn buckets(&self) -> Result<BTreeMap<&'a [u8], Vec<Entry<'a>>>, Corrupt> {
        let mut seen = vec![false; self.bytes.len() / self.meta.page_bytes];
        let mut buckets = BTreeMap::new();
        for Leaf { is_bucket, entry: (name, value) } in self.tree(self.meta.root, &mut seen)? {
            if !is_bucket {
                return Err(Corrupt("there is something beside its buckets"));
            }
            buckets.insert(name, self.bucket(value, &mut seen)?);
        }
        Ok(buckets)
    }

    /// What a bucket holds, whose tree is somewhere else, or, where it is small, just here.
    fn bucket(&self, value: &'a [u8], seen: &mut [bool]) -> Result<Vec<Entry<'a>>, Corrupt> {
        let (head, here) =
            value.split_at_checked(BUCKET_BYTES).ok_or(Corrupt("a bucket is cut short"))?;
        let leaves = match Fields(head).u64() {
            Some(0) => match page(here)? {
                Page::Leaf(leaves) => sorted(leaves)?,
                Page::Branch(_) => return Err(Corrupt("a small bucket is no leaf")),
            },
            Some(root) => self.tree(root, seen)?,
            None => return Err(Corrupt("a bucket is cut short")),
        };
        match leaves.iter().any(|leaf| leaf.is_bucket) {
            true => Err(Corrupt("a bucket holds buckets")),
            false => Ok(leaves.into_iter().map(|leaf| leaf.entry).collect()),
        }
    }

    fn tree(&self, root: u64, seen: &mut [bool]) -> Result<Vec<Leaf<'a>>, Corrupt> {
        let (mut waiting, mut found) = (vec![root], vec![]);
        while let Some(number) = waiting.pop() {
            match page(self.pages(number, seen)?)? {
                Page::Leaf(leaves) => found.extend(leaves),
                Page::Branch(pages) => waiting.extend(pages.iter().rev()),
            }
        }
        sorted(found)
    }

    /// A page and those that belong to it, none of which was seen before.
    fn pages(&self, number: u64, seen: &mut [bool]) -> Result<&'a [u8], Corrupt> {
        const OUTSIDE: Corrupt = Corrupt("a page is outside");
        if !(META_PAGES..self.meta.pages).contains(&number) {
            return Err(OUTSIDE);
        }
        let first = number as usize;
        let bytes = &self.bytes[first * self.meta.page_bytes..];
        let overflow = Fields(bytes).at(12).u32().ok_or(OUTSIDE)? as usize;
        for seen in seen.get_mut(first..=first + overflow).ok_or(OUTSIDE)? {
            if std::mem::replace(seen, true) {
                return Err(Corrupt("a page is used twice"));
            }
        }
        if Fields(bytes).u64() != Some(number) {
            return Err(Corrupt("a page has another number"));
        }
        Ok(&bytes[..(1 + overflow) * self.meta.page_bytes])
    }
}

impl Meta {
    /// The meta page that begins at this byte, if that is the place for one.
    fn at(bytes: &[u8], begin: usize) -> Option<Self> {
        let page = bytes.get(begin..)?;
        let meta = page.get(HEADER_BYTES..)?.get(..META_BYTES)?;
        let mut fields = Fields(meta);
        let (magic, version, page_bytes, _) =
            (fields.u32()?, fields.u32()?, fields.u32()? as usize, fields.u32()?);
        let (root, _, _) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let (pages, transaction) = (fields.u64()?, fields.u64()?);
        let is_sound = Fields(page).at(8).u16()? == META
            && (magic, version) == (MAGIC, VERSION)
            && Fields(page).at(HEADER_BYTES + META_BYTES).u64()? == checksum(meta);
        let is_in_place = PAGE_BYTES.contains(&page_bytes) && [0, page_bytes].contains(&begin);
        (is_sound && is_in_place).then_some(Self { page_bytes, root, pages, transaction })
    }
}

/// What a page holds.
enum Page<'a> {
    Leaf(Vec<Leaf<'a>>),
    /// The pages below.
    Branch(Vec<u64>),
}

struct Leaf<'a> {
    is_bucket: bool,
    entry: Entry<'a>,
}

fn page(bytes: &[u8]) -> Result<Page<'_>, Corrupt> {
    const CUT: Corrupt = Corrupt("a page is cut short");
    let mut fields = Fields(bytes).at(8);
    let (flags, count) = (fields.u16().ok_or(CUT)?, fields.u16().ok_or(CUT)?);
    let mut elements = (0..usize::from(count)).map(|index| HEADER_BYTES + index * ELEMENT_BYTES);
    match flags {
        LEAF => {
            Ok(Page::Leaf(elements.map(|at| leaf(bytes, at)).collect::<Option<_>>().ok_or(CUT)?))
        }
        BRANCH => {
            let pages = elements.try_fold(vec![], |mut pages, at| {
                pages.push(Fields(bytes).at(at + 8).u64()?);
                Some(pages)
            });
            Ok(Page::Branch(pages.ok_or(CUT)?))
        }
        _ => Err(Corrupt("a page is neither leaf nor branch")),
    }
}

fn leaf(bytes: &[u8], at: usize) -> Option<Leaf<'_>> {
    let mut fields = Fields(bytes).at(at);
    let (flags, distance) = (fields.u32()?, fields.u32()? as usize);
    let (key, value) = (fields.u32()? as usize, fields.u32()? as usize);
    let (key, rest) = bytes.get(at + distance..)?.split_at_checked(key)?;
    Some(Leaf { is_bucket: flags & IS_BUCKET != 0, entry: (key, rest.get(..value)?) })
}

fn sorted(leaves: Vec<Leaf<'_>>) -> Result<Vec<Leaf<'_>>, Corrupt> {
    match leaves.is_sorted_by(|one, next| one.entry.0 < next.entry.0) {
        true => Ok(leaves),
        false => Err(Corrupt("keys are not in order")),
    }
}

/// Numbers, one behind the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// From this byte on.
    fn at(&self, begin: usize) -> Self {
        Self(self.0.get(begin..).unwrap_or_default())
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn take<const BYTES: usize>(&mut self) -> Option<[u8; BYTES]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}
