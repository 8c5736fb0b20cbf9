//! What the cloud sells: instance types with their label values, capacity and offerings.

use super::labels;
use super::requirements::{Requirement, Requirements};
use objects::collections::VecSet;
use objects::{DocExt, Resources, Value};
use std::sync::Arc;

/// One way to buy a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    pub zone: Arc<str>,
    /// `on-demand`, `spot` or `reserved`.
    pub capacity_type: Arc<str>,
    /// Micro-dollars per hour.
    pub price_micro: i64,
    pub available: bool,
    /// Reserved offerings: the reservation and how many instances it still has.
    pub reservation: Option<(Arc<str>, u32)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceType {
    pub name: Arc<str>,
    /// Values of every well-known label, zones and capacity types as sets; a label that a type does not have is
    /// DoesNotExist.
    pub requirements: Requirements,
    pub offerings: Vec<Offering>,
    pub capacity: Resources,
    pub overhead: Resources,
    /// Capacity less overhead.
    pub allocatable: Resources,
}

/// (capacity type, instance type, zone) of an offering that the cloud had none of lately.
pub type OfferingKey = (String, String, String);

impl InstanceType {
    /// `labels` are the single values; the type's name, zones and capacity types are added from the other arguments.
    pub fn new(
        name: &str,
        labels_of_type: impl IntoIterator<Item = Requirement>,
        capacity: Resources,
        overhead: Resources,
        offerings: Vec<Offering>,
    ) -> InstanceType {
        let mut requirements: Requirements = labels_of_type.into_iter().collect();
        let zones: VecSet<&str> = offerings.iter().map(|o| &*o.zone).collect();
        let kinds: VecSet<&str> = offerings.iter().map(|o| &*o.capacity_type).collect();
        requirements.replace(Requirement::is_in(labels::INSTANCE_TYPE, [name]));
        requirements.replace(Requirement::is_in(labels::ZONE, zones));
        requirements.replace(Requirement::is_in(labels::CAPACITY_TYPE, kinds));
        let mut t = InstanceType { name: Arc::from(name), requirements, offerings, ..InstanceType::default() };
        t.resize(capacity, overhead);
        t
    }

    /// Gives it another capacity and overhead.
    pub fn resize(&mut self, capacity: Resources, overhead: Resources) {
        self.allocatable = capacity.clone();
        self.allocatable.sub(&overhead);
        (self.capacity, self.overhead) = (capacity, overhead);
    }

    /// Reads one entry of a JSON catalogue: `name`, `labels`, `multi`, `absent`, `capacity`, `overhead` (resource lists
    /// by cause) and `offerings` (`zone`, `capacityType`, `price` in dollars, `available`).
    pub fn read(v: &Value) -> Option<InstanceType> {
        let name = v.str_at("name")?;
        let mut list: Vec<Requirement> = v.strings_at("labels").iter().map(|(k, value)| Requirement::is_in(k, [value])).collect();
        for (key, values) in v.at("multi").as_object().into_iter().flatten() {
            list.push(Requirement::is_in(key, values.as_array().into_iter().flatten().filter_map(Value::as_str)));
        }
        list.extend(v.list_at("absent").iter().filter_map(Value::as_str).map(Requirement::absent));
        let mut overhead = Resources::default();
        for part in v.at("overhead").as_object().into_iter().flatten() {
            overhead.add(&Resources::read(part.1));
        }
        let offerings = v.list_at("offerings").iter().filter_map(Offering::read).collect();
        Some(InstanceType::new(name, list, Resources::read(v.at("capacity")), overhead, offerings))
    }

    /// Marks the offerings of `gone` as unavailable.
    pub fn hide(&mut self, gone: &VecSet<OfferingKey>) {
        for o in &mut self.offerings {
            if gone.contains(&(o.capacity_type.to_string(), self.name.to_string(), o.zone.to_string())) {
                o.available = false;
            }
        }
    }

    /// The price of a running instance, available or not.
    pub fn price_micro(&self, capacity_type: &str, zone: &str) -> Option<i64> {
        self.offerings.iter().find(|o| &*o.capacity_type == capacity_type && &*o.zone == zone).map(|o| o.price_micro)
    }

    /// Available offerings that the requirements allow.
    pub fn compatible<'a>(&'a self, requirements: &'a Requirements) -> impl Iterator<Item = &'a Offering> {
        self.offerings.iter().filter(|o| o.available && o.allowed_by(requirements))
    }

    /// The cheapest of them; `i64::MAX` where there is none.
    pub fn cheapest_micro(&self, requirements: &Requirements) -> i64 {
        self.compatible(requirements).map(|o| o.price_micro).min().unwrap_or(i64::MAX)
    }

    /// What a launch may cost at worst: the dearest allowed offering of the capacity type that would be taken
    /// (reserved, then spot, then on-demand). `i64::MAX` where nothing is allowed.
    pub fn worst_launch_micro(&self, requirements: &Requirements) -> i64 {
        [labels::RESERVED, labels::SPOT, labels::ON_DEMAND]
            .iter()
            .find_map(|kind| self.compatible(requirements).filter(|o| &*o.capacity_type == *kind).map(|o| o.price_micro).max())
            .unwrap_or(i64::MAX)
    }
}

impl Offering {
    pub fn new(zone: &str, capacity_type: &str, price_micro: i64) -> Offering {
        Offering {
            zone: Arc::from(zone),
            capacity_type: Arc::from(capacity_type),
            price_micro,
            available: true,
            reservation: None,
        }
    }

    fn read(v: &Value) -> Option<Offering> {
        let reservation = v
            .str_at("reservationID")
            .map(|id| (Arc::from(id), v.int_at("reservationCapacity").and_then(|n| u32::try_from(n).ok()).unwrap_or(0)));
        Some(Offering {
            available: v.bool_at("available").unwrap_or(true),
            reservation,
            ..Offering::new(v.str_at("zone")?, v.str_at("capacityType")?, read_micro(v.at("price"))?)
        })
    }

    pub fn allowed_by(&self, requirements: &Requirements) -> bool {
        requirements.allows(labels::ZONE, &self.zone)
            && requirements.allows(labels::CAPACITY_TYPE, &self.capacity_type)
            && match &self.reservation {
                Some((id, _)) => requirements.allows(labels::RESERVATION_ID, id),
                // A reservation is a fact about an instance, so asking for one rules every other offering out.
                None => requirements.get(labels::RESERVATION_ID).is_none_or(|r| r.is_empty() || r.is_complement()),
            }
    }
}

/// Micro-dollars of a JSON number of dollars, read from its decimal digits.
fn read_micro(v: &Value) -> Option<i64> {
    let text = v.as_number()?.to_string();
    let q = objects::quantity::Quantity::parse(&text).ok()?;
    i64::try_from(q.nano / 1_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn reads_a_catalogue_entry() {
        let t = InstanceType::read(&json!({
            "name": "c5.large", "labels": {"kubernetes.io/arch": "amd64"}, "absent": ["karpenter.k8s.aws/instance-gpu-name"],
            "capacity": {"cpu": "2", "memory": "3788Mi", "pods": "29"},
            "overhead": {"kubeReserved": {"cpu": "70m", "memory": "574Mi"}, "evictionThreshold": {"memory": "100Mi"}},
            "offerings": [
                {"zone": "a", "capacityType": "on-demand", "price": 0.085, "available": true},
                {"zone": "a", "capacityType": "spot", "price": 0.0341, "available": true},
                {"zone": "b", "capacityType": "spot", "price": 0.03, "available": false}],
        }))
        .unwrap();
        assert_eq!((t.allocatable.cpu(), t.allocatable.memory() >> 20, t.allocatable.get("pods")), (1930, 3114, 29));
        let any = Requirements::default();
        assert_eq!((t.cheapest_micro(&any), t.worst_launch_micro(&any)), (34_100, 34_100));
        let od: Requirements = [Requirement::is_in(labels::CAPACITY_TYPE, ["on-demand"])].into_iter().collect();
        assert_eq!((t.cheapest_micro(&od), t.worst_launch_micro(&od)), (85_000, 85_000));
        assert_eq!(t.price_micro("spot", "b"), Some(30_000));
    }
}
