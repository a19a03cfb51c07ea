//! Lists of indexes as a Job writes them: `1,3-5,7`.
//!
//! Source: `validateIndexesFormat` and `validateFailedIndexesNotOverlapCompleted` (v1.36).

/// The first and the last index of an interval.
type Interval = (i64, i64);

/// How many indexes there are, each below `completions` and above the one before.
pub(super) fn count(indexes: &str, completions: i64) -> Result<i64, String> {
    let mut total = 0;
    let mut last = None;
    for text in intervals(indexes) {
        let (first, end) = interval(text, completions)?;
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(not_increasing(last, first));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// An index that is in both lists. What is no interval is passed over.
pub(super) fn overlap(left: &str, right: &str, completions: i64) -> Option<i64> {
    let read = |text: &str| -> Vec<Interval> {
        intervals(text).filter_map(|text| interval(text, completions).ok()).collect()
    };
    let right = read(right);
    let common = |(first, end): &Interval| {
        let mut others = right.iter();
        let other = others.find(|(other, other_end)| first <= other_end && other <= end);
        other.map(|(other, _)| *first.max(other))
    };
    read(left).iter().find_map(common)
}

fn intervals(indexes: &str) -> impl Iterator<Item = &str> {
    indexes.split(',').filter(move |_| !indexes.is_empty())
}

fn interval(text: &str, completions: i64) -> Result<Interval, String> {
    let limits: Vec<&str> = text.split('-').collect();
    match limits[..] {
        [single] => {
            let index = index(single, completions)?;
            Ok((index, index))
        }
        [first, last] => {
            let (first, last) = (index(first, completions)?, index(last, completions)?);
            if first >= last {
                return Err(not_increasing(first, last));
            }
            Ok((first, last))
        }
        _ => Err(format!(
            "the fragment \"{text}\" violates the requirement that an index interval can have at most two parts separated by '-'"
        )),
    }
}

fn index(text: &str, completions: i64) -> Result<i64, String> {
    match text.parse::<i64>() {
        Err(_) => Err(format!("cannot convert string to integer for index: \"{text}\"")),
        Ok(index) if index >= completions => Err(format!("too large index: \"{text}\"")),
        Ok(index) => Ok(index),
    }
}

fn not_increasing(previous: i64, current: i64) -> String {
    format!("non-increasing order, previous: {previous}, current: {current}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_counted_or_refused() {
        let table = [
            ("", Ok(0)),
            ("0,2-4", Ok(4)),
            ("1,1", Err("non-increasing order, previous: 1, current: 1")),
            ("3-2", Err("non-increasing order, previous: 3, current: 2")),
            ("9", Err("too large index: \"9\"")),
            ("a", Err("cannot convert string to integer for index: \"a\"")),
            (
                "1-2-3",
                Err(
                    "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'",
                ),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(count(text, 9), expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn lists_overlap_where_both_have_an_index() {
        assert_eq!(overlap("0-2,5", "3-4,6", 9), None);
        assert_eq!(overlap("0-2,5", "3-7", 9), Some(5));
        assert_eq!(overlap("", "3", 9), None);
    }
}
