//! Which texts are cut, and where.

use super::*;

#[test]
fn results_in_json_stay_whole() {
    let with = |result_text: &str| {
        let messages = [said("u1", 10), said("c2", 20), result("r2", result_text)];
        simply(request(&messages).as_bytes(), 60)
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
    assert!(matches!(with(&json), Fit::Unfit(Unfit::TooLong { weight }) if weight > 100 * TOKEN));
    assert!(matches!(with(&format!("[{json}]")), Fit::Unfit(_)));
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
    let Fit::Compressed { body, removed, .. } = simply(request(&messages).as_bytes(), 20) else {
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
        } = simply(body.as_bytes(), budget)
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
        (r#""first b c d e f g last""#, 4, r#""first b… last""#),
        // Escapes stay whole, and both halves of an emoji together.
        (
            r#""a\n\u00e9 b\" c d e\\\\ f""#,
            4,
            r#""a\n\u00e9 b\"…\\\\ f""#,
        ),
        (
            r#""\ud83d\ude00 \ud83d\ude00 \ud83d\ude00 \ud83d\ude00 \ud83d\ude00""#,
            4,
            r#""\ud83d\ude00 … \ud83d\ude00""#,
        ),
        (r#""世界和平很好""#, 4, r#""世…好""#),
        // The longest parts are cut, whatever else the part holds.
        (
            r#"[{"type":"text","text":"a b"},{"text":"a b c d e f","cache_control":{},"type":"text"}]"#,
            5,
            r#"[{"type":"text","text":"a b"},{"text":"a b… f","cache_control":{},"type":"text"}]"#,
        ),
        // Media and signed texts stay.
        (
            r#"[{"type":"image_url","image_url":{"url":"http://x"}},{"type":"text","text":"a b c d e f"}]"#,
            1369 + 4,
            r#"[{"type":"image_url","image_url":{"url":"http://x"}},{"type":"text","text":"a b… f"}]"#,
        ),
        (
            r#"[{"type":"thinking","text":"a b c d e f"},{"type":"text","text":"a b c d e f"}]"#,
            5 + 4,
            r#"[{"type":"thinking","text":"a b c d e f"},{"type":"text","text":"a b… f"}]"#,
        ),
    ];
    for (content, budget, expected) in cases {
        assert_eq!(cut(&user(content), 10 + 4 + budget), user(expected));
    }
}

#[test]
fn the_longest_are_cut_alike() {
    let assistant = |length: usize| {
        let text = " x".repeat(length);
        format!(r#"{{"role":"assistant","content":[{{"type":"text","text":"{text}"}}]}}"#)
    };
    let body = request(&[
        assistant(10),
        said("u2", 10),
        assistant(100),
        assistant(200),
    ]);
    // Ten, and what is left of a hundred: the last to 76.
    let Fit::Compressed {
        body,
        removed,
        truncated,
    } = simply(body.as_bytes(), 104)
    else {
        panic!("it can be cut");
    };
    assert_eq!((removed, truncated), (1, 1));
    assert_eq!(tokens(&body), 104);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let length = |n: usize| {
        let text = body["messages"][n]["content"][0]["text"].as_str();
        text.unwrap().matches('x').count()
    };
    assert_eq!((length(0), length(2)), (10, 74));
}
