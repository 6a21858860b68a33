//! The dependency descriptor extension (RTP Payload Format For AV1, appendix A): frame bounds and layers, readable even
//! when the payload is end-to-end encrypted.
//!
//! The templates that give a frame its layers are sent with keyframes only, so [`DependencyReader`] keeps the last ones
//! of its stream (media trap C3). Every read is bounded; a descriptor that lies is dropped whole.

use super::bits::BitReader;

/// Most templates of one structure: their ids have six bits.
const TEMPLATES_MAX: usize = 64;
/// Most decode targets of one structure: their count has five bits.
const TARGETS_MAX: usize = 32;
/// Highest spatial layer (appendix A.8.3: two bits in AV1).
const SPATIAL_MAX: u8 = 3;
/// Highest temporal layer (three bits in AV1).
const TEMPORAL_MAX: u8 = 7;
/// Most frame differences of one template. The format has no limit; AV1 frames have seven references.
const FRAME_DIFFS_MAX: usize = 16;
/// The mandatory fields alone.
const MANDATORY_BYTES: usize = 3;

/// What a frame is to a decode target: its decode target indication.
const NOT_PRESENT: u8 = 0;
const SWITCH: u8 = 2;

/// What the descriptor of one packet says about its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DependencyMarks {
    /// First packet of the frame.
    pub frame_start: bool,
    /// Last packet of the frame.
    pub frame_end: bool,
    /// First packet of a keyframe: the one that brings a template structure.
    pub keyframe: bool,
    /// Counts frames, modulo 65,536.
    pub frame_number: u16,
    /// The frame's layers; `None` until a structure has arrived that knows its template.
    pub layer: Option<TemplateLayer>,
    /// A receiver of this layer may start any higher temporal layer of the same spatial layer after this frame.
    pub switch_up: bool,
}

/// Spatial and temporal layer of a template or a decode target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TemplateLayer {
    /// 0 to 3.
    pub spatial: u8,
    /// 0 to 7.
    pub temporal: u8,
}

/// Reads the descriptors of one stream in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct DependencyReader {
    /// Boxed because most streams have none; kept once allocated.
    structure: Option<Box<Structure>>,
}

#[derive(Clone, Debug)]
struct Structure {
    id_offset: u8,
    template_count: usize,
    templates: [Template; TEMPLATES_MAX],
    target_count: usize,
    targets: [TemplateLayer; TARGETS_MAX],
}

#[derive(Clone, Copy, Debug, Default)]
struct Template {
    layer: TemplateLayer,
    indications: Indications,
}

/// One indication per decode target, two bits each.
#[derive(Clone, Copy, Debug, Default)]
struct Indications(u64);

impl DependencyReader {
    /// Reads the extension's value; `None` if it is malformed.
    pub fn read(&mut self, value: &[u8]) -> Option<DependencyMarks> {
        let (&[head, n0, n1], extended) = value.split_first_chunk::<MANDATORY_BYTES>()?;
        let frame_start = head & 0x80 != 0;
        let mut bits = BitReader::new(extended);
        let flags = if extended.is_empty() { ExtendedFlags::default() } else { ExtendedFlags::read(&mut bits)? };
        if flags.has_structure {
            let structure = Structure::read(&mut bits)?;
            match &mut self.structure {
                Some(known) => **known = structure,
                None => self.structure = Some(Box::new(structure)),
            }
        }
        let mut marks = DependencyMarks {
            frame_start,
            frame_end: head & 0x40 != 0,
            keyframe: frame_start && flags.has_structure,
            frame_number: u16::from_be_bytes([n0, n1]),
            layer: None,
            switch_up: false,
        };
        if let Some(structure) = &self.structure
            && let Some(template) = structure.template(head & 0x3f)
        {
            let indications = flags.indications(&mut bits, structure.target_count, template.indications)?;
            marks.layer = Some(template.layer);
            marks.switch_up = structure.may_switch_up(template.layer, indications);
        }
        Some(marks)
    }
}

/// The flags that open the extended fields (A.8.2).
#[derive(Default)]
struct ExtendedFlags {
    has_structure: bool,
    has_active_targets: bool,
    has_custom_indications: bool,
}

impl ExtendedFlags {
    fn read(bits: &mut BitReader<'_>) -> Option<Self> {
        let flags =
            Self { has_structure: bits.bit()?, has_active_targets: bits.bit()?, has_custom_indications: bits.bit()? };
        let _custom_diffs_and_chains = bits.bits(2)?;
        Some(flags)
    }

    /// The indications of this frame: its template's, unless it brings its own. They follow the active targets.
    fn indications(&self, bits: &mut BitReader<'_>, targets: usize, template: Indications) -> Option<Indications> {
        if self.has_active_targets {
            let _mask = bits.bits(targets as u32)?;
        }
        if self.has_custom_indications { Indications::read(bits, targets) } else { Some(template) }
    }
}

impl Indications {
    fn read(bits: &mut BitReader<'_>, targets: usize) -> Option<Self> {
        let mut packed = 0;
        for target in 0..targets {
            packed |= u64::from(bits.bits(2)?) << (2 * target);
        }
        Some(Self(packed))
    }

    fn of(self, target: usize) -> u8 {
        (self.0 >> (2 * target) & 0b11) as u8
    }
}

impl Structure {
    /// Reads `template_dependency_structure()` (A.8.2) to its end, since fields of the frame follow it.
    fn read(bits: &mut BitReader<'_>) -> Option<Self> {
        let mut structure = Self {
            id_offset: bits.bits(6)? as u8,
            target_count: bits.bits(5)? as usize + 1,
            template_count: 0,
            templates: [Template::default(); TEMPLATES_MAX],
            targets: [TemplateLayer::default(); TARGETS_MAX],
        };
        structure.read_layers(bits)?;
        for index in 0..structure.template_count {
            structure.templates[index].indications = Indications::read(bits, structure.target_count)?;
        }
        structure.skip_frame_diffs(bits)?;
        structure.skip_chains(bits)?;
        structure.skip_resolutions(bits)?;
        structure.derive_target_layers();
        Some(structure)
    }

    fn read_layers(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        let mut layer = TemplateLayer::default();
        loop {
            self.templates.get_mut(self.template_count)?.layer = layer;
            self.template_count += 1;
            match bits.bits(2)? {
                0 => {}
                1 => layer.temporal += 1,
                2 => layer = TemplateLayer { spatial: layer.spatial + 1, temporal: 0 },
                _ => return Some(()),
            }
            if layer.spatial > SPATIAL_MAX || layer.temporal > TEMPORAL_MAX {
                return None;
            }
        }
    }

    fn skip_frame_diffs(&self, bits: &mut BitReader<'_>) -> Option<()> {
        for _ in 0..self.template_count {
            let mut diffs = 0;
            while bits.bit()? {
                bits.bits(4)?;
                diffs += 1;
                if diffs > FRAME_DIFFS_MAX {
                    return None;
                }
            }
        }
        Some(())
    }

    fn skip_chains(&self, bits: &mut BitReader<'_>) -> Option<()> {
        let chains = bits.non_symmetric(self.target_count as u32 + 1)?;
        if chains == 0 {
            return Some(());
        }
        for _ in 0..self.target_count {
            bits.non_symmetric(chains)?;
        }
        for _ in 0..self.template_count as u32 * chains {
            bits.bits(4)?;
        }
        Some(())
    }

    fn skip_resolutions(&self, bits: &mut BitReader<'_>) -> Option<()> {
        if bits.bit()? {
            let last = self.templates[self.template_count - 1].layer;
            for _ in 0..=last.spatial {
                let _width_and_height = bits.bits(32)?;
            }
        }
        Some(())
    }

    /// A decode target reaches up to the highest layers among the templates present in it (A.8.3).
    fn derive_target_layers(&mut self) {
        for (index, target) in self.targets[..self.target_count].iter_mut().enumerate() {
            for template in &self.templates[..self.template_count] {
                if template.indications.of(index) != NOT_PRESENT {
                    target.spatial = target.spatial.max(template.layer.spatial);
                    target.temporal = target.temporal.max(template.layer.temporal);
                }
            }
        }
    }

    fn template(&self, id: u8) -> Option<&Template> {
        let index = usize::from(id.wrapping_sub(self.id_offset) & 0x3f);
        self.templates[..self.template_count].get(index)
    }

    fn may_switch_up(&self, layer: TemplateLayer, indications: Indications) -> bool {
        let mut above = (self.targets[..self.target_count].iter().enumerate())
            .filter(|(_, target)| target.spatial == layer.spatial && target.temporal > layer.temporal)
            .map(|(index, _)| indications.of(index))
            .peekable();
        above.peek().is_some() && above.all(|indication| indication == SWITCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes bit fields given as (value, width).
    fn pack(fields: &[(u32, u32)]) -> Vec<u8> {
        let bits: String =
            fields.iter().map(|&(value, width)| format!("{value:0width$b}", width = width as usize)).collect();
        bits.as_bytes()
            .chunks(8)
            .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | (bit & 1) << (7 - at)))
            .collect()
    }

    /// Two temporal layers in one spatial layer, with one chain: templates 0 (key, T0), 1 (T0), 2 (T1); offset 5.
    fn keyframe_of_two_temporal_layers() -> Vec<u8> {
        pack(&[
            (1, 1),
            (0, 1),
            (5, 6),
            (1000, 16), // start, not end, template 5, frame number
            (1, 1),
            (0, 4), // structure present
            (5, 6),
            (1, 5), // offset, two decode targets
            (0, 2),
            (1, 2),
            (3, 2), // T0, T0, T1, end
            (2, 2),
            (2, 2),
            (2, 2),
            (2, 2),
            (0, 2),
            (1, 2), // SS, SS, -D
            (0, 1),
            (1, 1),
            (1, 4),
            (0, 1),
            (1, 1),
            (0, 4),
            (0, 1),    // frame diffs: none, 2, 1
            (0b10, 2), // one chain, as one of three values
            (0, 4),
            (2, 4),
            (1, 4), // chain diffs; both targets are protected by the only chain, which takes no bits
            (1, 1),
            (639, 16),
            (359, 16),
        ])
    }

    #[test]
    fn structure_comes_with_the_keyframe_and_names_the_layers_after_it() {
        let mut reader = DependencyReader::default();
        let delta = pack(&[(1, 1), (1, 1), (7, 6), (1001, 16)]);
        assert_eq!(reader.read(&delta).map(|marks| marks.layer), Some(None), "no structure yet");

        let key = reader.read(&keyframe_of_two_temporal_layers()).expect("well formed");
        assert!(key.frame_start && !key.frame_end && key.keyframe && key.switch_up);
        assert_eq!((key.frame_number, key.layer), (1000, Some(TemplateLayer { spatial: 0, temporal: 0 })));

        let delta = reader.read(&delta).expect("well formed");
        assert!(delta.frame_start && delta.frame_end && !delta.keyframe && !delta.switch_up);
        assert_eq!((delta.frame_number, delta.layer), (1001, Some(TemplateLayer { spatial: 0, temporal: 1 })));
    }

    #[test]
    fn a_frame_may_bring_its_own_indications() {
        let mut reader = DependencyReader::default();
        reader.read(&keyframe_of_two_temporal_layers()).expect("well formed");
        // Template 6 (T0), active targets 0b01, custom indications: switch, not present.
        let value = pack(&[(1, 1), (1, 1), (6, 6), (2, 16), (0b01100, 5), (0b01, 2), (2, 2), (0, 2)]);
        assert_eq!(reader.read(&value).map(|marks| marks.switch_up), Some(false));
        let plain = pack(&[(1, 1), (1, 1), (6, 6), (2, 16)]);
        assert_eq!(reader.read(&plain).map(|marks| marks.switch_up), Some(true));
    }

    #[test]
    fn trap_c3_every_truncation_is_refused_and_keeps_the_old_structure() {
        let whole = keyframe_of_two_temporal_layers();
        for cut in 0..whole.len() {
            if cut == MANDATORY_BYTES {
                continue; // the mandatory fields alone are a whole descriptor
            }
            let mut reader = DependencyReader::default();
            assert_eq!(reader.read(&whole[..cut]), None, "cut at {cut}");
            assert!(reader.structure.is_none());
        }
    }

    #[test]
    fn trap_c3_layers_beyond_the_format_are_refused() {
        let check = |next_layer: u32, steps: usize, accepted: bool| {
            let head = [(1, 1), (1, 1), (0, 6), (1, 16), (1, 1), (0, 4), (0, 6), (0, 5)];
            let layers = vec![(next_layer, 2); steps];
            let room_for_the_rest = [(0, 32); 8];
            let value = pack(&[&head[..], &layers, &[(3, 2)], &room_for_the_rest].concat());
            assert_eq!(DependencyReader::default().read(&value).is_some(), accepted, "{steps} times {next_layer}");
        };
        check(1, 7, true);
        check(1, 8, false);
        check(2, 3, true);
        check(2, 4, false);
        check(0, 63, true);
        check(0, 64, false);
    }

    proptest! {
        #[test]
        fn trap_c3_any_bytes_are_read_within_bounds(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..4),
        ) {
            let mut reader = DependencyReader::default();
            for value in values {
                if let Some(DependencyMarks { layer: Some(layer), .. }) = reader.read(&value) {
                    prop_assert!(layer.spatial <= SPATIAL_MAX && layer.temporal <= TEMPORAL_MAX);
                }
            }
        }
    }
}
