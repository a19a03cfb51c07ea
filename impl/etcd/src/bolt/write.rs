//! Writes a database page by page: what goes where is decided first, from the lengths of all entries; each
//! page is made when it is asked for.

use std::fmt;
use std::iter;
use std::ops::Range;

use super::{
    BRANCH, BUCKET_BYTES, ELEMENT_BYTES, FREELIST, HEADER_BYTES, IS_BUCKET, LEAF, MAGIC, META,
    META_BYTES, VERSION, checksum,
};

/// How long a page is.
const PAGE_BYTES: usize = 4096;

/// The pages of both metas and of the list of free pages.
const HEAD_PAGES: u64 = 3;
const FREELIST_PAGE: u64 = 2;

/// bbolt panics where it takes something out of a page that has no sibling.
/// Source: bbolt v1.4, `node.go`, `rebalance`.
const CHILDREN_MIN: usize = 2;

/// What a bucket holds: by key, none twice.
pub trait Entries: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// A key and its value. The same whenever it is asked for.
    fn entry(&self, index: usize) -> (Vec<u8>, Vec<u8>);
}

impl Entries for Vec<(Vec<u8>, Vec<u8>)> {
    fn count(&self) -> usize {
        self.len()
    }

    fn entry(&self, index: usize) -> (Vec<u8>, Vec<u8>) {
        self[index].clone()
    }
}

/// A bucket of the root.
pub struct Bucket {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub entries: Box<dyn Entries>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A database that is to be written.
#[derive(Debug)]
pub struct Writer {
    /// By name, with the page where the tree of each begins.
    buckets: Vec<(Bucket, u64)>,
    plan: Plan,
    root: u64,
}

impl Writer {
    /// Decides where everything goes.
    pub fn new(mut buckets: Vec<Bucket>) -> Self {
        buckets.sort_by_key(|bucket| bucket.name);
        let mut plan = Plan { nodes: vec![], pages: HEAD_PAGES };
        let roots = (0..).zip(&buckets).map(|(index, bucket)| plan.bucket(index, bucket));
        let roots: Vec<_> = roots.collect();
        let names = buckets
            .iter()
            .map(|bucket| (bucket.name.as_bytes().to_vec(), bucket.name.len() + BUCKET_BYTES));
        let root = plan.tree(Holds::Buckets, names);
        Self { buckets: buckets.into_iter().zip(roots).collect(), plan, root }
    }

    /// How long the database is.
    pub fn bytes(&self) -> u64 {
        self.plan.pages * PAGE_BYTES as u64
    }

    /// All of it: one or more whole pages at a time.
    pub fn pages(self) -> impl Iterator<Item = Vec<u8>> + Send {
        iter::once(self.head()).chain((0..self.plan.nodes.len()).map(move |node| self.page(node)))
    }

    fn head(&self) -> Vec<u8> {
        let mut head = self.meta(0);
        head.extend(self.meta(1));
        head.extend(page(Header { page: FREELIST_PAGE, flags: FREELIST, pages: 1 }, &[]));
        head
    }

    /// One of the two: the later is the one that counts.
    fn meta(&self, transaction: u64) -> Vec<u8> {
        let mut meta = header(Header { page: transaction, flags: META, pages: 1 }, 0);
        for number in [MAGIC, VERSION, PAGE_BYTES as u32, 0] {
            meta.extend(number.to_le_bytes());
        }
        for number in [self.root, 0, FREELIST_PAGE, self.plan.pages, transaction] {
            meta.extend(number.to_le_bytes());
        }
        let checksum = checksum(&meta[HEADER_BYTES..][..META_BYTES]);
        meta.extend(checksum.to_le_bytes());
        meta.resize(PAGE_BYTES, 0);
        meta
    }

    fn page(&self, node: usize) -> Vec<u8> {
        let node = &self.plan.nodes[node];
        let flags = if node.holds == Holds::Nodes { BRANCH } else { LEAF };
        let elements: Vec<_> =
            node.children.clone().map(|child| self.element(node, child)).collect();
        page(Header { page: node.page, flags, pages: node.pages() }, &elements)
    }

    fn element(&self, node: &Node, child: usize) -> Element {
        match node.holds {
            Holds::Entries(bucket) => {
                let (key, value) = self.buckets[bucket].0.entries.entry(child);
                Element { points: Points::Value { flags: 0, value }, key }
            }
            Holds::Buckets => {
                let (bucket, root) = &self.buckets[child];
                let mut value = root.to_le_bytes().to_vec();
                value.resize(BUCKET_BYTES, 0);
                let points = Points::Value { flags: IS_BUCKET, value };
                Element { points, key: bucket.name.as_bytes().to_vec() }
            }
            Holds::Nodes => {
                let child = &self.plan.nodes[child];
                Element { points: Points::Page(child.page), key: child.first_key.clone() }
            }
        }
    }
}

/// What is on which page.
#[derive(Debug)]
struct Plan {
    /// In the order of pages.
    nodes: Vec<Node>,
    /// How many pages there are.
    pages: u64,
}

/// What is written at once: a page, and those that belong to it.
#[derive(Debug)]
struct Node {
    page: u64,
    bytes: usize,
    first_key: Vec<u8>,
    holds: Holds,
    /// Which of those that it holds.
    children: Range<usize>,
}

/// Of what the children are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Of the entries of a bucket.
    Entries(usize),
    /// Of the buckets.
    Buckets,
    /// Of the nodes of the plan.
    Nodes,
}

impl Plan {
    fn bucket(&mut self, index: usize, bucket: &Bucket) -> u64 {
        let sizes = (0..bucket.entries.count()).map(|entry| {
            let (key, value) = bucket.entries.entry(entry);
            let bytes = key.len() + value.len();
            (key, bytes)
        });
        self.tree(Holds::Entries(index), sizes)
    }

    /// Plans leaves for keys, which need so many bytes with their values, and branches above them. The page
    /// of the root.
    fn tree(&mut self, holds: Holds, keys: impl Iterator<Item = (Vec<u8>, usize)>) -> u64 {
        let mut level = self.level(holds, 0, keys, 1);
        while level.len() > 1 {
            let below = level.clone().map(|node| self.nodes[node].first_key.clone());
            let below: Vec<_> = below.map(|key| (key.clone(), key.len())).collect();
            level = self.level(Holds::Nodes, level.start, below.into_iter(), CHILDREN_MIN);
        }
        self.nodes[level.start].page
    }

    /// Plans nodes of children from the `first` on, at least so many in each. Which nodes these are.
    fn level(
        &mut self,
        holds: Holds,
        first: usize,
        keys: impl Iterator<Item = (Vec<u8>, usize)>,
        children_min: usize,
    ) -> Range<usize> {
        let mut nodes: Vec<Node> = vec![];
        for (child, (key, bytes)) in (first..).zip(keys) {
            match nodes.last_mut().filter(|node| node.has_room(bytes, children_min)) {
                Some(node) => node.take(key, bytes),
                None => {
                    let mut node = Node::of(holds, child);
                    node.take(key, bytes);
                    nodes.push(node);
                }
            }
        }
        if let Some(last) = nodes.pop_if(|last| last.children.len() < children_min) {
            match nodes.last_mut() {
                Some(node) => node.join(&last),
                None => nodes.push(last),
            }
        }
        if nodes.is_empty() {
            nodes.push(Node::of(holds, first));
        }
        self.place(nodes)
    }

    fn place(&mut self, nodes: Vec<Node>) -> Range<usize> {
        let start = self.nodes.len();
        for node in nodes {
            let page = self.pages;
            self.pages += node.pages();
            self.nodes.push(Node { page, ..node });
        }
        start..self.nodes.len()
    }
}

impl Node {
    /// One without children, before this one.
    fn of(holds: Holds, child: usize) -> Self {
        Self { page: 0, bytes: HEADER_BYTES, first_key: vec![], holds, children: child..child }
    }

    fn has_room(&self, bytes: usize, children_min: usize) -> bool {
        self.children.len() < children_min || self.bytes + ELEMENT_BYTES + bytes <= PAGE_BYTES
    }

    fn take(&mut self, key: Vec<u8>, bytes: usize) {
        if self.children.is_empty() {
            self.first_key = key;
        }
        self.children.end += 1;
        self.bytes += ELEMENT_BYTES + bytes;
    }

    /// Takes what the next one holds.
    fn join(&mut self, next: &Self) {
        self.children.end = next.children.end;
        self.bytes += next.bytes - HEADER_BYTES;
    }

    fn pages(&self) -> u64 {
        self.bytes.div_ceil(PAGE_BYTES) as u64
    }
}

/// What a page begins with.
#[derive(Clone, Copy)]
struct Header {
    page: u64,
    flags: u16,
    /// How many pages there are, this one and those that belong to it.
    pages: u64,
}

/// Something on a page.
struct Element {
    points: Points,
    key: Vec<u8>,
}

/// What a key leads to: in a leaf, and in a branch.
enum Points {
    Value { flags: u32, value: Vec<u8> },
    Page(u64),
}

impl Element {
    fn value(&self) -> &[u8] {
        match &self.points {
            Points::Value { value, .. } => value,
            Points::Page(_) => &[],
        }
    }

    /// What stands before all keys and values, with the distance from there to its own.
    fn head(&self, distance: usize) -> Vec<u8> {
        let numbers = |numbers: [u32; 2]| numbers.map(u32::to_le_bytes).concat();
        let (distance, key) = (length(distance), length(self.key.len()));
        match &self.points {
            Points::Value { flags, value } => {
                [numbers([*flags, distance]), numbers([key, length(value.len())])].concat()
            }
            Points::Page(page) => [numbers([distance, key]), page.to_le_bytes().to_vec()].concat(),
        }
    }
}

fn header(Header { page, flags, pages }: Header, elements: usize) -> Vec<u8> {
    let elements = u16::try_from(elements).expect("each takes 16 bytes of a page");
    let overflow = u32::try_from(pages - 1).expect("a value is smaller than 4 GiB");
    let mut bytes = page.to_le_bytes().to_vec();
    bytes.extend([flags, elements].map(u16::to_le_bytes).concat());
    bytes.extend(overflow.to_le_bytes());
    bytes
}

fn page(head: Header, elements: &[Element]) -> Vec<u8> {
    let mut bytes = header(head, elements.len());
    let mut distance = ELEMENT_BYTES * elements.len();
    for element in elements {
        bytes.extend(element.head(distance));
        distance = distance - ELEMENT_BYTES + element.key.len() + element.value().len();
    }
    for element in elements {
        bytes.extend_from_slice(&element.key);
        bytes.extend_from_slice(element.value());
    }
    bytes.resize(head.pages as usize * PAGE_BYTES, 0);
    bytes
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("keys and values are smaller than 4 GiB")
}
