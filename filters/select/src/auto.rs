//! `meshrouter/auto`: which models of the pool suit a request best.
//!
//! A model's score is its rating for what the request asks for, the mean over all of its tasks, less
//! some points for each time that it costs twice as much here as the cheapest. Requests without a
//! special task are easy: for them a price counts more. The same request always scores the same.

use meshrouter_core::document::{Auto, AutoModel, Task};

/// A model of the pool and what it scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored<'a> {
    pub(crate) id: &'a str,
    /// Points.
    pub(crate) score: f64,
}

/// The models of the pool, the best first; `cost` is what the request costs at a model's cheapest
/// endpoint in pico-dollars, `None` where none may serve. Equal scores keep the pool's order.
pub(crate) fn score<'a>(
    auto: &'a Auto,
    tasks: &[Task],
    cost: impl Fn(&str) -> Option<u64>,
) -> Vec<Scored<'a>> {
    let able = auto
        .models
        .iter()
        .filter_map(|model| Some((model, cost(&model.id)?)));
    let able: Vec<(&AutoModel, u64)> = able.collect();
    let costs = able.iter().map(|(_, cost)| *cost);
    let cheapest = costs.filter(|cost| *cost > 0).min().unwrap_or(1);
    let points = match tasks {
        [] => auto.points_per_doubling.easy,
        _ => auto.points_per_doubling.hard,
    };
    let mut scored: Vec<Scored<'_>> = able
        .into_iter()
        .map(|(model, cost)| Scored {
            id: &model.id,
            score: rating(model, tasks) - f64::from(points) * doublings(cost, cheapest),
        })
        .collect();
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    scored
}

/// The mean of a model's ratings for the tasks; its general one without any.
fn rating(model: &AutoModel, tasks: &[Task]) -> f64 {
    if tasks.is_empty() {
        return f64::from(model.quality);
    }
    let of = |task: &Task| *model.strengths.get(task).unwrap_or(&model.quality);
    let sum: u64 = tasks.iter().map(|task| u64::from(of(task))).sum();
    sum as f64 / tasks.len() as f64
}

/// How often `cheapest` must double to reach `cost`; 0 for what costs nothing.
fn doublings(cost: u64, cheapest: u64) -> f64 {
    (cost.max(cheapest) as f64 / cheapest as f64).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(json: &str) -> Auto {
        serde_json::from_str(json).unwrap()
    }

    const POOL: &str = r#"{"models": [
        {"id": "small", "quality": 60, "strengths": {"code": 40}},
        {"id": "large", "quality": 90, "strengths": {"mathematics": 96}},
        {"id": "coder", "quality": 70, "strengths": {"code": 95}}]}"#;

    fn scores(pool: &str, tasks: &[Task], costs: [Option<u64>; 3]) -> Vec<(String, f64)> {
        let cost = |id: &str| {
            costs[["small", "large", "coder"]
                .iter()
                .position(|known| *known == id)
                .unwrap()]
        };
        let auto = auto(pool);
        let scored = score(&auto, tasks, cost).into_iter();
        scored
            .map(|scored| (scored.id.to_owned(), scored.score))
            .collect()
    }

    fn first(tasks: &[Task], costs: [Option<u64>; 3]) -> String {
        scores(POOL, tasks, costs).remove(0).0
    }

    #[test]
    fn the_price_decides_what_is_easy_and_the_rating_what_is_not() {
        let costs = [Some(100), Some(1_600), Some(400)];
        assert_eq!(first(&[], costs), "small");
        assert_eq!(first(&[Task::Code], costs), "coder");
        assert_eq!(first(&[Task::Mathematics], costs), "large");
        // (90 + 96) / 2 − 4 × 4 is more than (95 + 70) / 2 − 4 × 2.
        assert_eq!(first(&[Task::Code, Task::Mathematics], costs), "large");
        // 60; 90 − 15 × 4; 70 − 15 × 2.
        let all = scores(POOL, &[], costs);
        let expected = [("small", 60.0), ("coder", 40.0), ("large", 30.0)];
        assert_eq!(all, expected.map(|(id, score)| (id.to_owned(), score)));
    }

    #[test]
    fn only_the_able_are_scored_and_weights_are_configured() {
        assert_eq!(
            first(&[Task::Code], [Some(100), Some(1_600), None]),
            "large"
        );
        assert_eq!(scores(POOL, &[], [None, None, None]), []);
        let pool = POOL.replacen(
            '{',
            r#"{"points_per_doubling": {"easy": 0, "hard": 50}, "#,
            1,
        );
        assert_eq!(
            scores(&pool, &[], [Some(1), Some(1_000), Some(9)])[0].0,
            "large"
        );
        assert_eq!(
            scores(&pool, &[Task::Code], [Some(1), Some(1_000), Some(9)])[0].0,
            "small"
        );
    }

    #[test]
    fn what_is_free_divides_by_nothing() {
        let free = scores(POOL, &[], [Some(0), Some(0), Some(0)]);
        assert_eq!(free[0], ("large".to_owned(), 90.0));
        let some = scores(POOL, &[], [Some(0), Some(8), Some(4)]);
        assert_eq!(some[0], ("large".to_owned(), 75.0));
        assert!(
            scores(POOL, &[], [Some(1), Some(u64::MAX), None])
                .iter()
                .all(|(_, score)| score.is_finite())
        );
    }
}
