//! Counts the features of texts, for `scripts/token-weights`: a JSON array of strings in, one array of counts for each out.

use meshrouter_core::tokens::Count;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let texts: Vec<String> = serde_json::from_reader(std::io::stdin().lock())?;
    let counts = texts.iter().map(|text| {
        let json = serde_json::to_string(text).unwrap_or_default();
        let inner = json
            .get(1..json.len().saturating_sub(1))
            .unwrap_or_default();
        Count::of(inner.as_bytes()).features().to_vec()
    });
    serde_json::to_writer(std::io::stdout().lock(), &counts.collect::<Vec<_>>())?;
    Ok(())
}
