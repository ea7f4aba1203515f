//! Text as it stands in conversations: prose in several languages, code, JSON, emoji. Always the same for one seed.

/// A small generator of numbers (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    /// The generator of this seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 16).unwrap_or_default() % bound.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len()))
            .copied()
            .unwrap_or_default()
    }
}

/// A word that nobody has written before.
fn word(random: &mut Random) -> String {
    const HEADS: [&str; 20] = [
        "ba", "cor", "del", "fe", "gri", "hal", "in", "jo", "kel", "lum", "mor", "ni", "op", "pra",
        "qua", "ros", "sti", "tra", "ul", "ven",
    ];
    const TAILS: [&str; 16] = [
        "ment", "ling", "ster", "ta", "dor", "vic", "ne", "rous", "tion", "ble", "gan", "por",
        "sel", "mi", "tect", "ram",
    ];
    let middle = if random.below(2) == 0 {
        ""
    } else {
        random.pick(&TAILS)
    };
    format!("{}{middle}{}", random.pick(&HEADS), random.pick(&TAILS))
}

/// Fills the places of a template: `#` a number, `@` a word, `^` a word with a capital.
fn fill(template: &str, random: &mut Random) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    for character in template.chars() {
        match character {
            '#' => text += &random.below(100_000).to_string(),
            '@' => text += &word(random),
            '^' => {
                let word = word(random);
                let mut letters = word.chars();
                text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
                text += letters.as_str();
            }
            other => text.push(other),
        }
    }
    text
}

/// One to six sentences, or a piece of code or data.
pub(super) fn paragraph(random: &mut Random) -> String {
    let kind = random.below(20);
    match kind {
        0..3 => fill(random.pick(&CODE), random),
        3 => fill(random.pick(&DATA), random),
        4..6 => sentences(&OTHER_LANGUAGES, 2, random),
        6 => sentences(&CHINESE, 3, random),
        _ => sentences(&ENGLISH, 6, random),
    }
}

/// Paragraphs of at least `bytes` bytes together.
pub(super) fn text(bytes: usize, random: &mut Random) -> String {
    let mut text = paragraph(random);
    while text.len() < bytes {
        text += "\n\n";
        text += &paragraph(random);
    }
    text
}

/// JSON as tools get and return it.
pub(super) fn data(random: &mut Random) -> String {
    fill(random.pick(&DATA), random)
}

fn sentences(from: &[&str], most: usize, random: &mut Random) -> String {
    let count = 1 + random.below(most);
    let sentences: Vec<String> = (0..count)
        .map(|_| fill(random.pick(from), random))
        .collect();
    sentences.join(" ")
}

const ENGLISH: [&str; 40] = [
    "Could you look at the draft below and tell me where the argument stops making sense to you?",
    "The ferry to ^ leaves at half past six, and whoever misses it has to drive the long way round the bay.",
    "We moved the importer to the new queue last week; since then about # rows a night go missing without a trace.",
    "My grandmother kept bees behind the barn, and she used to say that a hive knows its owner by the sound of her boots.",
    "\"It works on my machine,\" he wrote, which is exactly what the @ team had said the month before.",
    "Please keep the tone friendly, avoid jargon, and don't go over # words.",
    "After the storm the orchard looked like somebody had combed it, every branch pointing east.",
    "If the cache is cold, the first lookup reads # pages from disk and everything behind it waits.",
    "I'd rather have three small tables that I understand than one big table that I have to explain.",
    "The museum bought the painting in 1911 from a dealer named ^, whose books were never found.",
    "Nobody on the committee objected, although two members (^ and ^) abstained and one had already left.",
    "Whisk the yolks with the sugar until pale, then fold in the flour; the batter should fall from the spoon in ribbons.",
    "A patient with a resting pulse below 50 isn't necessarily ill: trained runners often sit around 44.",
    "There's a subtle difference between \"eventually consistent\" and \"sometimes wrong\", and your customers don't care which one it was.",
    "He measured the beam twice, cut it once, and still came out # millimetres short.",
    "The @ clause in section 14.2 survives termination, so the obligation to keep records goes on for seven years.",
    "Summarise the meeting: who promised what, by when, and which questions are still open?",
    "Light from that galaxy set out when the first grasses were spreading over the plains.",
    "You can reproduce it with an empty directory, a file called @.toml, and the flag --@ set to #.",
    "Interest rates rose by a quarter point; the bond market, which had expected as much, yawned.",
    "She learned the piece by ear, played it at the wedding in ^, and never touched it again.",
    "What I don't understand is why the second request succeeds even though its token expired # seconds earlier.",
    "Their warehouse in ^ ships # parcels on an ordinary Tuesday and nearly double that before the holidays.",
    "First, soak the beans overnight; second, throw that water away; third, be patient.",
    "The river froze from both banks inwards, and for a week foxes used it as a road.",
    "In the experiment, half of the @ plants were given water with #.5 grams of salt per litre, and the rest none.",
    "Translate the following paragraph into plain language that a twelve-year-old would enjoy reading.",
    "Under load, threads pile up behind one mutex: the profiler shows 71% of samples in `@_lock_slow`.",
    "The mayor promised a bridge, the next mayor promised a tunnel, and commuters still take the 8:05 boat.",
    "Yes, but that only holds as long as the distribution is symmetric, which yours clearly isn't.",
    "Her thesis argues that street names are a kind of slow newspaper: they report what a town once thought important.",
    "Order #-B arrived with a cracked lid; I'd like a replacement rather than a refund, if that's possible.",
    "Roughly speaking, a violin string vibrates in halves, thirds and quarters at the same time as it does in full.",
    "Take the path on the left after the chapel, cross the stream at the stones, and don't trust the signpost.",
    "We compared ^ & ^ over twelve months: costs fell by #%, complaints stayed flat, turnover doubled.",
    "The committee's report (pp. 31-58) never mentions insulation, ventilation, or the people who live there.",
    "Suppose a train of length L passes a platform of length 2L; how far has its last carriage travelled?",
    "Every evening the lamplighter's daughter counted the lamps aloud, and on the night of the fire she counted one too few.",
    "It depends: for reads, yes; for writes, only if you can live with losing the last # milliseconds.",
    "Thanks, that's much clearer! One more thing: could the third example use ^ instead of foo and bar?",
];

const OTHER_LANGUAGES: [&str; 12] = [
    "Le café où nous nous étions rencontrés a fermé l'été dernier; à sa place, un magasin vend des vélos électriques.",
    "Peux-tu réécrire ce paragraphe sans répéter « très » et en gardant un ton léger, s'il te plaît?",
    "Die Prüfung läuft seit # Tagen, und noch immer weiß niemand, ob die Brücke über den ^ gesperrt wird.",
    "Über den Dächern hing Nebel; erst gegen Mittag löste er sich auf und gab die Türme frei.",
    "Mañana por la mañana viajaremos a ^, donde mi tía abrió una pequeña librería hace # años.",
    "¿Cuántos señores firmaron la petición, y por qué ninguno asistió a la reunión?",
    "Não é só uma questão de preço: a manutenção, os atrasos e a formação também contam.",
    "Zażółć gęślą jaźń – tak sprawdza się czcionki, ale w praktyce ważniejsze są odstępy.",
    "Öğleden sonra yağmur başlayınca çocuklar içeri kaçtı, köpek ise bahçede kaldı.",
    "Поезд опоздал на # минут, но пассажиры шутили и делились друг с другом чаем.",
    "Η βιβλιοθήκη ανοίγει στις εννέα και κλείνει όταν φύγει ο τελευταίος αναγνώστης.",
    "Great news 🎉 the build is green again 🚀 (took us # tries 😅), coffee is on ^ ☕️👩🏽‍💻",
];

const CHINESE: [&str; 8] = [
    "昨天下午我们讨论了新的仓库系统，大家都认为入库流程太复杂。",
    "请把下面这段话翻译成英文，并保留原来的语气。",
    "山里的雾到中午才散，远处的村子像浮在水面上一样。",
    "如果服务器在#毫秒内没有回答，客户端应该换一个地址再试一次。",
    "她从小跟着外公学木工，现在能用一块旧门板做出漂亮的书架。",
    "这份合同第三条的意思不清楚：到底是谁负责运输费用？",
    "会議は来週の火曜日に変更されましたので、資料をもう一度確認してください。",
    "내일 아침까지 보고서를 보내 주시면 감사하겠습니다.",
];

const CODE: [&str; 8] = [
    "```rust\nfn @(items: &[Item], limit: usize) -> Result<Vec<&Item>, Error> {\n    let mut kept = Vec::with_capacity(limit);\n    for item in items.iter().filter(|item| item.weight > #) {\n        if kept.len() == limit {\n            return Err(Error::Full { limit, name: \"@\".to_owned() });\n        }\n        kept.push(item);\n    }\n    Ok(kept)\n}\n```",
    "```python\nclass ^:\n    \"\"\"Keeps the last readings of a sensor.\"\"\"\n\n    def __init__(self, size=#):\n        self.size = size\n        self._readings = {}\n\n    def add(self, name: str, value: float) -> None:\n        row = self._readings.setdefault(name, [])\n        row.append(value)\n        if len(row) > self.size:\n            print(f\"{name!r}: dropping {row.pop(0):.2f}\")\n```",
    "```sql\nSELECT c.region, COUNT(*) AS orders, SUM(o.total) / 100.0 AS \"revenue (EUR)\"\n  FROM orders o\n  JOIN customers c ON c.id = o.customer_id\n WHERE o.created_at >= DATE '2024-03-01' AND o.state <> 'cancelled_@'\n GROUP BY c.region\nHAVING COUNT(*) > #\n ORDER BY 2 DESC;\n```",
    "```js\nexport async function @(url, { retries = 3, signal } = {}) {\n\tfor (let attempt = 0; attempt <= retries; attempt++) {\n\t\tconst res = await fetch(`${url}?page=${attempt}`, { signal });\n\t\tif (res.ok) return res.json();\n\t\tawait new Promise(r => setTimeout(r, 2 ** attempt * #));\n\t}\n\tthrow new Error(\"gave up: \" + url);\n}\n```",
    "The log says:\n\n    2024-05-17T08:14:#Z WARN  @.worker: slot 7 is stuck (\"@\"), backing off for # ms\n    2024-05-17T08:14:#Z ERROR @.worker: C:\\data\\^\\spool\\# not writable\n    Traceback (most recent call last):\n      File \"/srv/@/main.py\", line #, in run\n        raise Timeout(f\"no answer from {peer}\")",
    "```sh\nset -eu\nfor f in \"$HOME\"/@/*.log; do\n  grep -c 'status=5[0-9][0-9]' \"$f\" | sed \"s|^|$(basename \"$f\"): |\"\ndone | sort -t: -k2 -rn | head -#\n```",
    "1. **Measure** before you change anything:\n   - `@ --trace` for the slow path,\n   - `perf stat -e cycles` for the rest.\n2. **Change** one thing at a time.\n3. Compare with [the baseline](https://example.com/^/#?tab=charts&range=30d).\n\n| case | before | after |\n|---|---|---|\n| cold | # ms | # ms |\n| warm | # ms | # ms |",
    "```html\n<section id=\"@\" class=\"card card--wide\">\n  <h2>^ &amp; ^</h2>\n  <a href='/items/#' title=\"Open &quot;@&quot;\">more…</a>\n</section>\n```",
];

const DATA: [&str; 4] = [
    "{\"query\": \"@ near ^\", \"filters\": {\"min_price\": #, \"open_now\": true, \"tags\": [\"@\", \"@\", \"@\"]}, \"limit\": 25}",
    "[{\"id\": #, \"name\": \"^ ^\", \"city\": \"^\", \"score\": 0.#, \"notes\": null}, {\"id\": #, \"name\": \"^ O'^\", \"city\": \"São ^\", \"score\": 1.#e-3, \"notes\": \"said \\\"call back\\\" twice\"}]",
    "{\n  \"order\": {\n    \"number\": \"A-#\",\n    \"lines\": [\n      {\"sku\": \"@-#\", \"quantity\": 3, \"unit\": \"kg\"},\n      {\"sku\": \"@-#\", \"quantity\": 1, \"unit\": \"pc\"}\n    ],\n    \"paid\": false\n  }\n}",
    "{\"temperature_c\": -#.4, \"wind\": {\"from\": \"NNE\", \"kmh\": #}, \"warnings\": [], \"station\": \"^\\/@\"}",
];
