//! What images count, by the rules that providers document.

/// How a provider counts images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Rule {
    /// OpenAI: 85 tokens, and at high detail 170 for each tile of 512 pixels of the image, scaled down into 2048
    /// pixels and to a shorter side of 768.
    Tiles,
    /// Anthropic: one token for 750 pixels of the image, scaled down to a longer side of 1568; at most 1,600.
    Area,
    /// Google: 258 tokens for each square of 768 pixels; one where neither side is longer than 384.
    Squares,
    /// Others: one token for each patch of 28 pixels, as Qwen's and Mistral's; at most 4,096.
    Patches,
}

/// How many rules there are.
pub const RULES: usize = Rule::Patches as usize + 1;

/// An image, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Image {
    /// Width and height in pixels, where it says.
    pub size: Option<(u32, u32)>,
    /// Whether the request wants it looked at in low detail.
    pub low_detail: bool,
}

/// The size of images whose size nobody knows, in pixels: those behind a URL.
const USUAL_SIDE: u32 = 1_024;

impl Image {
    /// What it counts by each rule, in tokens.
    #[must_use]
    pub fn tokens(self) -> [u64; RULES] {
        let (width, height) = self.size.unwrap_or((USUAL_SIDE, USUAL_SIDE));
        let sides = [width, height].map(|side| u64::from(side.max(1)));
        [
            if self.low_detail { 85 } else { tiles(sides) },
            area(sides),
            squares(sides),
            patches(sides),
        ]
    }
}

/// Scaled down, where one side is longer than it may be: both times `to`, divided by `side`.
fn scaled(sides: [u64; 2], side: u64, to: u64) -> [u64; 2] {
    if side <= to {
        return sides;
    }
    sides.map(|other| (other.saturating_mul(to) / side.max(1)).max(1))
}

fn tiles(sides: [u64; 2]) -> u64 {
    let [width, height] = scaled(sides, longer(sides), 2_048);
    let [width, height] = scaled([width, height], width.min(height), 768);
    let tiles = width.div_ceil(512).saturating_mul(height.div_ceil(512));
    tiles.saturating_mul(170).saturating_add(85)
}

fn area(sides: [u64; 2]) -> u64 {
    let [width, height] = scaled(sides, longer(sides), 1_568);
    width.saturating_mul(height).div_ceil(750).min(1_600)
}

fn squares(sides: [u64; 2]) -> u64 {
    if longer(sides) <= 384 {
        return 258;
    }
    let [width, height] = sides.map(|side| side.div_ceil(768));
    // An image of 16 squares a side is scaled down by any provider.
    width
        .min(16)
        .saturating_mul(height.min(16))
        .saturating_mul(258)
}

fn patches(sides: [u64; 2]) -> u64 {
    let [width, height] = sides.map(|side| side.div_ceil(28));
    width.saturating_mul(height).min(4_096)
}

fn longer([width, height]: [u64; 2]) -> u64 {
    width.max(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_examples() {
        let tokens = |width, height, rule: Rule| {
            let image = Image {
                size: Some((width, height)),
                low_detail: false,
            };
            image.tokens()[rule as usize]
        };
        // OpenAI's vision guide.
        assert_eq!(tokens(1024, 1024, Rule::Tiles), 765);
        assert_eq!(tokens(2048, 4096, Rule::Tiles), 1105);
        assert_eq!(tokens(512, 512, Rule::Tiles), 255);
        // Anthropic's.
        assert_eq!(tokens(200, 200, Rule::Area), 54);
        assert_eq!(tokens(1000, 1000, Rule::Area), 1334);
        assert_eq!(tokens(9000, 9000, Rule::Area), 1600);
        // Google's.
        assert_eq!(tokens(384, 384, Rule::Squares), 258);
        assert_eq!(tokens(1024, 768, Rule::Squares), 516);
        assert_eq!(tokens(280, 280, Rule::Patches), 100);
        let all = Image::default().tokens();
        assert_eq!(all, [765, 1399, 1032, 1369]);
        let low = Image {
            low_detail: true,
            ..Image::default()
        };
        assert_eq!(low.tokens()[Rule::Tiles as usize], 85);
        for side in [0, 1, u32::MAX] {
            for rule in [Rule::Tiles, Rule::Area, Rule::Squares, Rule::Patches] {
                assert!((1..=70_000).contains(&tokens(side, u32::MAX, rule)));
            }
        }
    }
}
