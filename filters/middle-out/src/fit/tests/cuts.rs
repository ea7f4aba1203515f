//! Which texts are cut, and where.

use super::*;

#[test]
fn results_in_json_stay_whole() {
    let with = |result_text: &str| {
        let messages = [said("u1", 10), said("c2", 20), result("r2", result_text)];
        fit(request(&messages).as_bytes(), 60)
    };
    let lines = "line of a log, ".repeat(30);
    let Fit::Compressed { body, .. } = with(&lines) else {
        panic!("a text can be cut");
    };
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains(r#""arguments":"{}""#)
    );
    let json = format!(r#"{{\"rows\": [1, \"{lines}\"]}}"#);
    assert!(matches!(with(&json), Fit::TooLong { tokens } if tokens > 100));
    assert!(matches!(with(&format!("[{json}]")), Fit::TooLong { .. }));
    // What only looks like it is text.
    assert!(matches!(
        with(&format!("[INFO] {lines}")),
        Fit::Compressed { .. }
    ));
    // An untouchable start goes as a whole, so that the rest fits.
    let messages = [
        said("c1", 20),
        result("r1", &json),
        said("a2", 10),
        said("u3", 10),
    ];
    let Fit::Compressed { body, removed, .. } = fit(request(&messages).as_bytes(), 20) else {
        panic!("the end fits");
    };
    assert_eq!((names(&body).as_str(), removed), ("a2 u3", 2));
}

#[test]
fn text_is_cut_in_its_middle_and_media_stay() {
    let cut = |first: &str, budget: u64| {
        let body = request(&[first.to_owned(), said("u2", 10)]);
        let Fit::Compressed {
            body,
            removed: 0,
            truncated: 1,
        } = fit(body.as_bytes(), budget)
        else {
            panic!("{first} can be cut");
        };
        assert!(tokens(&body) <= budget);
        let body = String::from_utf8(body).unwrap();
        let (start, end) = (body.find('[').unwrap(), body.find(",\n").unwrap());
        body[start + 2..end].to_owned()
    };
    let user = |content: &str| format!(r#"{{"role":"user","content":{content}}}"#);
    let cases = [
        (r#""abcdefghijklmnopqrstuvwxyz""#, 3, r#""abc … xyz""#),
        (
            r#""\u00e9\u00e9\u00e9\u00e9\u00e9""#,
            5,
            r#""\u00e9 … \u00e9""#,
        ),
        (
            r#""\ud83d\ude00\ud83d\ude00\ud83d\ude00""#,
            8,
            r#""\ud83d\ude00 … \ud83d\ude00""#,
        ),
        (r#""😀😀😀😀😀😀""#, 5, r#""😀 … 😀😀""#),
        // The longest parts are cut, whatever else the part holds.
        (
            r#"[{"type":"text","text":"ab"},{"text":"abcdefghijklmnop","cache_control":{},"type":"text"}]"#,
            4,
            r#"[{"type":"text","text":"ab"},{"text":"abc … nop","cache_control":{},"type":"text"}]"#,
        ),
        // Media and signed texts stay.
        (
            r#"[{"type":"image_url","image_url":{"url":"http://x"}},{"type":"text","text":"abcdefghijklmnop"}]"#,
            1003,
            r#"[{"type":"image_url","image_url":{"url":"http://x"}},{"type":"text","text":"abc … nop"}]"#,
        ),
        (
            r#"[{"type":"thinking","text":"abcdefghijklmnop"},{"type":"text","text":"abcdefghijklmnop"}]"#,
            7,
            r#"[{"type":"thinking","text":"abcdefghijklmnop"},{"type":"text","text":"abc … nop"}]"#,
        ),
    ];
    for (content, budget, expected) in cases {
        assert_eq!(cut(&user(content), 10 + 4 + budget), user(expected));
    }
}

#[test]
fn the_longest_are_cut_alike() {
    let assistant = |length: usize| {
        let text = "x".repeat(length);
        format!(r#"{{"role":"assistant","content":[{{"type":"text","text":"{text}"}}]}}"#)
    };
    let body = request(&[
        assistant(40),
        said("u2", 10),
        assistant(400),
        assistant(800),
    ]);
    // Ten, and what is left of a hundred: the last to 76.
    let Fit::Compressed {
        body,
        removed,
        truncated,
    } = fit(body.as_bytes(), 104)
    else {
        panic!("it can be cut");
    };
    assert_eq!((removed, truncated), (1, 1));
    assert_eq!(tokens(&body), 104);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let length = |n: usize| {
        body["messages"][n]["content"][0]["text"]
            .as_str()
            .unwrap()
            .chars()
            .count()
    };
    assert_eq!(length(0), 40);
    assert!(length(2) > 290, "{}", length(2));
}
