//! How weights lie in their file: safetensors with f32, or shrunk to f16 or to int8 with one scale
//! a row. Reading gives f32 back, so the network knows nothing of it. Pure functions over bytes;
//! which file they are is left to `folder` and `predictor`.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use burn::tensor::f16;
use serde::{Deserialize, Serialize};

use crate::units::to_count;

/// What the matrices and convolutions of a model are stored as. Biases, norms and the norms'
/// statistics are few and stay f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    #[default]
    F32,
    F16,
    /// Symmetric, −127..127 times the row's scale.
    Int8,
}

impl Storage {
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    pub fn is_f32(&self) -> bool {
        *self == Self::F32
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum StorageError {
    #[error("it is no whole safetensors file: {0}")]
    File(String),
    #[error("{name} has {values} values and {scales} scales; each scale needs a row of its own")]
    Scales { name: String, values: usize, scales: usize },
    #[error("{name} has a weight of {value}, which {storage} cannot hold")]
    Weight { name: String, value: f32, storage: &'static str },
}

/// Steps of int8 from 0 to the largest weight of a row.
const LEVELS: f32 = 127.0;

/// Shortest row with a scale of its own: below it, the scale's four bytes would weigh more than an
/// eighth of the row. Taps of a kernel and columns of a narrow head are joined until it is reached.
const ROW_MIN: usize = 32;

/// Follows a tensor's name to that of its scales.
const SCALE: &str = ".scale";

/// Bytes that hold the header's length.
const LENGTH_BYTES: usize = 8;

/// Not a tensor but words about the file.
const METADATA: &str = "__metadata__";

/// As safetensors names them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    F32,
    F16,
    I8,
}

impl Kind {
    fn value_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::I8 => 1,
        }
    }
}

#[derive(Deserialize, Serialize)]
struct Entry {
    dtype: Kind,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// One tensor as it is stored.
struct Stored<'a> {
    kind: Kind,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

type Tensors<'a> = BTreeMap<String, Stored<'a>>;

/// The same file with all weights as f32.
pub fn expand(bytes: Vec<u8>) -> Result<Vec<u8>, StorageError> {
    let stored = read(&bytes)?;
    if stored.values().all(|tensor| tensor.kind == Kind::F32) {
        return Ok(bytes);
    }
    let mut tensors = Tensors::new();
    for (name, tensor) in &stored {
        if name.strip_suffix(SCALE).is_some_and(|of| stored.contains_key(of)) {
            continue;
        }
        let values = match tensor.kind {
            Kind::F32 => floats(tensor),
            Kind::F16 => halves(tensor),
            Kind::I8 => {
                let scales = stored.get(&format!("{name}{SCALE}"));
                scaled(name, tensor, &scales.map(floats).unwrap_or_default())?
            }
        };
        tensors.insert(name.clone(), f32_tensor(tensor.shape.clone(), &values));
    }
    Ok(write(&tensors))
}

/// The same file smaller: the share `prune` of the weights that are nearest to 0 in each matrix
/// and convolution is set to 0, then they are stored as `storage`.
pub fn shrink(bytes: &[u8], storage: Storage, prune: f64) -> Result<Vec<u8>, StorageError> {
    let expanded = expand(bytes.to_vec())?;
    let mut tensors = Tensors::new();
    for (name, tensor) in read(&expanded)? {
        if tensor.shape.len() < 2 {
            tensors.insert(name, tensor);
            continue;
        }
        let mut values = floats(&tensor);
        let largest = if storage == Storage::F16 { f16::MAX.to_f32() } else { f32::MAX };
        if let Some(&value) =
            values.iter().find(|value| !value.is_finite() || largest < value.abs())
        {
            return Err(StorageError::Weight { name, value, storage: storage.name() });
        }
        set_smallest_to_zero(&mut values, prune);
        let shape = tensor.shape;
        match storage {
            Storage::F32 => drop(tensors.insert(name, f32_tensor(shape, &values))),
            Storage::F16 => {
                let bytes = values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
                let tensor = Stored { kind: Kind::F16, shape, bytes: Cow::Owned(bytes) };
                tensors.insert(name, tensor);
            }
            Storage::Int8 => {
                let (bytes, scales) = quantise(&values, row_length(&shape));
                let scales = f32_tensor(vec![scales.len()], &scales);
                tensors.insert(format!("{name}{SCALE}"), scales);
                let tensor = Stored { kind: Kind::I8, shape, bytes: Cow::Owned(bytes) };
                tensors.insert(name, tensor);
            }
        }
    }
    Ok(write(&tensors))
}

/// What a file's matrices are stored as, and which share of them is 0.
pub fn look(bytes: Vec<u8>) -> Result<(Storage, f64), StorageError> {
    let stored = read(&bytes)?;
    let has = |kind| stored.values().any(|tensor| tensor.kind == kind);
    let storage = match () {
        () if has(Kind::I8) => Storage::Int8,
        () if has(Kind::F16) => Storage::F16,
        () => Storage::F32,
    };
    let expanded = expand(bytes)?;
    let (mut zeros, mut all) = (0u32, 0u32);
    for tensor in read(&expanded)?.values().filter(|tensor| 1 < tensor.shape.len()) {
        for value in floats(tensor) {
            zeros += u32::from(value == 0.0);
            all += 1;
        }
    }
    Ok((storage, f64::from(zeros) / f64::from(all.max(1))))
}

/// Weights that share a scale: trailing axes until there are enough of them.
fn row_length(shape: &[usize]) -> usize {
    let mut row = 1;
    for length in shape.iter().rev() {
        if ROW_MIN <= row {
            break;
        }
        row *= length;
    }
    row
}

/// Levels and each row's scale; no weight moves by more than half a scale.
fn quantise(values: &[f32], row: usize) -> (Vec<u8>, Vec<f32>) {
    let mut scales = Vec::with_capacity(values.len() / row);
    let mut bytes = Vec::with_capacity(values.len());
    for values in values.chunks_exact(row) {
        let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let scale = largest / LEVELS;
        scales.push(scale);
        bytes.extend(values.iter().flat_map(|value| to_level(value / scale).to_le_bytes()));
    }
    (bytes, scales)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped first; a row of zeros gives NaN, so 0"
)]
fn to_level(steps: f32) -> i8 {
    steps.round().clamp(-LEVELS, LEVELS) as i8
}

fn set_smallest_to_zero(values: &mut [f32], share: f64) {
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 weights")]
    let count = to_count(share * values.len() as f64);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
    for &index in order.iter().take(count) {
        values[index] = 0.0;
    }
}

fn f32_tensor(shape: Vec<usize>, values: &[f32]) -> Stored<'static> {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Stored { kind: Kind::F32, shape, bytes: Cow::Owned(bytes) }
}

fn floats(tensor: &Stored) -> Vec<f32> {
    let (chunks, _) = tensor.bytes.as_chunks();
    chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn halves(tensor: &Stored) -> Vec<f32> {
    let (chunks, _) = tensor.bytes.as_chunks();
    chunks.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect()
}

fn scaled(name: &str, tensor: &Stored, scales: &[f32]) -> Result<Vec<f32>, StorageError> {
    let values = tensor.bytes.len();
    if scales.is_empty() || !values.is_multiple_of(scales.len()) || values == 0 {
        return Err(StorageError::Scales { name: name.to_owned(), values, scales: scales.len() });
    }
    let rows = tensor.bytes.chunks_exact(values / scales.len());
    let expand = |(row, scale): (&[u8], &f32)| {
        row.iter().map(|&byte| f32::from(i8::from_le_bytes([byte])) * scale).collect::<Vec<_>>()
    };
    Ok(rows.zip(scales).flat_map(expand).collect())
}

/// A header's length, the header as JSON, then the tensors where it says.
fn read(bytes: &[u8]) -> Result<Tensors<'_>, StorageError> {
    let broken = |reason: &str| StorageError::File(reason.to_owned());
    let (length, rest) =
        bytes.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| broken("it has no header"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (header, data) =
        rest.split_at_checked(length).ok_or_else(|| broken("it ends inside its header"))?;
    let header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|error| StorageError::File(error.to_string()))?;
    let mut tensors = Tensors::new();
    for (name, entry) in header {
        if name == METADATA {
            continue;
        }
        let entry: Entry = serde_json::from_value(entry)
            .map_err(|error| StorageError::File(format!("{name}: {error}")))?;
        let [start, end] = entry.data_offsets;
        let stored = data
            .get(start..end)
            .ok_or_else(|| StorageError::File(format!("{name} lies outside of it")))?;
        let wanted = entry
            .shape
            .iter()
            .try_fold(entry.dtype.value_bytes(), |all, &next| all.checked_mul(next));
        if wanted != Some(stored.len()) {
            return Err(StorageError::File(format!("{name} has another length than its shape")));
        }
        let Entry { dtype: kind, shape, .. } = entry;
        tensors.insert(name, Stored { kind, shape, bytes: Cow::Borrowed(stored) });
    }
    Ok(tensors)
}

/// Wide values first and the header padded, so that each tensor lies aligned.
fn write(tensors: &Tensors) -> Vec<u8> {
    let mut order: Vec<(&String, &Stored)> = tensors.iter().collect();
    order.sort_by_key(|(_, tensor)| Reverse(tensor.kind.value_bytes()));
    let mut header = BTreeMap::new();
    let mut data = Vec::new();
    for (name, tensor) in order {
        let start = data.len();
        data.extend_from_slice(&tensor.bytes);
        let (dtype, shape) = (tensor.kind, tensor.shape.clone());
        header.insert(name, Entry { dtype, shape, data_offsets: [start, data.len()] });
    }
    let mut header = serde_json::to_vec(&header).expect("texts and numbers are JSON");
    header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');
    let length = header.len() as u64;
    [length.to_le_bytes().to_vec(), header, data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix of two rows, the second without a weight, and a bias.
    fn file() -> Vec<u8> {
        let mut row: Vec<f32> = (0..40u8).map(|index| f32::from(index) * 0.1 - 2.0).collect();
        row.resize(80, 0.0);
        let matrix = f32_tensor(vec![2, 40], &row);
        let bias = f32_tensor(vec![3], &[1e-9, -7.0, 3.3]);
        write(&Tensors::from([("matrix".to_owned(), matrix), ("bias".to_owned(), bias)]))
    }

    fn values(bytes: &[u8], name: &str) -> Vec<f32> {
        floats(&read(bytes).unwrap()[name])
    }

    fn expanded(storage: Storage, prune: f64) -> Vec<u8> {
        expand(shrink(&file(), storage, prune).unwrap()).unwrap()
    }

    #[test]
    fn a_file_of_f32_stays_as_it_is() {
        assert_eq!(expand(file()), Ok(file()));
        assert_eq!(look(file()), Ok((Storage::F32, 41.0 / 80.0))); // the empty row, and -2 + 20/10
    }

    #[test]
    fn int8_moves_no_weight_by_more_than_half_a_step() {
        let bytes = expanded(Storage::Int8, 0.0);
        let step = 2.0 / 127.0; // the largest weight is -2
        for (back, was) in values(&bytes, "matrix").iter().zip(values(&file(), "matrix")) {
            assert!((back - was).abs() <= step / 2.0 + 1e-6, "{was} came back as {back}");
        }
        assert_eq!(values(&bytes, "bias"), [1e-9, -7.0, 3.3]);
    }

    #[test]
    fn f16_comes_back_rounded_to_eleven_digits_and_again_the_same() {
        let bytes = expanded(Storage::F16, 0.0);
        for (back, was) in values(&bytes, "matrix").iter().zip(values(&file(), "matrix")) {
            assert!((back - was).abs() <= was.abs() / 2048.0, "{was} came back as {back}");
        }
        let again = expand(shrink(&bytes, Storage::F16, 0.0).unwrap()).unwrap();
        assert_eq!(again, bytes);
    }

    #[test]
    fn as_many_weights_are_zero_as_were_asked_for_and_they_are_the_smallest() {
        let bytes = expanded(Storage::F32, 0.75);
        let left: Vec<f32> = values(&bytes, "matrix").into_iter().filter(|v| *v != 0.0).collect();
        assert_eq!(left.len(), 20); // a quarter of 80
        assert!(left.iter().all(|value| 0.95 < value.abs()), "{left:?}");
        assert_eq!(values(&bytes, "bias").len(), 3);
        let shrunk = shrink(&file(), Storage::Int8, 0.75).unwrap();
        assert_eq!(look(shrunk), Ok((Storage::Int8, 0.75)));
    }

    #[test]
    fn rows_are_long_enough_for_their_scale() {
        assert_eq!(row_length(&[96, 40, 5]), 200);
        assert_eq!(row_length(&[2, 128, 512]), 512);
        assert_eq!(row_length(&[128, 6]), 768);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for (value, storage) in
            [(f32::NAN, Storage::Int8), (f32::INFINITY, Storage::F32), (7e4, Storage::F16)]
        {
            let matrix = f32_tensor(vec![1, 2], &[0.0, value]);
            let bytes = write(&Tensors::from([("matrix".to_owned(), matrix)]));
            let error = shrink(&bytes, storage, 0.0).unwrap_err();
            assert!(error.to_string().starts_with("matrix has a weight of"), "{error}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_never_a_panic() {
        let whole = shrink(&file(), Storage::Int8, 0.0).unwrap();
        for end in 0..whole.len() {
            assert!(expand(whole[..end].to_vec()).is_err(), "cut at {end}");
        }
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 0x55;
            drop(expand(bytes)); // whatever it says
        }
        let lonely = Stored { kind: Kind::I8, shape: vec![4], bytes: vec![1; 4].into() };
        let bytes = write(&Tensors::from([("matrix".to_owned(), lonely)]));
        assert!(matches!(expand(bytes), Err(StorageError::Scales { scales: 0, .. })));
    }
}
