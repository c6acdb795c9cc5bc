//! The look of the tool's tables: columns without rules, no wider than a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};

/// The width that fits an ordinary terminal.
pub const WIDTH: u16 = 100;

/// A table without headings.
pub fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH);
    table
}

/// A table with these headings; those that begin with `>` stand to the right, as numbers do.
pub fn headed(headings: &[&str]) -> Table {
    let mut table = plain();
    table.set_header(headings.iter().map(|heading| heading.trim_start_matches('>')).collect::<Vec<_>>());
    for (index, heading) in headings.iter().enumerate() {
        if let Some(column) = table.column_mut(index)
            && heading.starts_with('>')
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The table as text, without blanks at the ends of lines.
pub fn text(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
