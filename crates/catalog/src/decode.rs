//! Reads the packed text. The format is written by `pack` and described in `DATA.md`.
//!
//! One column a line: `name values`. Values are base 36, `-` is empty, `v*k` repeats v k times.

use crate::facts::category_generation;
use crate::{Accelerator, CatalogError, Era, Gpu, PriceSource, SavingsSource, TypeFacts};
use std::collections::BTreeMap;

/// Most rows that a packed file may have: more is not a catalogue, and a repeat count must not fill the memory.
const MAX_ROWS: usize = 20_000;

/// A packed region: both dates in one file.
#[derive(Clone, Debug)]
pub(crate) struct RegionData {
    pub name: String,
    /// Letter (0 is `a`) and zone id, in order of the letter.
    pub zone_ids: Vec<(u32, String)>,
    pub rows: Vec<RegionRow>,
}

#[derive(Clone, Debug)]
pub(crate) struct RegionRow {
    pub type_index: usize,
    pub usd_micro: Option<u64>,
    pub source: Option<PriceSource>,
    eras: [EraCells; 2],
}

/// What depends on the date: the zones' letters as bits, the spot savings in percent, the interruption band.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EraCells {
    pub zones: u32,
    pub savings: Option<(u8, SavingsSource)>,
    pub band: u8,
}

impl RegionRow {
    pub fn at(&self, era: Era) -> EraCells {
        let [old, new] = self.eras;
        match era {
            Era::Era2023 => old,
            Era::Era2026 => new,
        }
    }
}

pub(crate) fn catalogue(text: &str) -> Result<Vec<TypeFacts>, CatalogError> {
    let packed = Packed::read("packed/catalogue.txt", "ec2-catalogue", text)?;
    let names = names(packed.line("names")?);
    if names.len() != packed.rows {
        return Err(packed.bad(format!("{} names for {} rows", names.len(), packed.rows)));
    }
    let ints = |column| packed.ints(column);
    let (clock, vcpu, memory) = (ints("clock_mhz")?, ints("vcpu")?, ints("memory_mib")?);
    let (gpu_count, gpu_memory) = (ints("gpu_count")?, ints("gpu_memory_mib")?);
    let (accel_count, cores) = (ints("accel_count")?, ints("neuron_cores")?);
    let (nvme, storage) = (ints("local_nvme_gb")?, ints("instance_storage_gb")?);
    let (base, peak, ebs) = (ints("network_baseline_mbps")?, ints("network_peak_mbps")?, ints("ebs_bandwidth_mbps")?);
    let (enis, ips, branches, efa) = (ints("max_enis")?, ints("ipv4_per_eni")?, ints("branch_enis")?, ints("efa_max")?);
    let words = |column| packed.words(column);
    let (arch, maker, hypervisor) = (words("arch")?, words("cpu_manufacturer")?, words("hypervisor")?);
    let (gpu, gpu_maker) = (words("gpu_name")?, words("gpu_manufacturer")?);
    let (kind, accel, accel_maker) = (words("accel_kind")?, words("accel_name")?, words("accel_manufacturer")?);
    let usage = words("usage_classes")?;
    let flags = packed.flags()?;

    let small = |column: &[Option<u64>], i: usize| cell(column, i).and_then(|n| u32::try_from(n).ok());
    let mut types = Vec::with_capacity(packed.rows);
    for (i, name) in names.into_iter().enumerate() {
        let Some((family, size)) = name.split_once('.') else {
            return Err(packed.bad(format!("type name `{name}` has no dot")));
        };
        let flag = |name: &str| flags.get(name).is_some_and(|bits| bits.get(i).copied().unwrap_or(false));
        let needed = |column: &str, value: Option<u32>| value.ok_or_else(|| packed.bad(format!("{name}: no {column}")));
        let word = |column: &[String]| column.get(i).cloned().unwrap_or_default();
        let (category, generation) = category_generation(&name).unzip();
        let usage = word(&usage);
        types.push(TypeFacts {
            family: family.to_owned(),
            size: size.to_owned(),
            category: category.map(str::to_owned),
            generation,
            arch: word(&arch),
            cpu_manufacturer: word(&maker),
            clock_mhz: small(&clock, i),
            vcpu: needed("vcpu", small(&vcpu, i))?,
            memory_mib: u64::from(needed("memory_mib", small(&memory, i))?),
            hypervisor: word(&hypervisor),
            bare_metal: flag("bare_metal"),
            burstable: flag("burstable"),
            current_generation: flag("current_generation"),
            encryption_in_transit: flag("encryption_in_transit"),
            nitro_enclaves: flag("nitro_enclaves"),
            gpu: small(&gpu_count, i).map(|count| Gpu {
                name: word(&gpu),
                manufacturer: word(&gpu_maker),
                count,
                memory_mib: small(&gpu_memory, i).unwrap_or(0),
            }),
            accelerator: small(&accel_count, i).map(|count| Accelerator {
                kind: word(&kind),
                name: word(&accel),
                manufacturer: word(&accel_maker),
                count,
                neuron_cores: small(&cores, i).unwrap_or(0),
            }),
            local_nvme_gb: small(&nvme, i),
            instance_storage_gb: small(&storage, i),
            network_baseline_mbps: small(&base, i),
            network_peak_mbps: small(&peak, i),
            ebs_bandwidth_mbps: small(&ebs, i),
            enis: needed("max_enis", small(&enis, i))?,
            ipv4_per_eni: needed("ipv4_per_eni", small(&ips, i))?,
            branch_enis: small(&branches, i).unwrap_or(0),
            efa_max: small(&efa, i).unwrap_or(0),
            on_demand: usage.split('+').any(|u| u == "on-demand"),
            spot: usage.split('+').any(|u| u == "spot"),
            karpenter_v0_31: flag("karpenter_v0_31"),
            karpenter_v1_14: flag("karpenter_v1_14"),
            name,
        });
    }
    Ok(types)
}

pub(crate) fn region(file: &str, text: &str, n_types: usize) -> Result<RegionData, CatalogError> {
    let packed = Packed::read(file, "ec2-region", text)?;
    let zone_ids = packed.line("zones")?.split_whitespace().filter_map(|z| {
        let (letter, id) = z.split_once('=')?;
        let letter = letter.bytes().next().filter(u8::is_ascii_lowercase)?;
        Some((u32::from(letter - b'a'), id.to_owned()))
    });
    let (skip, usd, source) = (packed.ints("skip")?, packed.ints("usd_micro")?, packed.ints("source")?);
    let (zones_old, zones_new) = (packed.ints("zones_2023_09")?, packed.ints("zones_2026_08")?);
    let (saved_old, saved_new) = (packed.ints("savings_2024_04")?, packed.ints("savings_2025_06")?);
    let (from_old, from_new) = (packed.ints("from_2024_04")?, packed.ints("from_2025_06")?);
    let (band_old, band_new) = (packed.ints("band_2023_09")?, packed.ints("band_2025_06")?);
    let cells = |i, zones: &[Option<u64>], saved: &[Option<u64>], from: &[Option<u64>], band: &[Option<u64>]| EraCells {
        zones: cell(zones, i).and_then(|z| u32::try_from(z).ok()).unwrap_or(0),
        savings: cell(saved, i).and_then(|s| u8::try_from(s).ok()).zip(cell(from, i).and_then(savings_source)),
        band: cell(band, i).and_then(|b| u8::try_from(b).ok()).unwrap_or(4),
    };
    let (mut rows, mut next) = (Vec::with_capacity(packed.rows), 0usize);
    for i in 0..packed.rows {
        let type_index = next.saturating_add(cell(&skip, i).and_then(|s| usize::try_from(s).ok()).unwrap_or(0));
        if type_index >= n_types {
            return Err(packed.bad(format!("row {i} is of type number {type_index}, the catalogue has {n_types}")));
        }
        next = type_index + 1;
        rows.push(RegionRow {
            type_index,
            usd_micro: cell(&usd, i),
            source: cell(&source, i).map(price_source),
            eras: [
                cells(i, &zones_old, &saved_old, &from_old, &band_old),
                cells(i, &zones_new, &saved_new, &from_new, &band_new),
            ],
        });
    }
    Ok(RegionData { name: packed.title.to_owned(), zone_ids: zone_ids.collect(), rows })
}

fn price_source(code: u64) -> PriceSource {
    match code {
        0 => PriceSource::List,
        1 => PriceSource::ListWithCut,
        _ => PriceSource::Estimate,
    }
}

fn savings_source(code: u64) -> Option<SavingsSource> {
    use SavingsSource::{Category, Family, Published, Region, UsEast1};
    [Published, Family, Category, UsEast1, Region].get(usize::try_from(code).ok()?).copied()
}

fn cell(column: &[Option<u64>], i: usize) -> Option<u64> {
    column.get(i).copied().flatten()
}

/// `m5:large,_,2_;t3:micro`: families with their sizes, `_` stands for `xlarge`.
fn names(line: &str) -> Vec<String> {
    let families = line.split(';').filter_map(|f| f.split_once(':'));
    families.flat_map(|(f, sizes)| sizes.split(',').map(move |s| format!("{f}.{}", s.replace('_', "xlarge")))).collect()
}

/// The lines of a packed file by column name.
struct Packed<'a> {
    file: &'a str,
    /// The region's name; empty for the catalogue.
    title: &'a str,
    rows: usize,
    lines: BTreeMap<&'a str, &'a str>,
}

impl<'a> Packed<'a> {
    fn read(file: &'a str, kind: &str, text: &'a str) -> Result<Packed<'a>, CatalogError> {
        let bad = |what: String| CatalogError::malformed(file, what);
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let (found, version, title, rows) = match head.as_slice() {
            [found, version, rows] => (*found, *version, "", *rows),
            [found, version, title, rows] => (*found, *version, *title, *rows),
            _ => return Err(bad(format!("the first line is not `{kind} 1 ...`"))),
        };
        if found != kind || version != "1" {
            return Err(bad(format!("expected `{kind} 1`, found `{found} {version}`")));
        }
        let rows = rows.parse().ok().filter(|n| *n <= MAX_ROWS);
        let rows = rows.ok_or_else(|| bad(format!("the row count is no number up to {MAX_ROWS}")))?;
        // Extended and not collected, here and below: collecting sorts, and each sort is 4 kB of the page.
        let mut by_name = BTreeMap::new();
        by_name.extend(lines.filter_map(|l| l.split_once(' ')));
        Ok(Packed { file, title, rows, lines: by_name })
    }

    fn bad(&self, what: String) -> CatalogError {
        CatalogError::malformed(self.file, what)
    }

    fn line(&self, column: &str) -> Result<&'a str, CatalogError> {
        self.lines.get(column).copied().ok_or_else(|| self.bad(format!("no column `{column}`")))
    }

    fn ints(&self, column: &str) -> Result<Vec<Option<u64>>, CatalogError> {
        self.values(column, self.line(column)?)
    }

    /// A dictionary column: `a|b|c indices`. Empty cells give empty strings.
    fn words(&self, column: &str) -> Result<Vec<String>, CatalogError> {
        let (dictionary, rest) = self.line(column)?.split_once(' ').unwrap_or_default();
        let dictionary: Vec<&str> = dictionary.split('|').collect();
        let indices = self.values(column, rest)?;
        let word = |i: Option<u64>| Some(*dictionary.get(usize::try_from(i?).ok()?)?);
        Ok(indices.into_iter().map(|i| word(i).unwrap_or_default().to_owned()).collect())
    }

    /// `flags a,b,c bits`: bit k of a value is the k-th name.
    fn flags(&self) -> Result<BTreeMap<&'a str, Vec<bool>>, CatalogError> {
        let (names, rest) = self.line("flags")?.split_once(' ').unwrap_or_default();
        let values = self.values("flags", rest)?;
        let column = |bit: usize| values.iter().map(|v| v.unwrap_or(0) >> (bit % 64) & 1 == 1).collect();
        let mut flags = BTreeMap::new();
        flags.extend(names.split(',').enumerate().map(|(bit, name)| (name, column(bit))));
        Ok(flags)
    }

    fn values(&self, column: &str, line: &str) -> Result<Vec<Option<u64>>, CatalogError> {
        let wrong = |token: &str| self.bad(format!("column `{column}`: `{token}` is no value"));
        let mut out = Vec::with_capacity(self.rows);
        for token in line.split_whitespace() {
            let (value, repeat) = token.split_once('*').unwrap_or((token, "1"));
            let value = match value {
                "-" => None,
                digits => Some(u64::from_str_radix(digits, 36).map_err(|_| wrong(token))?),
            };
            let repeat = usize::from_str_radix(repeat, 36).ok().filter(|n| out.len().saturating_add(*n) <= self.rows);
            out.extend(std::iter::repeat_n(value, repeat.ok_or_else(|| wrong(token))?));
        }
        if out.len() != self.rows {
            return Err(self.bad(format!("column `{column}` has {} values for {} rows", out.len(), self.rows)));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_text_is_refused_with_its_place() {
        let good = include_str!("../packed/data/ap-northeast-2.txt");
        let skip = good.lines().find(|l| l.starts_with("skip ")).unwrap_or_default();
        for (text, says) in [
            (String::new(), "the first line is not `ec2-region 1 ...`"),
            ("ec2-region 2 x 1\n".to_owned(), "expected `ec2-region 1`, found `ec2-region 2`"),
            ("ec2-region 1 x 99999999\n".to_owned(), "the row count is no number up to 20000"),
            ("ec2-region 1 x 1\n".to_owned(), "no column `zones`"),
            (good.replace(skip, "skip zzzzzz"), "column `skip` has 1 values"),
            (good.replace(skip, "skip 1*zzzzzz"), "column `skip`: `1*zzzzzz` is no value"),
            (good.replace(skip, "skip !"), "column `skip`: `!` is no value"),
        ] {
            let error = region("r.txt", &text, 1_385).expect_err(says).to_string();
            assert!(error.starts_with("cannot read `r.txt`: ") && error.contains(says), "{error}");
        }
        assert!(region("r.txt", good, 100).expect_err("few types").to_string().contains("the catalogue has 100"));
    }
}
