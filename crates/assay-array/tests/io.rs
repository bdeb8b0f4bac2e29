//! Files that numpy and safetensors wrote, round trips, and damaged files.

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use assay_array::io::npz::{Compression, Npz};
use assay_array::io::safetensors::SafeTensors;
use assay_array::io::{Dtype, Element, npy, npz, safetensors as tensors, shaped};
use assay_array::ndarray::{ArrayD, Axis, Dimension, Ix1, Ix2, IxDyn, array, s};
use assay_array::{Error, Result};
use proptest::prelude::*;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/io").join(name)
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn npy<T: Element>(name: &str) -> Result<ArrayD<T>> {
    npy::read(fixture(name))
}

/// `i − n/2` in row-major order, as `make.py` counts.
fn count(shape: &[usize]) -> ArrayD<f64> {
    let n: usize = shape.iter().product();
    ArrayD::from_shape_vec(shape, (0..n).map(|i| i as f64 - (n / 2) as f64).collect()).unwrap()
}

#[test]
fn numpys_files_are_read() {
    let signed = count(&[2, 3]);
    let unsigned = &signed + 3.0;
    let dtypes = [
        ("u1", Dtype::U8),
        ("i1", Dtype::I8),
        ("u2", Dtype::U16),
        ("i2", Dtype::I16),
        ("u4", Dtype::U32),
        ("i4", Dtype::I32),
        ("f2", Dtype::F16),
        ("f4", Dtype::F32),
        ("f4_big_endian", Dtype::F32),
        ("f4_version_2", Dtype::F32),
        ("f4_version_3", Dtype::F32),
        ("f8", Dtype::F64),
    ];
    for (name, dtype) in dtypes {
        let file = format!("{name}.npy");
        let info = npy::info(fixture(&file)).unwrap();
        assert_eq!((&info.dtype, &info.shape[..]), (&dtype, &[2, 3][..]), "{name}");
        let want = if name.starts_with('u') { &unsigned } else { &signed };
        assert_eq!(&npy::<f64>(&file).unwrap(), want, "{name}");
        match (npy::<f32>(&file), dtype.size() <= Some(2) || dtype == Dtype::F32) {
            (Ok(got), true) => assert_eq!(got.mapv(f64::from), want, "{name}"),
            (Err(Error::Dtype { expected: "f32", .. }), false) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    let bits = array![[false, true, true], [true, true, true]].into_dyn();
    assert_eq!(npy::<bool>("bool.npy").unwrap(), bits);
    assert_eq!(npy::<f32>("bool.npy").unwrap(), bits.mapv(|b| f32::from(u8::from(b))));
    assert_eq!(npy::<i64>("i8.npy").unwrap().mapv(|x| x as f64), signed);
    assert_eq!(npy::<i32>("i4.npy").unwrap().mapv(f64::from), signed);
    assert_eq!(npy::<u8>("u1.npy").unwrap().mapv(f64::from), unsigned);
}

#[test]
fn shapes_are_the_files() {
    let fortran = npy::<f64>("f8_fortran.npy").unwrap();
    assert_eq!(fortran, count(&[2, 3, 4]));
    assert_eq!(fortran.strides(), [1, 2, 6]);
    let scalar = npy::<f32>("f4_scalar.npy").unwrap();
    assert_eq!((scalar.ndim(), scalar.first()), (0, Some(&2.5)));
    assert_eq!(npy::<f32>("f4_empty.npy").unwrap().shape(), [0, 3]);
    let matrix = npy::<f32>("f4.npy").unwrap();
    assert!(shaped::<_, Ix2>("f4", matrix.clone(), &[Some(2), None]).is_ok());
    let error = shaped::<_, Ix2>("f4", matrix.clone(), &[None, Some(4)]).unwrap_err();
    assert_eq!(error.to_string(), "f4: expected the shape [_, 4], got [2, 3]");
    assert!(matches!(shaped::<_, Ix1>("f4", matrix.clone(), &[None]), Err(Error::Shape { .. })));
    // The caller's own mistake: two lengths for one axis.
    assert!(matches!(shaped::<_, Ix1>("f4", matrix, &[None; 2]), Err(Error::Shape { .. })));
}

#[test]
fn what_does_not_widen_is_named() {
    for (file, found) in [("c8", "<c8"), ("record", "[('a', '<f4'), (\"b, ]'\", '<i4', (2,))]")] {
        let file = format!("{file}.npy");
        assert_eq!(npy::info(fixture(&file)).unwrap().dtype, Dtype::Other(found.to_owned()));
        assert!(matches!(npy::<f64>(&file), Err(Error::Dtype { found: f, .. }) if f == found));
    }
    assert!(matches!(npy::<f64>("i8.npy"), Err(Error::Dtype { .. })));
    assert!(matches!(npy::<f64>("u8.npy"), Err(Error::Dtype { .. })));
    assert!(matches!(npy::<i64>("u8.npy"), Err(Error::Dtype { .. })));
    assert!(matches!(npy::<i32>("u4.npy"), Err(Error::Dtype { .. })));
    assert!(matches!(npy::<bool>("u1.npy"), Err(Error::Dtype { .. })));
    assert!(matches!(npy::<i64>("f2.npy"), Err(Error::Dtype { .. })));
}

#[test]
fn numpys_archives_are_read() {
    let stored = Npz::open(fixture("stored.npz")).unwrap();
    let names: Vec<_> = stored.infos().iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["x", "y"]);
    assert_eq!(stored.infos()[1].dtype, Dtype::I64);
    assert_eq!(stored.read::<f64>("x").unwrap(), count(&[3, 4]));
    let deflated = Npz::open(fixture("deflated.npz")).unwrap();
    assert_eq!(deflated.infos()[0].shape, [100, 100]);
    assert_eq!(
        deflated.read::<f64>("deep/name").unwrap(),
        ArrayD::<f64>::zeros(IxDyn(&[100, 100]))
    );
    assert_eq!(deflated.read::<i64>("y").unwrap().mapv(|x| x as f64), count(&[3]));
    let error = deflated.read::<f32>("z").unwrap_err().to_string();
    assert!(error.ends_with("no array named `z` among `deep/name`, `x`, `y`"), "{error}");
    assert!(matches!(stored.read::<f64>("y"), Err(Error::Dtype { .. })));
}

#[test]
fn safetensors_files_are_read() {
    let file = SafeTensors::open(fixture("model.safetensors")).unwrap();
    assert_eq!(file.metadata()["format"], "np");
    assert_eq!(file.infos().len(), 10);
    assert_eq!(file.read::<f32>("layer.0.weight").unwrap().mapv(f64::from), count(&[2, 3]));
    assert_eq!(file.read::<f32>("layer.0.bias").unwrap().mapv(f64::from), count(&[2]));
    assert_eq!(file.read::<f32>("layer.1.weight").unwrap().mapv(f64::from), count(&[3, 2]));
    assert_eq!(file.read::<f64>("layer.1.bias").unwrap(), count(&[3]));
    assert_eq!(file.read::<i64>("steps").unwrap(), ArrayD::from_elem(IxDyn(&[]), 7));
    assert_eq!(file.read::<bool>("mask").unwrap(), array![true, false, true].into_dyn());
    assert_eq!(file.read::<i32>("bytes").unwrap(), array![0, 1, 2, 3].into_dyn());
    assert_eq!(file.read::<i32>("shorts").unwrap(), array![-2, -1, 0, 1].into_dyn());
    assert_eq!(file.read::<f32>("empty").unwrap().shape(), [0, 5]);
    let (info, bytes) = file.bytes("eighths").unwrap();
    assert_eq!((&info.dtype, bytes.len()), (&Dtype::Other("F8_E4M3".to_owned()), 4));
    assert!(matches!(file.read::<f32>("eighths"), Err(Error::Dtype { .. })));
    assert!(matches!(file.read::<f32>("layer.1.bias"), Err(Error::Dtype { .. })));
    assert!(matches!(file.read::<f32>("layer"), Err(Error::Missing { .. })));
    let mut names: Vec<_> =
        file.select("layer.?.weight").unwrap().iter().map(|info| info.name.clone()).collect();
    names.sort();
    assert_eq!(names, ["layer.0.weight", "layer.1.weight"]);
    assert_eq!(file.select("*").unwrap().len(), 10);
    let error = file.select("block.*").unwrap_err().to_string();
    assert!(
        error.contains("the pattern `block.*` matches none of") && error.ends_with("and 2 more")
    );
}

/// What the format's own library reads back from our file.
#[test]
fn our_safetensors_are_the_formats() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.safetensors");
    let mut writer = tensors::Writer::new().with_metadata("format", "pt");
    let x = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
    writer.add("x", x.t()).unwrap();
    writer.add("truth", array![true].view()).unwrap();
    writer.add("nothing", x.slice(s![..0, ..])).unwrap();
    assert!(matches!(writer.add("x", x.view()), Err(Error::Name { .. })));
    assert!(matches!(writer.add("__metadata__", x.view()), Err(Error::Name { .. })));
    writer.write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let view = theirs.tensor("x").unwrap();
    assert_eq!((view.dtype(), view.shape()), (safetensors::Dtype::F32, &[3, 2][..]));
    let values: Vec<f32> =
        view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    assert_eq!(values, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(theirs.tensor("truth").unwrap().data(), [1]);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let want = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    assert_eq!(metadata.metadata(), &Some(want));
    // No tensors at all is a file, too.
    tensors::Writer::new().write(&path).unwrap();
    assert_eq!(SafeTensors::open(&path).unwrap().infos(), []);
}

/// Our `.npy` files are numpy's, byte by byte.
#[test]
fn our_npy_files_are_numpys() {
    fn check<T: Element>(name: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        npy::write(&path, npy::<T>(name).unwrap().view()).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), bytes(name), "{name}");
    }
    check::<bool>("bool.npy");
    check::<u8>("u1.npy");
    check::<i32>("i4.npy");
    check::<i64>("i8.npy");
    check::<f32>("f4.npy");
    check::<f64>("f8.npy");
    check::<f32>("f4_scalar.npy");
    check::<f32>("f4_empty.npy");
}

#[test]
fn large_files_are_mapped_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let x = ArrayD::from_shape_fn(IxDyn(&[700, 500]), |i| (i[0] * 1000 + i[1]) as f32);
    npy::write(dir.path().join("x.npy"), x.view()).unwrap();
    assert_eq!(npy::read::<f32>(dir.path().join("x.npy")).unwrap(), x);
    let mut writer = tensors::Writer::new();
    writer.add("odd", array![1_u8].view()).unwrap();
    writer.add("x", x.view()).unwrap();
    writer.write(dir.path().join("x.safetensors")).unwrap();
    let file = SafeTensors::open(dir.path().join("x.safetensors")).unwrap();
    assert_eq!(file.read::<f32>("x").unwrap(), x);
    for compression in [Compression::Stored, Compression::Deflated] {
        let mut writer = npz::Writer::create(dir.path().join("x.npz"), compression).unwrap();
        writer.add("x", x.view()).unwrap();
        writer.finish().unwrap();
        let file = Npz::open(dir.path().join("x.npz")).unwrap();
        assert_eq!(file.read::<f32>("x").unwrap(), x);
    }
}

#[test]
fn writers_write_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npz");
    std::fs::write(&path, "before").unwrap();
    let mut writer = npz::Writer::create(&path, Compression::Stored).unwrap();
    writer.add("x", array![1.0].view()).unwrap();
    assert!(matches!(writer.add("x", array![2.0].view()), Err(Error::Name { .. })));
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = dir.path().join("missing/x.npy");
    assert!(matches!(npy::write(&nowhere, array![1.0].view()), Err(Error::File { .. })));
    // A folder cannot be replaced by a file.
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(npy::write(&folder, array![1.0].view()), Err(Error::File { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    for path in [&nowhere, &folder] {
        assert!(matches!(npy::read::<f32>(path), Err(Error::File { action: "read", .. })));
        assert!(matches!(Npz::open(path), Err(Error::File { .. })));
        assert!(matches!(SafeTensors::open(path), Err(Error::File { .. })));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = dir.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        npy::write(dir.path().join("x.npy"), array![1.0].view()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&dir.path().join("x.npy")), mode(&plain));
    }
}

fn round_trip<T: Element + PartialEq + Debug>(x: &ArrayD<T>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    npy::write(&path, x.view()).unwrap();
    assert_eq!(&npy::read::<T>(&path).unwrap(), x);
    let mut writer = npz::Writer::create(&path, Compression::Deflated).unwrap();
    writer.add("", x.view()).unwrap();
    writer.finish().unwrap();
    assert_eq!(&Npz::open(&path).unwrap().read::<T>("").unwrap(), x);
    let mut writer = tensors::Writer::new();
    writer.add("é\"\\\n", x.view()).unwrap();
    writer.write(&path).unwrap();
    assert_eq!(&SafeTensors::open(&path).unwrap().read::<T>("é\"\\\n").unwrap(), x);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arrays_survive_a_round_trip(
        shape in proptest::collection::vec(0..5_usize, 0..5),
        bits in any::<u64>(),
        axis in any::<prop::sample::Index>(),
    ) {
        let mut x = ArrayD::from_shape_fn(IxDyn(&shape), |i| {
            i.slice().iter().fold(bits, |hash, &n| (hash ^ n as u64).wrapping_mul(0x9E37_79B9))
        });
        if !shape.is_empty() {
            // Strides of any kind.
            let axis = axis.index(shape.len());
            x.swap_axes(0, axis);
            x.invert_axis(Axis(axis));
        }
        round_trip(&x.mapv(u64::cast_signed));
        round_trip(&x.mapv(|b| b as i32));
        round_trip(&x.mapv(|b| b as u8));
        round_trip(&x.mapv(|b| b % 2 == 0));
        round_trip(&x.mapv(|b| b as f32 / 3.0));
        round_trip(&x.mapv(|b| b as f64 / 3.0));
    }
}

/// An `.npy` file of version 1.0 with this header and data.
fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

#[test]
fn hostile_npy_headers_are_errors() {
    let parse = |bytes: &[u8]| npy::parse::<f32>("x", bytes).unwrap_err();
    let shape = |shape: &str, data: &[u8]| {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        npy::parse::<f32>("x", &with_header(&text, data))
    };
    assert!(shape("()", &[0; 4]).is_ok() && shape("(1L,)", &[0; 4]).is_ok());
    assert!(shape(" ( 1 , 1 ) ", &[0; 4]).is_ok());
    assert!(matches!(
        shape("(2,)", &[0; 4]),
        Err(Error::Truncated { part: "data", needed: 8, available: 4, .. })
    ));
    assert!(matches!(shape("(1,)", &[0; 5]), Err(Error::Trailing { extra: 1, .. })));
    for too_large in [
        "(4611686018427387904,)",
        "(4294967296, 4294967296)",
        "(0, 18446744073709551615)",
        "(9223372036854775807, 3, 0)",
    ] {
        assert!(matches!(shape(too_large, &[]), Err(Error::TooLarge { .. })), "{too_large}");
    }
    let rank_65 = format!("({})", "1,".repeat(65));
    for bad in ["(-1,)", "(1.5,)", "(1", "3", "(,)", "(18446744073709551616,)", "(1,,2)", &rank_65]
    {
        assert!(matches!(shape(bad, &[0; 4]), Err(Error::Header { .. })), "{bad}");
    }
    let deep = format!("{{'descr': {}", "[(".repeat(30_000));
    for text in [
        "",
        "{}",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
        "{'descr': '<f4",
        &deep,
    ] {
        let error = parse(&with_header(text, &[]));
        assert!(matches!(error, Error::Header { .. }), "{error}");
        assert!(error.to_string().len() < 200);
    }
    let good = bytes("f4.npy");
    for length in 0..good.len() {
        let error = parse(&good[..length]);
        assert!(matches!(error, Error::Truncated { .. }), "{length}: {error}");
    }
    assert!(matches!(parse(b"PK\x03\x04"), Error::Magic { .. }));
    assert!(matches!(parse(b"\x93NUMPY\x04\x00"), Error::Version { major: 4, minor: 0, .. }));
    assert!(matches!(parse(b"\x93NUMPY\x01\x01"), Error::Version { major: 1, minor: 1, .. }));
    let huge = parse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{");
    assert!(matches!(huge, Error::Truncated { needed: 4_294_967_307, available: 13, .. }));
    let mut long = b"\x93NUMPY\x02\x00\x00\x00\x20\x00".to_vec();
    long.resize(12 + (2 << 20), b' ');
    assert!(matches!(parse(&long), Error::Header { .. }));
}

/// A file with this header and so many bytes of data.
fn with_json(header: &str, data: usize) -> Result<SafeTensors> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    SafeTensors::from_bytes("x", bytes)
}

#[test]
fn hostile_safetensors_headers_are_errors() {
    let one = |dtype: &str, shape: &str, offsets: &str, data| {
        let entry = format!("\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}");
        with_json(&format!("{{\"a\":{{{entry}}}}}"), data)
    };
    assert!(one("F32", "[2]", "[0,8]", 8).is_ok());
    assert!(one("NEW", "[2]", "[0,3]", 3).is_ok());
    for (shape, offsets, data) in [
        ("[2]", "[0,8]", 7),
        ("[2]", "[1,9]", 9),
        ("[2]", "[8,0]", 8),
        ("[3]", "[0,8]", 8),
        ("[2]", "[0,18446744073709551615]", 8),
        ("[]", "[0,0]", 0),
    ] {
        let result = one("F32", shape, offsets, data);
        assert!(matches!(result, Err(Error::Offsets { .. })), "{shape} {offsets}: {result:?}");
    }
    for shape in ["[4611686018427387904]", "[4294967296,4294967296]", "[0,18446744073709551615]"] {
        assert!(matches!(one("F32", shape, "[0,0]", 0), Err(Error::TooLarge { .. })), "{shape}");
    }
    for shape in ["[-1]", "[1.5]", "3", "[18446744073709551616]"] {
        assert!(matches!(one("F32", shape, "[0,4]", 4), Err(Error::Header { .. })), "{shape}");
    }
    assert!(matches!(one("F32", "[1]", "[0,4]", 9), Err(Error::Trailing { extra: 5, .. })));
    let entry =
        |from, to| format!("{{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[{from},{to}]}}");
    for (second, what) in [(entry(0, 4), "same"), (entry(2, 6), "overlap"), (entry(5, 9), "hole")] {
        let text = format!("{{\"a\":{},\"b\":{second}}}", entry(0, 4));
        assert!(matches!(with_json(&text, 9), Err(Error::Offsets { .. })), "{what}");
    }
    // Sizes that add up to the file's only when the sum wraps around at 2^64.
    let top = u64::MAX;
    let wrap = format!(
        "{{\"a\":{{\"dtype\":\"X\",\"shape\":[],\"data_offsets\":[0,{top}]}},\
         \"b\":{{\"dtype\":\"X\",\"shape\":[],\"data_offsets\":[{top},{top}]}}}}"
    );
    assert!(matches!(with_json(&wrap, 0), Err(Error::Offsets { .. })));
    let twice = format!("{{\"a\":{},\"a\":{}}}", entry(0, 4), entry(4, 8));
    for text in ["", "[]", "{", "{\"a\":1}", "{\"__metadata__\":{\"a\":1}}", "{} x", &twice] {
        assert!(matches!(with_json(text, 8), Err(Error::Header { .. })), "{text}");
    }
    assert!(matches!(with_json(&"[".repeat(100_000), 0), Err(Error::Header { .. })));
    let good = bytes("model.safetensors");
    for length in 0..good.len() {
        let error = SafeTensors::from_bytes("x", good[..length].to_vec()).unwrap_err();
        assert!(
            matches!(error, Error::Truncated { .. } | Error::Offsets { .. }),
            "{length}: {error}"
        );
    }
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    let error = SafeTensors::from_bytes("x", huge).unwrap_err();
    assert!(matches!(error, Error::Truncated { needed: u64::MAX, available: 10, .. }), "{error}");
}

#[test]
fn hostile_archives_are_errors() {
    assert!(matches!(Npz::open(fixture("f4.npy")), Err(Error::Archive { .. })));
    assert!(matches!(Npz::from_bytes("x", Vec::new()), Err(Error::Archive { .. })));
    let good = bytes("deflated.npz");
    for length in 0..good.len() {
        assert!(Npz::from_bytes("x", good[..length].to_vec()).is_err(), "{length}");
    }
    // The central directory of the first member: 20 bytes in, its compressed and full sizes.
    let directory = good.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for (at, size) in [(24, u32::MAX - 1), (24, 1), (20, u32::MAX - 1), (20, 1)] {
        let mut bad = good.clone();
        bad[directory + at..directory + at + 4].copy_from_slice(&size.to_le_bytes());
        let result = Npz::from_bytes("x", bad).and_then(|npz| npz.read::<f64>("x"));
        assert!(result.is_err(), "{at} {size}");
    }
    // A flipped bit in the data is found by the checksum, on reading and not before.
    let mut bad = bytes("stored.npz");
    let at = bad.windows(6).position(|w| w == b"\x93NUMPY").unwrap() + 128;
    bad[at] ^= 1;
    let npz = Npz::from_bytes("x", bad).unwrap();
    assert!(matches!(npz.read::<f32>("x"), Err(Error::Archive { .. })));
    assert!(npz.read::<i64>("y").is_ok());
}

#[test]
fn everything_can_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Error>();
    check::<Npz>();
    check::<SafeTensors>();
}

/// Runs every reader over bytes that claim to be its format; only panics can fail.
pub(crate) fn read_everything(bytes: &[u8]) {
    let _ = npy::parse::<f32>("x", bytes);
    let _ = npy::parse::<bool>("x", bytes);
    if let Ok(npz) = Npz::from_bytes("x", bytes.to_vec()) {
        for info in npz.infos() {
            let _ = npz.read::<f64>(&info.name);
        }
    }
    if let Ok(file) = SafeTensors::from_bytes("x", bytes.to_vec()) {
        for info in file.infos() {
            let _ = file.read::<f64>(&info.name);
        }
        let _ = file.select("*a?*");
    }
}

/// The fuzz targets' stand-in on the stable toolchain; `PROPTEST_CASES` asks for more.
fn many_cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(2000), ..config }
}

const FIXTURES: [&str; 8] = [
    "f4.npy",
    "f8_fortran.npy",
    "bool.npy",
    "record.npy",
    "f4_version_2.npy",
    "stored.npz",
    "deflated.npz",
    "model.safetensors",
];

proptest! {
    #![proptest_config(many_cases())]

    #[test]
    fn damaged_files_never_panic(
        which in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        insertion in proptest::option::of((any::<prop::sample::Index>(), any::<[u8; 3]>())),
    ) {
        let mut bytes = bytes(FIXTURES[which]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some((at, extra)) = insertion {
            let at = at.index(bytes.len());
            bytes.splice(at..at, extra);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_everything(&bytes);
    }

    #[test]
    fn random_headers_never_panic(
        text in "[{}()\\[\\]'\":,0-9LTrueFalsdcpoth<>|=f4 \\\\é]{0,80}",
        data in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        read_everything(&with_header(&text, &data));
        let mut json = (text.len() as u64).to_le_bytes().to_vec();
        json.extend_from_slice(text.as_bytes());
        json.extend_from_slice(&data);
        read_everything(&json);
    }
}
