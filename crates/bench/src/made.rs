//! The inputs by formula, or from a compact form, so that the project carries the comparison with it.

/// A file of pods from its compact form: a line for each class (`g`eneric, spread by `z`one or `h`ost, `a`ffinity by zone,
/// anti-affinity by host: `n`), then four characters a pod: the first letters of its label and of what its constraint
/// selects (`.`: nothing), and which of five CPU and of six memory requests it has.
pub fn diverse(compact: &str) -> String {
    const CPU: [u32; 5] = [100, 250, 500, 1000, 1500];
    const MEMORY: [u32; 6] = [100, 256, 512, 1024, 2048, 4096];
    let mut csv = "idx,class,label,selector,cpu_m,mem_mi\n".to_owned();
    let mut index = 0;
    for line in compact.lines() {
        let mut letters = line.chars();
        let class = match letters.next() {
            Some('z') => "spread-zone",
            Some('h') => "spread-host",
            Some('a') => "affinity-zone",
            Some('n') => "anti-host",
            _ => "generic",
        };
        let name = |letter: char| match letter {
            '.' => String::new(),
            'n' => "nginx".to_owned(),
            other => other.to_string(),
        };
        while let (Some(label), Some(selected), Some(cpu), Some(memory)) =
            (letters.next(), letters.next(), letters.next(), letters.next())
        {
            let of = |list: &[u32], digit: char| digit.to_digit(10).and_then(|n| list.get(n as usize)).copied().unwrap_or(0);
            csv.push_str(&format!(
                "{index},{class},{},{},{},{}\n",
                name(label),
                name(selected),
                of(&CPU, cpu),
                of(&MEMORY, memory)
            ));
            index += 1;
        }
    }
    csv
}

/// `n` instance types as Karpenter's fake cloud makes them: the i-th has i CPUs, 2i GiB and 10i pods and costs 0.1 dollars
/// per CPU and per 10^9 bytes, on demand in three zones and as spot in two.
pub fn fake_types(n: u64) -> String {
    let one = |i: u64| {
        // In units of 10^-10 dollars.
        let price = i * 1_000_000_000 + 2 * i * (1 << 30);
        let price = format!("{}.{:010}", price / 10_000_000_000, price % 10_000_000_000);
        let offers: Vec<String> = [("spot", 1), ("spot", 2), ("on-demand", 1), ("on-demand", 2), ("on-demand", 3)]
            .iter()
            .map(|(kind, zone)| format!(r#"{{"zone":"test-zone-{zone}","capacityType":"{kind}","price":{price}}}"#))
            .collect();
        let (size, special, absent) =
            if i > 4 { ("large", r#","special":"optional""#, "") } else { ("small", "", r#""absent":["special"],"#) };
        format!(
            r#"{{"name":"fake-it-{}","labels":{{"integer":"{i}","kubernetes.io/arch":"amd64","size":"{size}"{special}}},"multi":{{"kubernetes.io/os":["darwin","linux","windows"]}},{absent}"capacity":{{"cpu":"{i}","memory":"{}Gi","pods":"{}"}},"overhead":{{"kubeReserved":{{"cpu":"100m","memory":"10Mi"}}}},"offerings":[{}]}}"#,
            i - 1,
            2 * i,
            10 * i,
            offers.join(",")
        )
    };
    let all: Vec<String> = (1..=n).map(one).collect();
    format!(r#"{{"instanceTypes":[{}]}}"#, all.join(",\n"))
}

/// Files of `n` m5.xlarge nodes with three pods of one CPU each, of which none can go, and of their pods.
pub fn tight(n: u32) -> (String, String) {
    let mut nodes = "node,instance_type,zone,capacity_type\n".to_owned();
    let mut pods = "idx,class,label,selector,cpu_m,mem_mi,node\n".to_owned();
    for i in 0..n {
        let zone = ["a", "b", "c"].get(i as usize % 3).copied().unwrap_or_default();
        nodes.push_str(&format!("n-{i:04},m5.xlarge,us-east-1{zone},on-demand\n"));
        for j in 3 * i..3 * i + 3 {
            pods.push_str(&format!("{j},generic,a,,1000,1024,n-{i:04}\n"));
        }
    }
    (nodes, pods)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_pods_become_lines() {
        let csv = diverse("gf.22b.31\nznb04\n");
        let lines: Vec<&str> = csv.lines().skip(1).collect();
        assert_eq!(lines, ["0,generic,f,,500,512", "1,generic,b,,1000,256", "2,spread-zone,nginx,b,100,2048"]);
    }

    #[test]
    fn types_are_priced_to_the_digit() {
        assert!(fake_types(1).contains(r#""price":0.3147483648}"#));
        assert!(fake_types(5).contains(r#""price":1.5737418240}"#));
    }

    /// 200 nodes per 1,000 pods and none left over, and no node that can go: what Karpenter's own code comes to.
    #[test]
    fn the_comparison_comes_out_as_karpenters() {
        let pods = diverse(include_str!("../../../tests/bench/data/diverse-1000.txt"));
        let outcome = crate::pack(&crate::pending(&pods, &fake_types(400)).unwrap());
        assert_eq!((outcome.pods, outcome.nodes, outcome.errors), (1000, 200, 0));
        let (nodes, pods) = tight(20);
        let types = include_str!("../../../tests/bench/data/tight-types.json");
        let outcome = crate::consolidate(&crate::cluster(&nodes, &pods, types, &[]).unwrap(), crate::Method::Single);
        assert_eq!(outcome.scan, Some((20, "no-op".to_owned())));
    }
}
