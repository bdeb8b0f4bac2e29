//! Rows of numbers from Parquet.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::read::ReadError;

/// The numbers of each row, column after column; a column of lists gives the numbers of its list.
pub(super) fn rows(path: &Path) -> Result<Vec<Vec<f64>>, ReadError> {
    let wrong = |problem: String| ReadError::Parquet { path: path.to_owned(), problem };
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|error| wrong(error.to_string()))?;
    let rows = reader.get_row_iter(None).map_err(|error| wrong(error.to_string()))?;
    let mut all = Vec::new();
    for (index, row) in rows.enumerate() {
        let row = row.map_err(|error| wrong(format!("row {index}: {error}")))?;
        let mut numbers = Vec::new();
        for (name, field) in row.get_column_iter() {
            append(field, &mut numbers).ok_or_else(|| {
                wrong(format!("row {index}: expected a number in {name}, got {field}"))
            })?;
        }
        all.push(numbers);
    }
    Ok(all)
}

/// Appends a number, or all of a list; `None` for anything else.
fn append(field: &Field, to: &mut Vec<f64>) -> Option<()> {
    to.push(match field {
        Field::Byte(x) => (*x).into(),
        Field::Short(x) => (*x).into(),
        Field::Int(x) => (*x).into(),
        Field::Long(x) => *x as f64,
        Field::UByte(x) => (*x).into(),
        Field::UShort(x) => (*x).into(),
        Field::UInt(x) => (*x).into(),
        Field::ULong(x) => *x as f64,
        Field::Float16(x) => x.to_f64(),
        Field::Float(x) => (*x).into(),
        Field::Double(x) => *x,
        Field::ListInternal(list) => {
            return list.elements().iter().try_for_each(|field| append(field, to));
        }
        _ => return None,
    });
    Some(())
}
