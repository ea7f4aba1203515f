//! What a response is billed: its consumption at the terms of the endpoint that served it.

use meshrouter_core::cost::{Consumption, Cost};
use meshrouter_core::document::Pricing;
use meshrouter_core::money::Share;
use meshrouter_core::usage::Usage;
use meshrouter_ledger::Sum;

use crate::json::{Object, name};

/// The terms of one request at one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The endpoint's.
    pub(crate) pricing: Pricing,
    /// What the caller pays of it where the request went on the caller's own account.
    pub(crate) fee: Option<Share>,
    /// Images of the prompt.
    pub(crate) images: u64,
    /// Whether it writes a completion: embeddings do not.
    pub(crate) completes: bool,
}

/// What a response took, and whether that is the provider's own word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) usage: Usage,
    pub(crate) estimated: bool,
    pub(crate) cost: Cost,
    is_byok: bool,
}

impl Terms {
    /// The bill of an answer that ended so.
    pub(crate) fn bill(&self, usage: Usage, estimated: bool, finish: Option<&str>) -> Bill {
        let consumption = Consumption {
            usage,
            images: self.images,
        };
        let cost = self.pricing.cost(&consumption, self.fee);
        let cost = match self.is_free(usage, finish) {
            true => cost.waived(),
            false => cost,
        };
        Bill {
            usage,
            estimated,
            cost,
            is_byok: self.fee.is_some(),
        }
    }

    /// Nobody pays for an answer that failed, nor for one that said nothing and gave no reason (Zero Completion
    /// Insurance page).
    fn is_free(&self, usage: Usage, finish: Option<&str>) -> bool {
        let said_nothing = usage.completion_tokens == 0 && finish.is_none();
        self.completes && (said_nothing || finish == Some("error"))
    }
}

impl Bill {
    /// What the payer's balance is to be charged.
    pub(crate) fn sum(&self) -> Sum {
        Sum {
            spent: self.cost.caller.nano(),
            byok: if self.is_byok {
                self.cost.upstream.nano()
            } else {
                0
            },
        }
    }

    /// Tokens of prompt and completion.
    pub(crate) fn tokens(&self) -> u64 {
        let usage = &self.usage;
        usage.prompt_tokens.saturating_add(usage.completion_tokens)
    }

    /// The names of what it adds to a `usage` that the provider reports.
    pub(crate) const MEMBERS: [&str; 3] = ["cost", "is_byok", "cost_details"];

    /// What it adds to a `usage` that the provider reports, as JSON.
    pub(crate) fn json(&self) -> Vec<u8> {
        let upstream = self.is_byok.then_some(self.cost.upstream);
        let mut json = Object::behind(Vec::with_capacity(128));
        json.member(name!("cost"), self.cost.caller)
            .member(name!("is_byok"), self.is_byok)
            .object(name!("cost_details"), |details| {
                details.member(name!("upstream_inference_cost"), upstream);
            });
        json.inside()
    }

    /// What it adds to a response's `usage`: names and JSON.
    pub(crate) fn members(&self) -> Vec<(&'static str, String)> {
        let mut members = Vec::with_capacity(7);
        if self.estimated {
            let (prompt, completion) = (self.usage.prompt_tokens, self.usage.completion_tokens);
            let total = prompt.saturating_add(completion);
            members.extend([
                ("prompt_tokens", prompt.to_string()),
                ("completion_tokens", completion.to_string()),
                ("total_tokens", total.to_string()),
                ("estimated", "true".to_owned()),
            ]);
        }
        // As documented, only of the caller's own account it is said what the provider takes.
        let upstream = match self.is_byok {
            true => self.cost.upstream.to_string(),
            false => "null".to_owned(),
        };
        members.extend([
            ("cost", self.cost.caller.to_string()),
            ("is_byok", self.is_byok.to_string()),
            (
                "cost_details",
                format!(r#"{{"upstream_inference_cost":{upstream}}}"#),
            ),
        ]);
        members
    }
}

#[cfg(test)]
mod tests {
    use meshrouter_core::money::Price;

    use super::*;

    fn terms() -> Terms {
        Terms {
            pricing: Pricing {
                prompt: Price::parse("0.000001").unwrap(),
                completion: Price::parse("0.000002").unwrap(),
                image: Some(Price::parse("0.001").unwrap()),
                ..Pricing::default()
            },
            fee: None,
            images: 0,
            completes: true,
        }
    }

    #[test]
    fn answers_that_say_nothing_without_a_reason_are_free() {
        let free = |tokens, finish| {
            let bill = terms().bill(Usage::estimated(10, tokens), false, finish);
            assert_eq!(bill.cost.upstream.nano(), 10_000 + tokens * 2_000);
            bill.cost.caller.nano() == 0
        };
        assert!(free(0, None));
        assert!(free(0, Some("error")) && free(5, Some("error")));
        assert!(!free(5, None) && !free(5, Some("stop")));
        assert!(!free(0, Some("stop")) && !free(0, Some("content_filter")));
        let embeddings = Terms {
            completes: false,
            ..terms()
        };
        let bill = embeddings.bill(Usage::estimated(10, 0), false, None);
        assert_eq!(bill.cost.caller.nano(), 10_000);
    }

    #[test]
    fn a_bill_says_who_pays() {
        let members = |terms: Terms, estimated| {
            let bill = terms.bill(Usage::estimated(10, 5), estimated, Some("stop"));
            let members = bill.members();
            let written: Vec<_> = members
                .iter()
                .filter(|(name, _)| Bill::MEMBERS.contains(name))
                .map(|(name, json)| format!("\"{name}\":{json}"))
                .collect();
            assert_eq!(String::from_utf8(bill.json()).unwrap(), written.join(","));
            let members = members.iter().map(|(name, json)| format!("{name}={json}"));
            members.collect::<Vec<_>>().join(" ")
        };
        let with_images = Terms {
            images: 2,
            ..terms()
        };
        assert_eq!(
            members(with_images, false),
            r#"cost=0.00202 is_byok=false cost_details={"upstream_inference_cost":null}"#
        );
        let own = Terms {
            fee: Share::parse("0.05").ok(),
            ..terms()
        };
        assert_eq!(
            members(own, true),
            "prompt_tokens=10 completion_tokens=5 total_tokens=15 estimated=true cost=0.000001 is_byok=true \
             cost_details={\"upstream_inference_cost\":0.00002}"
        );
    }
}
