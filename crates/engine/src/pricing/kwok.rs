//! What the kwok provider sells: the types of a file in its own form (`INSTANCE_TYPES_FILE_PATH`), or the generic ones it is
//! built with. Source: kubernetes-sigs/karpenter kwok/cloudprovider/helpers.go and kwok/tools/gen_instance_types.go, v1.14.1.

use super::Market;
use crate::scheduling::{InstanceType, Offering, Requirement, labels};
use objects::quantity::Quantity;
use objects::resources::{CPU, EPHEMERAL, MEMORY, PODS};
use objects::{DocExt, Resources, Value};

/// What the provider keeps back on every type.
const OVERHEAD_CPU_MILLI: i64 = 100;
const OVERHEAD_MEMORY: i64 = 10 << 20;
const PODS_DEFAULT: i64 = 110;
const GIB: i64 = 1 << 30;

impl Market {
    /// The types of an instance types file; the generic ones without a file.
    pub fn kwok(file: Option<&str>) -> Result<Market, String> {
        let types = match file {
            None => generic(),
            Some(text) => read(text).map_err(|why| format!("instance types: {why}"))?,
        };
        Ok(Market::of_types(types))
    }
}

fn read(text: &str) -> Result<Vec<InstanceType>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = value.as_array().ok_or("not a list")?;
    list.iter().enumerate().map(|(i, v)| one(v).map_err(|why| format!("[{i}]: {why}"))).collect()
}

fn one(v: &Value) -> Result<InstanceType, String> {
    let name = v.str_at("name").filter(|n| !n.is_empty()).ok_or("name is missing")?;
    let resources = v.at("resources");
    if let Some((key, _)) =
        resources.as_object().into_iter().flatten().find(|(_, q)| q.as_str().is_none_or(|t| Quantity::parse(t).is_err()))
    {
        return Err(format!("resources.{key}: not a quantity"));
    }
    let offerings = v.list_at("offerings").iter().enumerate();
    let offerings = offerings.map(|(i, o)| offering(o).ok_or_else(|| format!("offerings[{i}]: no price, capacity type or zone")));
    let systems = v.list_at("operatingSystems").iter().filter_map(Value::as_str);
    let shape = Shape {
        name,
        arch: v.str_at("architecture").unwrap_or_default(),
        cpu: resources.str_at("cpu").unwrap_or_default(),
        memory: resources.str_at("memory").unwrap_or_default(),
    };
    Ok(shape.with(systems, Resources::read(resources), offerings.collect::<Result<_, String>>()?))
}

/// All offerings of a file are available, whatever it says.
fn offering(o: &Value) -> Option<Offering> {
    let asks = |key: &str| {
        let found = o.list_at("Requirements").iter().find(|r| r.str_at("key") == Some(key))?;
        found.list_at("values").first()?.as_str()
    };
    let price = Quantity::parse(&o.at("Price").as_number()?.to_string()).ok()?;
    Some(Offering::new(asks(labels::ZONE)?, asks(labels::CAPACITY_TYPE)?, i64::try_from(price.nano / 1_000).ok()?))
}

struct Shape<'a> {
    name: &'a str,
    arch: &'a str,
    /// As the file writes them; they become label values.
    cpu: &'a str,
    memory: &'a str,
}

impl Shape<'_> {
    fn with<'s>(
        &self,
        systems: impl Iterator<Item = &'s str>,
        mut capacity: Resources,
        offerings: Vec<Offering>,
    ) -> InstanceType {
        capacity.0.entry(PODS.to_owned()).or_insert(PODS_DEFAULT);
        let overhead = Resources::default().with(CPU, OVERHEAD_CPU_MILLI).with(MEMORY, OVERHEAD_MEMORY);
        let requirements = [
            Requirement::is_in(labels::ARCH, [self.arch]),
            Requirement::is_in(labels::OS, systems),
            Requirement::is_in("karpenter.kwok.sh/instance-size", [size(self.name, self.cpu)]),
            Requirement::is_in("karpenter.kwok.sh/instance-family", [family(self.name)]),
            Requirement::is_in("karpenter.kwok.sh/instance-cpu", [self.cpu]),
            Requirement::is_in("karpenter.kwok.sh/instance-memory", [self.memory]),
        ];
        InstanceType::new(self.name, requirements, capacity, overhead, offerings)
    }
}

/// The size of a name in AWS's form (`m5.2xlarge`), else the number of CPUs.
fn size<'a>(name: &'a str, cpu: &'a str) -> &'a str {
    let is_size = |s: &str| {
        ["nano", "micro", "small", "medium", "large", "metal"].contains(&s)
            || s.strip_suffix("xlarge").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    name.split_once('.').filter(|(family, size)| is_word(family) && is_size(size)).map_or(cpu, |(_, size)| size)
}

/// What stands before the first dot or dash, else the first letter.
fn family(name: &str) -> &str {
    let letter = name.get(..name.chars().next().map_or(0, char::len_utf8)).unwrap_or_default();
    name.split_once(['.', '-']).map_or(letter, |(family, _)| family)
}

fn generic() -> Vec<InstanceType> {
    const CPUS: [i64; 12] = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256];
    const FAMILIES: [(&str, i64); 3] = [("c", 2), ("s", 4), ("m", 8)];
    let mut types = Vec::new();
    for cpu in CPUS {
        for (family, factor) in FAMILIES {
            for os in ["linux", "windows"] {
                for arch in ["amd64", "arm64"] {
                    types.push(generic_type(cpu, family, cpu * factor, os, arch));
                }
            }
        }
    }
    types
}

fn generic_type(cpu: i64, family: &str, gib: i64, os: &str, arch: &str) -> InstanceType {
    let name = format!("{family}-{cpu}x-{arch}-{os}");
    // 0.025 dollars a CPU and 0.001 a gigabyte; spot is 30 % off.
    let price_nano = cpu * 25_000_000 + gib * GIB / 1_000;
    let mut offerings = Vec::new();
    for zone in ["test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d"] {
        offerings.push(Offering::new(zone, labels::SPOT, price_nano * 7 / 10_000));
        offerings.push(Offering::new(zone, labels::ON_DEMAND, price_nano / 1_000));
    }
    let capacity = Resources::default()
        .with(CPU, cpu * 1_000)
        .with(MEMORY, gib * GIB)
        .with(PODS, (cpu * 16).min(1_024))
        .with(EPHEMERAL, 20 * GIB);
    let (cpu, memory) = (cpu.to_string(), format!("{gib}Gi"));
    Shape { name: &name, arch, cpu: &cpu, memory: &memory }.with([os].into_iter(), capacity, offerings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read off kwok/cloudprovider/instance_types.json.
    #[test]
    fn the_generic_types() {
        let market = Market::kwok(None).unwrap();
        assert_eq!(market.types().iter().count(), 144);
        for (name, spot, on_demand, family, size) in
            [("c-1x-amd64-linux", 19_003, 27_147, "c", "1"), ("m-256x-arm64-windows", 6_019_316, 8_599_023, "m", "256")]
        {
            let (_, t) = market.types().named(name).unwrap();
            assert_eq!(
                (t.price_micro("spot", "test-zone-a"), t.price_micro("on-demand", "test-zone-d")),
                (Some(spot), Some(on_demand))
            );
            let label = |key: &str| t.requirements.get(key).unwrap().single().unwrap().to_string();
            assert_eq!(label("karpenter.kwok.sh/instance-family"), family);
            assert_eq!(label("karpenter.kwok.sh/instance-size"), size);
        }
    }

    #[test]
    fn a_file_of_types() {
        let text = r#"[{"name": "r3.2xlarge", "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": "8", "memory": "61Gi", "pods": "58", "ephemeral-storage": "20Gi"},
            "offerings": [{"Price": 0.13, "Available": false, "Requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["ap-northeast-2a"]}]}]}]"#;
        let market = Market::kwok(Some(text)).unwrap();
        let (_, t) = market.types().named("r3.2xlarge").unwrap();
        assert_eq!((t.allocatable.cpu(), t.allocatable.memory() >> 20, t.allocatable.get(PODS)), (7_900, 62_454, 58));
        assert_eq!(t.cheapest_micro(&Default::default()), 130_000);
        for (bad, why) in [
            ("{}", "instance types: not a list"),
            ("[{}]", "instance types: [0]: name is missing"),
            (r#"[{"name": "a", "resources": {"cpu": "x"}}]"#, "instance types: [0]: resources.cpu: not a quantity"),
            (r#"[{"name": "a", "offerings": [{}]}]"#, "instance types: [0]: offerings[0]: no price, capacity type or zone"),
        ] {
            assert_eq!(Market::kwok(Some(bad)).unwrap_err(), why);
        }
    }

    #[test]
    fn families_and_sizes() {
        for (name, of, big) in
            [("m5.2xlarge", "m5", "2xlarge"), ("c-4x-amd64-linux", "c", "4"), ("weird", "w", "4"), ("n2-standard.8", "n2", "4")]
        {
            assert_eq!((family(name), size(name, "4")), (of, big), "{name}");
        }
    }
}
