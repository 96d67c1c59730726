//! JSON documents as a server would push them: an envelope and some records.

use std::fmt::Write as _;

use super::payload::Random;

/// A document of 1 to 4 KiB.
pub(crate) fn document(random: &mut Random) -> Vec<u8> {
    let target = MIN + random.below(MAX - MIN - RECORD);
    let day = format!("2025-{:02}-{:02}", 1 + random.below(12), 1 + random.below(28));
    let mut text = format!(
        r#"{{"type":"{}","channel":"{}:{}","sequence":{},"data":["#,
        random.pick(&["orders.updated", "orders.created", "inventory.changed", "shipments.moved"]),
        random.pick(&["eu-west", "eu-north", "us-east", "us-west", "ap-south"]),
        random.below(500),
        random.next(),
    );
    loop {
        order(&mut text, &day, random);
        if text.len() >= target {
            break;
        }
        text.push(',');
    }
    text.push_str("]}");
    text.into_bytes()
}

fn order(text: &mut String, day: &str, random: &mut Random) {
    // Writing to a string does not fail.
    let _ = write!(
        text,
        r#"{{"order_id":"{}-{:06}","status":"{}","customer":{{"id":{},"name":"{} {}","country":"{}","tier":"{}"}},"#,
        random.pick(&["EU", "US", "AP"]),
        random.below(1_000_000),
        random.pick(&["pending", "confirmed", "packed", "shipped", "delivered", "returned"]),
        random.below(100_000),
        random.pick(FIRST),
        random.pick(LAST),
        random.pick(&["DE", "FR", "GB", "JP", "NL", "US"]),
        random.pick(&["basic", "silver", "gold"]),
    );
    let _ = write!(
        text,
        r#""item":{{"sku":"{}-{:04}","quantity":{},"unit_price":{{"amount":{}.{},"currency":"{}"}}}},"#,
        random.pick(&["BK", "EL", "GR", "KT", "TL"]),
        random.below(10_000),
        1 + random.below(9),
        random.below(200),
        random.pick(&["00", "50", "90", "95", "99"]),
        random.pick(&["EUR", "GBP", "USD"]),
    );
    let _ = write!(
        text,
        r#""shipping":{{"method":"{}","carrier":"{}","tracking_number":null,"signature_required":{}}},"#,
        random.pick(&["standard", "express", "pickup"]),
        random.pick(&["northern", "harbour", "swift"]),
        random.pick(&["true", "false"]),
    );
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    let _ = write!(text, r#""updated_at":"{day}T{hour:02}:{minute:02}:{second:02}Z"}}"#);
}

/// Sizes of a document, and room for the record that takes it over its target.
const MIN: usize = 1024;
const MAX: usize = 4096;
const RECORD: usize = 448;

const FIRST: &[&str] = &[
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Katherine",
    "Leslie",
    "Margaret",
    "Niklaus",
    "Radia",
    "Tim",
];
const LAST: &[&str] = &[
    "Allen", "Dijkstra", "Hamilton", "Hopper", "Johnson", "Knuth", "Lamarr", "Lamport", "Liskov", "Lovelace",
    "McCarthy", "Perlman", "Shannon", "Turing", "Wirth",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_of_1_to_4_kib() {
        let mut random = Random::new();
        let lens: Vec<_> = (0..1000).map(|_| document(&mut random).len()).collect();
        assert!(lens.iter().all(|len| (MIN..MAX).contains(len)), "{lens:?}");
        let average = lens.iter().sum::<usize>() / lens.len();
        assert!((2300..2900).contains(&average), "{average}");
    }

    #[test]
    fn brackets_and_quotes_are_closed() {
        let document = String::from_utf8(document(&mut Random::new())).unwrap();
        let count = |wanted| document.matches(wanted).count();
        assert_eq!(count('{'), count('}'));
        assert_eq!(count('['), count(']'));
        assert_eq!(count('"') % 2, 0);
    }
}
