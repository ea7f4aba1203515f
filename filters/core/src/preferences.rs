//! The `provider` object: how a request wants its endpoints chosen (Provider Routing page).
//!
//! It stands in requests and presets, and as `preferences` at keys and at the gateway document's top.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::json_error;

/// The preferences of one level, or of all levels merged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// Endpoints to try first, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// The only endpoints that may serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// Endpoints that may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// Whether others may serve than the first, or than those of `order`. True by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_fallbacks: Option<bool>,
    /// Only endpoints that understand every parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_parameters: Option<bool>,
    /// `deny`: only endpoints that do not collect data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_collection: Option<DataCollection>,
    /// Only endpoints that retain nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zdr: Option<bool>,
    /// Only models whose authors allow distillation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_distillable_text: Option<bool>,
    /// Only these levels of quantization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantizations: Option<Vec<Quantization>>,
    /// What to sort by in place of balancing the load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// The highest prices that are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price: Option<MaxPrice>,
    /// Endpoints below go behind: tokens a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_min_throughput: Option<Threshold>,
    /// Endpoints above go behind: seconds to the first token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_max_latency: Option<Threshold>,
}

/// Whether providers may store what they are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataCollection {
    /// They may, and may train on it.
    #[default]
    Allow,
    /// They do not.
    Deny,
}

/// Levels of quantization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Quantization {
    Int4,
    Int8,
    Fp4,
    Fp6,
    Fp8,
    Fp16,
    Bf16,
    Fp32,
    #[default]
    Unknown,
}

impl Quantization {
    /// The name, as in `quantizations`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int4 => "int4",
            Self::Int8 => "int8",
            Self::Fp4 => "fp4",
            Self::Fp6 => "fp6",
            Self::Fp8 => "fp8",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Fp32 => "fp32",
            Self::Unknown => "unknown",
        }
    }
}

/// What endpoints can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The cheapest for this request first.
    Price,
    /// The most tokens a second first.
    Throughput,
    /// The least time to the first token first.
    Latency,
}

/// Whether the models of a request are sorted one by one or all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partition {
    /// All endpoints of the first model, then those of the next.
    #[default]
    Model,
    /// The endpoints of all models as one list.
    None,
}

/// `sort`: `"price"`, or `{"by": "price", "partition": "none"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sort {
    /// The criterion.
    pub by: By,
    /// Across which endpoints.
    pub partition: Partition,
}

impl From<By> for Sort {
    fn from(by: By) -> Self {
        Self {
            by,
            partition: Partition::Model,
        }
    }
}

impl<'de> Deserialize<'de> for Sort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            by: By,
            #[serde(default)]
            partition: Option<Partition>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Sort;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`price`, `throughput`, `latency`, or an object with `by`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Sort, E> {
                By::deserialize(de::value::StrDeserializer::new(name)).map(Sort::from)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sort, A::Error> {
                let object = Object::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Sort {
                    by: object.by,
                    partition: object.partition.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `max_price`: the highest prices that are accepted, in USD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaxPrice {
    /// Per million tokens of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Amount>,
    /// Per million tokens of the completion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<Amount>,
    /// Per request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Amount>,
    /// Per image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Amount>,
}

impl MaxPrice {
    /// The lower of both, price by price.
    fn lower(self, other: Self) -> Self {
        let lower = |a: Option<Amount>, b: Option<Amount>| match (a, b) {
            (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
            (a, b) => a.or(b),
        };
        Self {
            prompt: lower(self.prompt, other.prompt),
            completion: lower(self.completion, other.completion),
            request: lower(self.request, other.request),
            image: lower(self.image, other.image),
        }
    }
}

/// An amount in USD that something is compared with: a number, or the text of one, as OpenRouter's
/// SDK sends it. Not money that is counted: that is [`Usd`](crate::money::Usd).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Amount(f64);

impl Amount {
    /// In pico-dollars, rounded.
    #[must_use]
    pub fn pico(self) -> u128 {
        // `as` takes what is too large for the largest there is.
        (self.0 * 1e12).round() as u128
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in USD, zero or more")
            }

            fn visit_f64<E: de::Error>(self, amount: f64) -> Result<Amount, E> {
                if amount >= 0.0 && amount.is_finite() {
                    return Ok(Amount(amount));
                }
                Err(E::invalid_value(de::Unexpected::Float(amount), &self))
            }

            fn visit_u64<E: de::Error>(self, amount: u64) -> Result<Amount, E> {
                self.visit_f64(amount as f64)
            }

            fn visit_i64<E: de::Error>(self, amount: i64) -> Result<Amount, E> {
                self.visit_f64(amount as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                let amount = text.parse();
                let amount = amount.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self));
                self.visit_f64(amount?)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A threshold: one number, which the median is compared with, or one for each percentile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Threshold {
    /// For the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// For the 75th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p75: Option<f64>,
    /// For the 90th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// For the 99th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
}

impl Threshold {
    /// The percentiles that it names, and its number for each.
    pub fn points(self) -> impl Iterator<Item = (u32, f64)> {
        let points = [
            (50, self.p50),
            (75, self.p75),
            (90, self.p90),
            (99, self.p99),
        ];
        points
            .into_iter()
            .filter_map(|(percent, number)| Some((percent, number?)))
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Object {
            p50: Option<f64>,
            p75: Option<f64>,
            p90: Option<f64>,
            p99: Option<f64>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Threshold;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or an object with `p50`, `p75`, `p90`, `p99`")
            }

            fn visit_f64<E: de::Error>(self, p50: f64) -> Result<Threshold, E> {
                Ok(Threshold {
                    p50: Some(p50),
                    ..Threshold::default()
                })
            }

            fn visit_u64<E: de::Error>(self, p50: u64) -> Result<Threshold, E> {
                self.visit_f64(p50 as f64)
            }

            fn visit_i64<E: de::Error>(self, p50: i64) -> Result<Threshold, E> {
                self.visit_f64(p50 as f64)
            }

            /// What Envoy makes of a fraction in YAML.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Threshold, E> {
                match text.parse() {
                    Ok(p50) => self.visit_f64(p50),
                    Err(_) => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Threshold, A::Error> {
                let object = Object::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Threshold {
                    p50: object.p50,
                    p75: object.p75,
                    p90: object.p90,
                    p99: object.p99,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Preferences {
    /// Reads the JSON of a `provider` object.
    ///
    /// # Errors
    /// The path inside the object (empty for itself) of the first field that is unknown or wrong,
    /// and what is wrong with it.
    pub fn from_json(json: &[u8]) -> Result<Self, (String, String)> {
        json_error::read(json)
    }

    /// These preferences over those of a wider level: what these say counts. Lists of `only` and of
    /// `ignore` merge, ZDR and the like hold if either level wants them, and of two prices the
    /// lower counts (Provider Routing page).
    #[must_use]
    pub fn over(self, wider: &Self) -> Self {
        let either = |a: Option<bool>, b: Option<bool>| (a == Some(true)).then_some(true).or(b);
        Self {
            order: self.order.or_else(|| wider.order.clone()),
            only: union(self.only, wider.only.as_ref()),
            ignore: union(self.ignore, wider.ignore.as_ref()),
            allow_fallbacks: self.allow_fallbacks.or(wider.allow_fallbacks),
            require_parameters: self.require_parameters.or(wider.require_parameters),
            data_collection: match self.data_collection {
                Some(DataCollection::Deny) => self.data_collection,
                own => wider.data_collection.or(own),
            },
            zdr: either(self.zdr, wider.zdr),
            enforce_distillable_text: either(
                self.enforce_distillable_text,
                wider.enforce_distillable_text,
            ),
            quantizations: self.quantizations.or_else(|| wider.quantizations.clone()),
            sort: self.sort.or(wider.sort),
            max_price: match (self.max_price, wider.max_price) {
                (Some(own), Some(wider)) => Some(own.lower(wider)),
                (own, wider) => own.or(wider),
            },
            preferred_min_throughput: self
                .preferred_min_throughput
                .or(wider.preferred_min_throughput),
            preferred_max_latency: self.preferred_max_latency.or(wider.preferred_max_latency),
        }
    }
}

/// What stands in either list, each once.
fn union(own: Option<Vec<String>>, wider: Option<&Vec<String>>) -> Option<Vec<String>> {
    let (Some(mut own), Some(wider)) = (own.clone(), wider) else {
        return own.or_else(|| wider.cloned());
    };
    for slug in wider {
        if !own.contains(slug) {
            own.push(slug.clone());
        }
    }
    Some(own)
}

#[cfg(test)]
mod tests;
