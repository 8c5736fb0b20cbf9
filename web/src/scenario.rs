//! What a visit starts with, and the manifests that the YAML pane offers.

use crate::options::Options;
use engine::Era;
use engine::session::{LAB, LAB_REGION, LAB_SEED, Scenario};
use lessons::Lesson;
use std::sync::Arc;

/// A scenario and how it is played.
pub struct Plan {
    pub scenario: Scenario,
    pub lesson: Option<Arc<Lesson>>,
    pub step: usize,
    pub speed: u32,
    pub playing: bool,
}

/// The plan that the options ask for; what they leave open is the lab of era A. An error where no such region is known.
pub fn plan(options: &Options) -> Result<Plan, String> {
    // A lesson brings its era, start and seed; one that does not exist leaves the free playground.
    let known = options.lesson_file.as_deref().and_then(|file| lessons::from_json(file).ok());
    let known = known.filter(|l| Some(&l.id) == options.lesson.as_ref()).map(Arc::new);
    let era = known.as_ref().map(|l| l.era).or(options.era).unwrap_or_default();
    let seed = options.seed.or(known.as_ref().map(|l| l.seed)).unwrap_or(LAB_SEED);
    // Lessons speak of the types and prices of one region.
    let region = options.region.as_deref().filter(|r| known.is_none() && *r != LAB_REGION);
    // Outside a lesson the test Deployment is there already, so that one command shows everything.
    let start =
        known.as_ref().map(|l| l.start.clone()).or_else(|| options.scenario.clone()).unwrap_or_else(|| "playground".to_owned());
    let named = |id: &str| Scenario::named(id, era, seed, region.unwrap_or(LAB_REGION));
    let mut scenario = named(&start).or_else(|_| named(LAB)).map_err(|e| e.message)?;
    if region.is_some() {
        scenario.prices = options.prices.as_deref().map(Arc::from);
    }
    Ok(Plan {
        scenario,
        step: options.step.unwrap_or(0),
        speed: options.speed.unwrap_or(if known.is_some() { 5 } else { 10 }),
        playing: options.autoplay,
        lesson: known,
    })
}

/// Identifier and name of the manifests for an era.
pub fn examples(era: Era) -> &'static [(&'static str, &'static str)] {
    match era {
        Era::V1alpha5 => &[
            ("inflate", "Deployment inflate"),
            ("spot-a", "Provisioner: spot, ttlSecondsAfterEmpty"),
            ("consolidation-a", "Provisioner: consolidation"),
        ],
        Era::V1 => &[
            ("inflate", "Deployment inflate"),
            ("spot-b", "NodePool: spot, WhenEmpty"),
            ("consolidation-b", "NodePool: WhenEmptyOrUnderutilized"),
        ],
    }
}

pub fn example(id: &str) -> Option<&'static str> {
    Some(match id {
        "inflate" => INFLATE,
        "spot-a" => SPOT_A,
        "consolidation-a" => CONSOLIDATION_A,
        "spot-b" => SPOT_B,
        "consolidation-b" => CONSOLIDATION_B,
        _ => return None,
    })
}

const INFLATE: &str = include_str!("examples/inflate.yaml");
const SPOT_A: &str = include_str!("examples/provisioner-spot.yaml");
const CONSOLIDATION_A: &str = include_str!("examples/provisioner-consolidation.yaml");
const SPOT_B: &str = include_str!("examples/nodepool-spot.yaml");
const CONSOLIDATION_B: &str = include_str!("examples/nodepool-consolidation.yaml");

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Session;
    use view::Lang;

    #[test]
    fn a_region_of_the_address_is_simulated_by_its_prices() {
        let options = |query: &str| Options::parse(query, false, "en", &|_| None);
        let region = |query: &str| plan(&options(query)).map(|p| (p.scenario.region, p.scenario.prices.is_some()));
        assert_eq!(region("?region=us-west-1"), Ok(("us-west-1".to_owned(), false)));
        let asked = options("?region=us-west-1&lesson=karpenter-basics-v1alpha5");
        assert!(plan(&asked).is_ok_and(|p| p.lesson.is_none() && p.scenario.region == "us-west-1"));
        let file = objects::yaml::parse(include_str!("../../crates/lessons/data/karpenter-basics-v1alpha5.yaml"));
        let taught = Options { lesson_file: Some(file.documents[0].value.to_string().into()), ..asked };
        assert!(plan(&taught).is_ok_and(|p| p.lesson.is_some() && p.scenario.region == LAB_REGION && p.speed == 5));
        assert!(region("?region=mars-1").is_err_and(|m| m.starts_with("region \"mars-1\" is unknown here: choose one of ")));
        let fetched = Options { prices: Some("ec2-region".into()), ..options("?region=us-west-1") };
        let refused = Session::new(plan(&fetched).unwrap().scenario).err().unwrap().message;
        assert!(refused.contains("cannot read `us-west-1`"), "{refused}");
    }

    #[test]
    fn examples_have_no_problems() {
        for era in [Era::V1alpha5, Era::V1] {
            for (id, _) in examples(era) {
                let market = engine::pricing::Market::build(LAB_REGION, era).unwrap();
                let found = lint::check(example(id).unwrap(), &lint::Around::files(era, &market, Lang::En));
                let wrong: Vec<_> = found.iter().filter(|f| f.severity != lint::Severity::Note).collect();
                assert!(wrong.is_empty(), "{id}: {wrong:?}");
            }
        }
    }
}
