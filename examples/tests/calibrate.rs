//! The program `calibrate`: what it writes, and what it says when it cannot.

use std::path::Path;
use std::process::{Command, Output};

use assay_array::io::{npy, safetensors};
use assay_array::ndarray::{Array1, Array2};
use assay_array::random::{normal, stream, uniform};

fn calibrate(arguments: &[&str], out: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calibrate"));
    command.args(arguments).arg("--out").arg(out).args(["--resamples", "20"]);
    command.output().expect("the program starts")
}

fn classifier() -> (Array2<f32>, Array1<i64>) {
    let mut rng = stream(1, "calibrate test", 0);
    let labels: Vec<i64> = (0..300).map(|i| i % 3).collect();
    let mut z = Array2::from_shape_simple_fn((300, 3), || (3.0 * normal(&mut rng)) as f32);
    for (mut row, &label) in z.outer_iter_mut().zip(&labels) {
        row[usize::try_from(label).expect("a label")] += 4.0 * uniform(&mut rng) as f32;
    }
    (z, labels.into())
}

#[test]
fn every_format_gives_the_same_report() {
    let dir = tempfile::tempdir().unwrap();
    let (z, labels) = classifier();
    let path = |name: &str| dir.path().join(name).display().to_string();
    npy::write(path("z.npy"), z.view()).unwrap();
    npy::write(path("y.npy"), labels.view()).unwrap();
    let mut file = safetensors::Writer::new();
    file.add("logits", z.view()).unwrap();
    file.add("labels", labels.view()).unwrap();
    file.write(path("both.safetensors")).unwrap();
    let rows = z
        .outer_iter()
        .map(|row| row.iter().map(|&z| f64::from(z).to_string()).collect::<Vec<_>>().join(","));
    let csv: String =
        std::iter::once("a,b,c".to_owned()).chain(rows).collect::<Vec<_>>().join("\n");
    std::fs::write(path("z.csv"), csv).unwrap();
    let column: Vec<String> = labels.iter().map(i64::to_string).collect();
    std::fs::write(path("y.csv"), column.join("\n")).unwrap();
    let named = |name: &str| format!("{}:{name}", path("both.safetensors"));
    #[allow(unused_mut)] // grows with the feature
    let mut runs = Vec::from([
        (path("z.npy"), path("y.npy")),
        (named("logits"), named("labels")),
        (path("z.csv"), path("y.csv")),
    ]);
    #[cfg(feature = "parquet")]
    {
        parquet::write(&dir.path().join("z.parquet"), &z);
        parquet::write_labels(&dir.path().join("y.parquet"), &labels);
        runs.push((path("z.parquet"), path("y.parquet")));
    }
    let mut reports = Vec::new();
    for (k, (logits, labels)) in runs.iter().enumerate() {
        let out = dir.path().join(format!("out{k}"));
        let output = calibrate(&["--logits", logits, "--labels", labels], &out);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let page = std::fs::read_to_string(out.join("index.html")).unwrap();
        assert!(page.contains("<svg") && !page.contains("NaN"));
        let fitted = std::fs::read_to_string(out.join("calibrator.json")).unwrap();
        assert!(fitted.contains("\"report\""), "{fitted}");
        reports.push(std::fs::read_to_string(out.join("report.json")).unwrap());
    }
    for report in &reports {
        assert_eq!(report, &reports[0]);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("z.csv"), "1,2\n3,oops\n").unwrap();
    std::fs::write(path("good.csv"), "1,2\n3,1\n").unwrap();
    std::fs::write(path("y.csv"), "0\n-1\n").unwrap();
    std::fs::write(path("far.csv"), "0\n2\n").unwrap();
    let out = dir.path().join("out");
    for (logits, labels, wanted) in [
        ("z.csv", "y.csv", "line 2"),
        ("good.csv", "y.csv", "got -1 at index 1"),
        ("good.csv", "far.csv", "got 2 at index 1"),
        ("missing.npy", "y.csv", "missing.npy"),
        ("picture.png", "y.csv", "expected .npy, .safetensors, .csv or .parquet"),
    ] {
        let output = calibrate(&["--logits", &path(logits), "--labels", &path(labels)], &out);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(wanted), "{wanted:?} is not in: {message}");
    }
    // Logits where probabilities belong.
    let output = calibrate(&["--probs", &path("good.csv"), "--labels", &path("far.csv")], &out);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Logits"));
}

#[test]
fn a_file_that_is_no_parquet_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("z.parquet"), "1,2").unwrap();
    std::fs::write(path("y.csv"), "0").unwrap();
    let arguments = ["--logits", &path("z.parquet"), "--labels", &path("y.csv")];
    let output = calibrate(&arguments, &dir.path().join("out"));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let wanted = if cfg!(feature = "parquet") { "z.parquet" } else { "--features parquet" };
    assert!(message.contains(wanted), "{message}");
}

/// Files as other programs write them: a column a class, and a column of labels.
#[cfg(feature = "parquet")]
mod parquet {
    use std::fs::File;
    use std::path::Path;
    use std::sync::Arc;

    use ::parquet::data_type::{DataType, FloatType, Int64Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;
    use assay_array::ndarray::{Array1, Array2};

    fn columns<T: DataType>(path: &Path, schema: &str, columns: &[Vec<T::T>]) {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = Arc::new(WriterProperties::default());
        let mut file =
            SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
        let mut group = file.next_row_group().unwrap();
        for values in columns {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<T>().write_batch(values, None, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        file.close().unwrap();
    }

    pub(super) fn write(path: &Path, z: &Array2<f32>) {
        let schema = "message z { required float a; required float b; required float c; }";
        let values: Vec<Vec<f32>> = z.columns().into_iter().map(|c| c.to_vec()).collect();
        columns::<FloatType>(path, schema, &values);
    }

    pub(super) fn write_labels(path: &Path, labels: &Array1<i64>) {
        columns::<Int64Type>(path, "message y { required int64 label; }", &[labels.to_vec()]);
    }
}
