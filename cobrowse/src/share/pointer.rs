//! Where the pointer was, no finer than an eye needs.

use crate::record::Position;

/// Places of a pointer that are passed on lie at least so many milliseconds apart: our own recorder notes them no
/// closer, and forty a second look smooth.
const STEP_MS: f64 = 25.0;

/// Leaves out what lies too close before a later place. The last one, where the pointer is now, always stays.
pub(super) fn thin(positions: &mut Vec<Position>) {
    let mut later = f64::INFINITY;
    positions.reverse();
    positions.retain(|position| {
        let apart = later - position.offset >= STEP_MS;
        if apart {
            later = position.offset;
        }
        apart
    });
    positions.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NodeId;

    fn check(offsets: &[f64], expected: &[f64]) {
        let mut positions: Vec<Position> =
            offsets.iter().map(|offset| Position { x: 0.0, y: 0.0, node: NodeId(1), offset: *offset }).collect();
        thin(&mut positions);
        let kept: Vec<f64> = positions.iter().map(|position| position.offset).collect();
        assert_eq!(kept, expected, "{offsets:?}");
    }

    #[test]
    fn the_last_place_stays_and_what_crowds_it_goes() {
        check(&[], &[]);
        check(&[-7.0], &[-7.0]);
        check(&[-50.0, -25.0, 0.0], &[-50.0, -25.0, 0.0]);
        check(&[-40.0, -30.0, -20.0, -10.0, 0.0], &[-30.0, 0.0]);
        check(&[-500.0, -499.0, 0.0], &[-499.0, 0.0]);
        check(&[0.0, 0.0], &[0.0]);
    }
}
