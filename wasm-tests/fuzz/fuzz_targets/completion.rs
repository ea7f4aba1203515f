//! Completions: never panic; what is JSON stays JSON when it is signed and priced, and signing twice
//! is signing once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshrouter_core::route::Operation;
use meshrouter_wire::completion::{Completion, SaidReader, Signature, contents};
use meshrouter_wire::json::Scanner;

fuzz_target!(|text: &[u8]| {
    let _ = contents(text);
    let _ = SaidReader::default().read(text, |_| {});
    let Ok(completion) = Completion::read(text) else {
        return;
    };
    let _ = completion.usage();
    for exclude in [false, true] {
        let signature = Signature::new("gen-1-x", "a/b", "P", Operation::ChatCompletions);
        let signature = signature.without_reasoning(exclude);
        let signed = completion.signed(&signature);
        Scanner::document(&signed).unwrap();
        let again = Completion::read(&signed).unwrap();
        Scanner::document(&again.signed(&signature)).unwrap();
        Scanner::document(&again.with_usage(&[("cost", "0.1")])).unwrap();
    }
});
