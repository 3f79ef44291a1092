use testhost::host;

use super::*;

#[test]
fn everything_is_made_in_one_transaction_and_shown_by_nft() {
    host(|host| {
        let changes = [Change::Add(one_of_each()), Change::Add(bridge_elements())];
        with_web(changes);
        let shown = nft(host, &["list", "ruleset"]);
        std::fs::write("/tmp/nftx/shown.txt", &shown).unwrap();
    });
}
