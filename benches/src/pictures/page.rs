//! Pages whose figures stand between markers: `<!-- figures:NAME -->` and `<!-- end -->`, each on a line of its own.

use std::collections::BTreeMap;

const BEGIN: &str = "<!-- figures:";
const CLOSE: &str = " -->";
const END: &str = "<!-- end -->";

/// The page with what `blocks` have for the names in it; what they do not have stays as it was.
///
/// # Errors
/// When a marker has no end.
pub(super) fn fill(page: &str, blocks: &BTreeMap<&str, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(page.len());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        filled.push_str(line);
        filled.push('\n');
        let name = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(CLOSE));
        let Some(name) = name else { continue };
        let mut before = String::new();
        loop {
            let line = lines.next().ok_or_else(|| format!("{line}: no {END} after it"))?;
            if line == END {
                break;
            }
            before.push_str(line);
            before.push('\n');
        }
        filled.push_str(blocks.get(name).unwrap_or(&before));
        filled.push_str(END);
        filled.push('\n');
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_markers_is_replaced_and_nothing_else() {
        let page =
            "a\n<!-- figures:one -->\nold\n<!-- end -->\nb\n<!-- figures:two -->\nkept\n<!-- end -->\n";
        let blocks = BTreeMap::from([("one", "new\nlines\n".to_owned())]);
        let filled = fill(page, &blocks).expect("a page");
        assert_eq!(filled, page.replace("old\n", "new\nlines\n"));
        assert_eq!(fill(&filled, &blocks).expect("a page"), filled);
    }

    #[test]
    fn a_marker_without_an_end_is_refused() {
        let refused = fill("<!-- figures:one -->\nold\n", &BTreeMap::new()).expect_err("no end");
        assert!(refused.contains("figures:one"), "{refused}");
    }
}
