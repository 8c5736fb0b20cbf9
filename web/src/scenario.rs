//! What a visit starts with, and the manifests that the YAML pane offers.

use crate::options::Options;
use engine::session::{LAB_REGION, LAB_SEED, Request, Scenario, Validation};
use engine::{Era, Session};
use objects::yaml;

/// A scenario and how it is played.
pub struct Plan {
    pub scenario: Scenario,
    pub lesson: Option<String>,
    pub step: usize,
    pub speed: u32,
    pub playing: bool,
}

/// The plan that the options ask for; what they leave open is the lab of era A.
pub fn plan(options: &Options) -> Plan {
    // A lesson brings its era, start and seed; one that does not exist leaves the free playground.
    let known = options.lesson.as_deref().and_then(|id| lessons::load(id).ok());
    let lesson = known.as_ref().map(|l| l.id.clone());
    let era = known.as_ref().map(|l| l.era).or(options.era).unwrap_or_default();
    let seed = options.seed.or(known.as_ref().map(|l| l.seed)).unwrap_or(LAB_SEED);
    let start = known.map(|l| l.start).or_else(|| options.scenario.clone());
    let scenario =
        start.and_then(|id| Scenario::named(&id, era, seed, LAB_REGION).ok()).unwrap_or_else(|| Scenario::lab(era, seed));
    Plan {
        scenario,
        step: options.step.unwrap_or(0),
        speed: options.speed.unwrap_or(if lesson.is_some() { 5 } else { 10 }),
        playing: options.autoplay,
        lesson,
    }
}

/// Outside a lesson the test Deployment is there already, so that one command shows everything.
pub fn prepare(session: &mut Session) -> Result<(), String> {
    for document in yaml::parse(INFLATE).documents {
        let request = Request::Apply { doc: document.value, dry_run: false, validation: Validation::Strict };
        session.request("kubectl apply -f inflate.yaml", request).map_err(|e| e.message)?;
    }
    Ok(())
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
    use view::{Lang, problems};

    #[test]
    fn examples_have_no_problems() {
        for era in [Era::V1alpha5, Era::V1] {
            for (id, _) in examples(era) {
                let text = example(id).unwrap();
                assert_eq!(problems::of(text, era, Lang::En), vec![], "{id}");
            }
        }
    }
}
